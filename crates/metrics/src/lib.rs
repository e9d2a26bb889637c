#![cfg_attr(feature = "libtorch", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "libtorch"),
    doc = "The list of metrics of generated images. The feature `libtorch` computes them."
)]
#![forbid(unsafe_code)]

#[cfg(feature = "libtorch")]
mod computation;
mod list;
mod metric;
mod remarks;

#[cfg(feature = "libtorch")]
pub use computation::*;
pub use list::{METRICS, UnknownMetric, help, names, parse_list};
pub use metric::{FULL_SAMPLES, Metric, Needs, QUICK_SAMPLES, Value};
pub use remarks::{CLASS_SHARES, TEST_CLASS_SHARES};
