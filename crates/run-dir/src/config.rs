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
    /// What the run was trained on; `None` where its data are drawn, not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetInfo>,
    /// How its pictures are laid out; the usual squares in files that do not
    /// say.
    #[serde(default)]
    pub pictures: FigureLayout,
    /// Versions that the numbers may depend on.
    pub software: Software,
    /// The trainer's settings: losses, rates, schedule.
    pub train: toml::Table,
}

impl Config {
    /// Refuses what no parser can: the reason names the key.
    pub(crate) fn check(&self) -> Result<(), String> {
        let pictures = &self.pictures;
        for (key, [rows, columns]) in [("grid", pictures.grid), ("last_grid", pictures.last_grid)] {
            if rows == 0 || columns == 0 {
                return Err(format!(
                    "pictures.{key} = [{rows}, {columns}]: a grid has at least 1 row and 1 column"
                ));
            }
        }
        if pictures.nearest_row == 0 {
            return Err("pictures.nearest_row = 0: a row has at least 1 sample".to_owned());
        }
        Ok(())
    }
}

/// The layout of a run's figures. Each preset uses the layout of its author.
///
/// A grid is `[rows, columns]`, both at least 1. A grid with fewer images than
/// cells is smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureLayout {
    /// Grid of the figure of one snapshot.
    pub grid: [u64; 2],
    /// Grid of the figure of the last snapshot.
    pub last_grid: [u64; 2],
    /// Whether the figure of a snapshot has a grid of real images, the first of
    /// `originals.idx3`, above the samples.
    pub real_above: bool,
    /// Samples in a row of `nearest.png`, at least 1. Each row ends with the
    /// training image nearest to its last sample. With 1, several pairs share
    /// a line.
    pub nearest_row: u64,
}

impl Default for FigureLayout {
    /// Grids of 8x8, no real images, and pairs in `nearest.png`.
    fn default() -> Self {
        FigureLayout {
            grid: [8, 8],
            last_grid: [8, 8],
            real_above: false,
            nearest_row: 1,
        }
    }
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
    /// SHA-256 of the raw IDX bytes of the test images, which its forgeries are
    /// measured against; early versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images_sha256: Option<String>,
}

impl DatasetInfo {
    /// Whether images with these SHA-256 are those that the run was trained on and
    /// is measured with. A run that does not name its test images takes any.
    pub fn has_images(&self, training_sha256: &str, test_sha256: &str) -> bool {
        let test = self.test_images_sha256.as_ref();
        self.images_sha256 == training_sha256 && test.is_none_or(|sha256| sha256 == test_sha256)
    }
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
