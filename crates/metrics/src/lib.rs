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

pub use list::{METRICS, UnknownMetric, help, names, parse_list};
pub use metric::{FULL_SAMPLES, Metric, Needs, QUICK_SAMPLES, Value};

#[cfg(feature = "libtorch")]
mod balls;
#[cfg(feature = "libtorch")]
mod cache;
#[cfg(feature = "libtorch")]
mod distances;
#[cfg(feature = "libtorch")]
mod error;
#[cfg(feature = "libtorch")]
mod evaluation;
#[cfg(feature = "libtorch")]
mod evaluator;
#[cfg(feature = "libtorch")]
mod features;
#[cfg(feature = "libtorch")]
mod gaussian;
#[cfg(feature = "libtorch")]
mod inception_network;
#[cfg(feature = "libtorch")]
mod kmeans;
#[cfg(feature = "libtorch")]
pub mod neighbors;
#[cfg(feature = "libtorch")]
mod reference;
#[cfg(feature = "libtorch")]
mod rows;

#[cfg(feature = "libtorch")]
pub use {
    cache::Cache,
    error::{Error, Result, UnreliableFeatures},
    evaluation::Progress,
    evaluator::{Evaluator, Measured},
    features::{Fake, Features, LARGEST, Real, Training, Validation},
    inception_network::Inception,
};
