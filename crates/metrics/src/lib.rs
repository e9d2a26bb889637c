#![cfg_attr(feature = "libtorch", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "libtorch"),
    doc = "The list of metrics of generated images. The feature `libtorch` computes them."
)]
#![forbid(unsafe_code)]

mod list;
mod metric;

pub use list::{METRICS, UnknownMetric, help, names, parse_list};
pub use metric::{FULL_SAMPLES, Metric, Needs, QUICK_SAMPLES, Value};

#[cfg(feature = "libtorch")]
mod balls;
#[cfg(feature = "libtorch")]
mod cache;
#[cfg(feature = "libtorch")]
pub mod density;
#[cfg(feature = "libtorch")]
mod distances;
#[cfg(feature = "libtorch")]
pub mod duplicates;
#[cfg(feature = "libtorch")]
mod error;
#[cfg(feature = "libtorch")]
mod evaluation;
#[cfg(feature = "libtorch")]
mod evaluator;
#[cfg(feature = "libtorch")]
mod features;
#[cfg(feature = "libtorch")]
pub mod fid;
#[cfg(feature = "libtorch")]
mod inception;
#[cfg(feature = "libtorch")]
pub mod kid;
#[cfg(feature = "libtorch")]
pub mod kmeans;
#[cfg(feature = "libtorch")]
pub mod modes;
#[cfg(feature = "libtorch")]
pub mod neighbors;
#[cfg(feature = "libtorch")]
pub mod novelty;
#[cfg(feature = "libtorch")]
pub mod parzen;
#[cfg(feature = "libtorch")]
pub mod precision;
#[cfg(feature = "libtorch")]
mod reference;
#[cfg(feature = "libtorch")]
mod rows;

#[cfg(feature = "libtorch")]
use evaluation::{Evaluation, Measurements};
#[cfg(feature = "libtorch")]
pub use {
    cache::Cache,
    error::{Error, Result, UnreliableFeatures},
    evaluation::Progress,
    evaluator::Evaluator,
    features::{Fake, Features, LARGEST, Real, Training, Validation},
    inception::Inception,
};
