//! Reading and writing the files of a run directory.

use std::fs;
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::atomic::entries;
use crate::config::Config;
use crate::dir::RunDir;
use crate::error::{Error, Result, optional};
use crate::image_rows;
use crate::quality::QualityRow;
use crate::rows::{self, DensityRow, MetricsRow};

/// Images in each row of `digits.idx4`.
const DIGITS: usize = 10;

/// Samples from the fixed latents at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of finished steps.
    pub step: u64,
    /// The IDX file, u8 `[n, rows, cols]`.
    pub path: PathBuf,
}

impl RunDir {
    /// Reads `config.toml`.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Config`] for an invalid configuration.
    pub fn config(&self) -> Result<Config> {
        let path = self.config_path();
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Config::parse(&text).map_err(|reason| Error::Config { path, reason })
    }

    /// Appends one row to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] if a number other than a loss is NaN or infinite,
    /// [`Error::Io`] if the file cannot be written.
    pub fn append_metrics(&self, row: &MetricsRow) -> Result<()> {
        rows::append(&self.metrics_path(), row)
    }

    /// Reads `metrics.jsonl`, oldest row first. A missing file has no rows.
    ///
    /// A last line without a line end is an interrupted write and is skipped.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Row`] with the number of the invalid line.
    pub fn metrics(&self) -> Result<Vec<MetricsRow>> {
        rows::read(&self.metrics_path())
    }

    /// Appends one row to `densities.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] if the row breaks a rule of [`DensityRow`], [`Error::Io`]
    /// if the file cannot be written.
    pub fn append_density(&self, row: &DensityRow) -> Result<()> {
        rows::append(&self.densities_path(), row)
    }

    /// Reads `densities.jsonl`, as [`RunDir::metrics`] reads its file.
    ///
    /// # Errors
    /// Those of [`RunDir::metrics`].
    pub fn densities(&self) -> Result<Vec<DensityRow>> {
        rows::read(&self.densities_path())
    }

    /// Appends one row to `quality.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] with the names of NaN and infinite fields, [`Error::Io`]
    /// if the file cannot be written.
    pub fn append_quality(&self, row: &QualityRow) -> Result<()> {
        rows::append(&self.quality_path(), row)
    }

    /// Reads `quality.jsonl`, as [`RunDir::metrics`] reads its file.
    ///
    /// # Errors
    /// Those of [`RunDir::metrics`].
    pub fn quality(&self) -> Result<Vec<QualityRow>> {
        rows::read(&self.quality_path())
    }

    /// Writes the snapshot of `step`.
    ///
    /// # Errors
    /// Those of [`Images::write_file`].
    pub fn write_samples(&self, step: u64, samples: &Images) -> Result<()> {
        Ok(samples.write_file(&self.samples_path(step))?)
    }

    /// Lists the snapshots, ordered by step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let steps = numbered(&self.samples_dir(), ".idx3")?.into_iter();
        Ok(steps.map(|(step, path)| Snapshot { step, path }).collect())
    }

    /// Writes `nearest.idx3`: for each image of the last snapshot, in order,
    /// the training image with the smallest Euclidean distance in pixels.
    ///
    /// # Errors
    /// Those of [`Images::write_file`].
    pub fn write_nearest(&self, nearest: &Images) -> Result<()> {
        Ok(nearest.write_file(&self.nearest_path())?)
    }

    /// Reads `nearest.idx3`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::Idx`] if the file is not an IDX file of images.
    pub fn nearest(&self) -> Result<Option<Images>> {
        optional(Images::read_file(&self.nearest_path()))
    }

    /// Writes `latent_walk.idx4`: each row shows samples for evenly spaced
    /// latents on the line between two latents, both ends included.
    ///
    /// # Errors
    /// [`Error::ImageRowsDiffer`] if the rows differ in shape,
    /// [`Error::NotImageRows`] without rows or images, [`Error::Idx`] if the
    /// file cannot be written.
    pub fn write_walk(&self, rows: &[Images]) -> Result<()> {
        image_rows::write(&self.walk_path(), rows, None)
    }

    /// Reads `latent_walk.idx4`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::NotImageRows`] for an array of another type or shape,
    /// [`Error::Idx`] if the file cannot be read.
    pub fn walk(&self) -> Result<Option<Vec<Images>>> {
        image_rows::read(&self.walk_path(), None)
    }

    /// Writes `digits.idx4`: each row shows one latent as the digits 0 to 9.
    ///
    /// # Errors
    /// Those of [`RunDir::write_walk`]; [`Error::NotImageRows`] also if a row
    /// does not contain ten images.
    pub fn write_digits(&self, rows: &[Images]) -> Result<()> {
        image_rows::write(&self.digits_path(), rows, Some(DIGITS))
    }

    /// Reads `digits.idx4`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Those of [`RunDir::walk`].
    pub fn digits(&self) -> Result<Option<Vec<Images>>> {
        image_rows::read(&self.digits_path(), Some(DIGITS))
    }

    /// Lists the checkpoints as steps and files, ordered by step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>> {
        numbered(&self.checkpoints_dir(), ".safetensors")
    }

    /// Returns the step and the file of the newest checkpoint.
    ///
    /// # Errors
    /// Those of [`RunDir::checkpoints`].
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>> {
        Ok(self.checkpoints()?.pop())
    }
}

/// Lists the entries of `dir` named NUMBER + `suffix`, ordered by number.
pub(crate) fn numbered(dir: &Path, suffix: &str) -> Result<Vec<(u64, PathBuf)>> {
    let number = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()?.strip_suffix(suffix)?.parse().ok()
    };
    let entries = entries(dir)?;
    let mut found: Vec<(u64, PathBuf)> =
        entries.iter().filter_map(|entry| Some((number(entry)?, entry.path()))).collect();
    found.sort();
    Ok(found)
}
