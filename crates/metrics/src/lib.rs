//! Judges forged images against real, in numbers.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod balls;
pub mod density;
mod distances;
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

pub use error::{Error, Result};
pub use features::{Fake, Features, LARGEST, Real, Training, Validation};
