//! Trains GANs on handwritten digits, with one training step and one training loop.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod checkpoint;
mod checkpoint_file;
mod checkpointer;
pub mod classifier;
mod config;
mod data;
mod densities;
mod dominance;
mod ema;
mod error;
mod gan;
mod graphs;
mod loader;
mod losses;
mod objective;
mod observer;
mod optimizer;
pub mod penalties;
mod pretraining;
mod replica;
mod report_data;
mod run_sampler;
mod sampler;
mod seeds;
mod snapshots;
mod spectral_norm;
mod step;
mod train;
mod trainer;
pub mod workers;

pub use checkpoint::{Checkpoint, TrainState};
pub use checkpointer::Checkpointer;
pub use config::{TrainConfig, device_name, kind, software};
pub use data::{TrainData, resize};
pub use ema::Ema;
pub use error::Error;
pub use gan::{Gan, Net};
pub use graphs::{CALIBRATION_SAMPLES, Graphs, calibration};
pub use loader::{Batch, DataLoader};
pub use losses::{LOSSES, Loss, LossFn, Threshold};
pub use objective::{DiscriminatorOutput, Objective};
pub use observer::Observer;
pub use optimizer::{Adam, Optimizer, Sgd};
pub use replica::DiscriminatorStats;
pub use run_sampler::{RunGan, RunSampler};
pub use sampler::Sampler;
pub use seeds::{Stream, seed_torch};
pub use spectral_norm::{SingularVectors, SpectralNorm};
pub use step::{Rates, StepStats};
pub use train::{Outcome, train};
pub use trainer::Trainer;
pub use workers::Workers;
