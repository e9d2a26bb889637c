//! What several metrics share: features, distances, statistics, and the evaluator.

pub(crate) mod balls;
mod cache;
pub(crate) mod distances;
pub(crate) mod error;
pub(crate) mod evaluation;
mod evaluator;
pub(crate) mod features;
pub(crate) mod gaussian;
mod inception_network;
pub(crate) mod kmeans;
pub mod neighbors;
mod reference;
mod rows;

pub use cache::Cache;
pub use error::{Error, Result, UnreliableFeatures};
pub use evaluation::Progress;
pub use evaluator::{Evaluator, Measured};
pub use features::{Fake, Features, MAX_ABS_FEATURE, Real, Training, Validation};
pub use inception_network::Inception;
