//! Judges forged images against originals, in numbers.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod features;
pub mod neighbors;
mod rows;

pub use error::{Error, Result};
pub use features::{Features, Forgeries, LARGEST, Originals, Training, Validation};
