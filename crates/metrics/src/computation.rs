//! The metrics and the evaluator, which need libtorch.

mod balls;
mod cache;
pub mod density;
mod distances;
pub mod duplicates;
mod error;
pub(crate) mod evaluation;
mod evaluator;
mod features;
pub mod fid;
mod gaussian;
pub(crate) mod inception;
mod inception_network;
pub mod kid;
mod kmeans;
pub mod modes;
pub mod neighbors;
pub mod novelty;
pub mod parzen;
pub mod precision;
mod reference;
mod rows;

pub use cache::Cache;
pub use error::{Error, Result, UnreliableFeatures};
pub use evaluation::Progress;
pub use evaluator::{Evaluator, Measured};
pub use features::{Fake, Features, MAX_ABS_FEATURE, Real, Training, Validation};
pub use inception_network::Inception;
