#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dataset;
mod element;
mod error;
mod gzip;
mod hash;
mod idx;
mod images;
pub mod known;
mod labels;
mod names;
mod read;
mod write;

pub use dataset::{Dataset, Split};
pub use element::{ElementType, IdxData};
pub use error::{Error, Result};
pub use hash::{sha256_hex, sha256_of_reader};
pub use idx::Idx;
pub use images::{Images, MAX_BYTES};
pub use labels::{read_labels, read_labels_from};
pub use names::{find_files, prefix_of_file};
pub use read::{open_regular, plain_reader, read_regular};
pub use write::write_parts;
