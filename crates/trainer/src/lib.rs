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
mod loader;
mod losses;
mod objective;
mod observer;
mod onnx;
mod optimizer;
pub mod penalties;
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
mod validate;
pub mod workers;

pub use checkpoint::{Checkpoint, TrainState};
pub use checkpointer::Checkpointer;
pub use config::{TrainConfig, device_name, dtype, software};
pub use data::{TrainData, resize};
pub use ema::Ema;
pub use error::Error;
pub use gan::{Gan, NetworkState};
pub use loader::{Batch, DataLoader};
pub use losses::{LOSSES, Loss, LossFn, Threshold};
pub use objective::{DiscriminatorOutput, Objective};
pub use observer::Observer;
pub use onnx::{CALIBRATION_SAMPLES, OnnxGraphs, calibration};
pub use optimizer::{Adam, Optimizer, Sgd};
pub use replica::DiscriminatorStats;
pub use run_sampler::{RunGan, RunSampler};
pub use sampler::Sampler;
pub use seeds::{RandomStream, seed_torch};
pub use spectral_norm::{SingularVectors, SpectralNorm};
pub use step::{StepHyperparams, StepStats};
pub use train::train;
pub use trainer::Trainer;
pub use workers::Workers;
