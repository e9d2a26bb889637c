//! `config.toml`: everything that was decided before the first step.

use serde::{Deserialize, Serialize};

/// A run's resolved configuration.
///
/// What a reader without libtorch needs has a field of its own; the trainer's
/// own settings ride along as a table that only the trainer interprets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The preset's name, as `--preset` takes it.
    pub preset: String,
    /// The seed that everything random in the run follows from.
    pub seed: u64,
    /// Originals per step.
    pub batch: u64,
    /// Seconds that the schedule is stretched over, where it follows the clock
    /// and not the number of images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The device as it was resolved: `cpu` or `cuda:0`.
    pub device: String,
    /// The precision of the arithmetic as it was resolved: `f32` or `bf16`.
    pub precision: String,
    /// Threads that libtorch computes with.
    pub threads: u64,
    /// What the run was trained on.
    pub dataset: DatasetInfo,
    /// Versions that the numbers may depend on.
    pub software: Software,
    /// The trainer's settings: losses, rates, schedule.
    pub train: toml::Table,
}

/// Where a run's originals come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetInfo {
    /// The known set's name, or `custom` for any other four IDX files.
    pub name: String,
    /// The folder that was read, absolute.
    pub path: String,
    /// Images in the training set; a preset may use only the first of them.
    pub images: u64,
    /// SHA-256 of the raw IDX bytes of the training images, in hex.
    pub images_sha256: String,
    /// SHA-256 of the raw IDX bytes of the training labels, in hex.
    pub labels_sha256: String,
}

/// Versions that a run's numbers may depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Version of the trainer.
    pub trainer: String,
    /// Version of libtorch.
    pub libtorch: String,
}
