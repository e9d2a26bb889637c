#![cfg_attr(feature = "libtorch", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "libtorch"),
    doc = "The list of metrics of generated images. The feature `libtorch` computes them."
)]
#![forbid(unsafe_code)]

pub mod density;
pub mod duplicates;
pub mod fid;
mod inception;
pub mod kid;
mod list;
mod metric;
pub mod modes;
pub mod novelty;
pub mod parzen;
pub mod precision;
#[cfg(feature = "libtorch")]
mod support;

pub use list::{METRICS, UnknownMetric, help, names, parse_list};
pub use metric::{FULL_SAMPLES, Metric, Needs, QUICK_SAMPLES, Value};
pub use modes::{CLASS_SHARES, TEST_CLASS_SHARES};
#[cfg(feature = "libtorch")]
pub use support::*;
