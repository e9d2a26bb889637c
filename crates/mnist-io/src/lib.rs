//! Reads and writes IDX files, the format of MNIST and its relatives, and
//! knows the published data sets by their hashes.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod dataset;
mod error;
mod gzip;
mod hash;
mod idx;
mod images;
pub mod known;
mod read;
mod write;

pub use dataset::{Dataset, Split};
pub use error::{Error, Result};
pub use hash::{sha256_hex, sha256_of_reader};
pub use idx::{ElementType, Idx, IdxData};
pub use images::Images;
