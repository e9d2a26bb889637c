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
mod read;
mod write;

pub use dataset::{Dataset, Split};
pub use element::{ElementType, IdxData};
pub use error::{Error, Result};
pub use hash::{sha256_hex, sha256_of_reader};
pub use idx::Idx;
pub use images::Images;
pub use write::{write_atomic, write_parts};
