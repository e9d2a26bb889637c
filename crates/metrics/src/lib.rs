//! Judges forged images against originals, in numbers.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod balls;
pub mod density;
pub mod duplicates;
mod error;
mod features;
pub mod fid;
pub mod kid;
pub mod kmeans;
pub mod modes;
pub mod neighbors;
pub mod novelty;
pub mod parzen;
pub mod precision;
mod products;
mod rows;
pub mod stacked;

pub use error::{Error, Result};
pub use features::{Features, Forgeries, LARGEST, Originals, Training, Validation};
