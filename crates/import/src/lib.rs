#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod checks;
mod csv;
mod entry;
mod error;
mod format;
mod labels;
mod npy;
mod options;
mod parts;
mod picture;
mod range;
mod samples;
mod set;
mod stack;
mod transform;

pub use checks::{Duplicates, duplicates, pixel_warnings, range_warning};
pub use error::{Error, Problem, Result};
pub use options::{Options, Subset};
pub use samples::{Samples, read_samples};
pub use set::{Set, read_set};
