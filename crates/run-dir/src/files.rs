//! Reading and writing the files of a run directory.

use std::path::{Path, PathBuf};

use mnist_io::{Idx, Images};

use crate::config::RunConfig;
use crate::dir::RunDir;
use crate::error::{Error, Result, none_if_missing};
use crate::quality::QualityRow;
use crate::rows::{self, DensityRow, MetricsRow};

/// The largest accepted `config.toml`, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The largest accepted file of images, in bytes: 64 MiB.
const MAX_IMAGE_FILE_BYTES: u64 = 1 << 26;

/// More than the header of an IDX file of images has, in bytes.
const MAX_HEADER_BYTES: u64 = 1 << 10;

impl RunDir {
    /// Reads `config.toml`.
    ///
    /// # Errors
    /// Those of [`RunDir::read`] with a limit of 1 MiB, or [`Error::Invalid`] for an
    /// invalid configuration.
    pub fn config(&self) -> Result<RunConfig> {
        let path = self.config_path();
        let text = self.read(&path, MAX_CONFIG_BYTES)?;
        RunConfig::parse(&text).map_err(|reason| Error::Invalid { path, reason })
    }

    /// Returns the SHA-256 of `config.toml` in hexadecimal.
    ///
    /// # Errors
    /// Those of [`RunDir::read`] with a limit of 1 MiB.
    pub fn config_sha256(&self) -> Result<String> {
        Ok(mnist_io::sha256_hex(&self.read(&self.config_path(), MAX_CONFIG_BYTES)?))
    }

    /// Appends one row to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] if a number other than a loss is NaN or infinite,
    /// [`Error::Io`] if the file cannot be written.
    pub fn append_metrics(&self, row: &MetricsRow) -> Result<()> {
        rows::append(self, &self.metrics_path(), [row]).map(drop)
    }

    /// Reads `metrics.jsonl`, oldest row first. A missing file has no rows.
    ///
    /// A last line without a line end is an interrupted write and is skipped.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Row`] with the number of the invalid line, or
    /// [`Error::Damaged`] if rows changed that a checkpoint follows.
    pub fn metrics(&self) -> Result<Vec<MetricsRow>> {
        rows::read(self, &self.metrics_path())
    }

    /// Appends one row to `densities.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] if the row breaks a rule of [`DensityRow`], [`Error::Io`]
    /// if the file cannot be written.
    pub fn append_density(&self, row: &DensityRow) -> Result<()> {
        rows::append(self, &self.densities_path(), [row]).map(drop)
    }

    /// Reads `densities.jsonl`, as [`RunDir::metrics`] reads its file.
    ///
    /// # Errors
    /// Those of [`RunDir::metrics`].
    pub fn densities(&self) -> Result<Vec<DensityRow>> {
        rows::read(self, &self.densities_path())
    }

    /// Appends one row to `quality.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] with the names of NaN and infinite fields, [`Error::Io`]
    /// if the file cannot be written.
    pub fn append_quality(&self, row: &QualityRow) -> Result<()> {
        rows::append(self, &self.quality_path(), [row]).map(drop)
    }

    /// Reads `quality.jsonl`, as [`RunDir::metrics`] reads its file.
    ///
    /// # Errors
    /// Those of [`RunDir::metrics`].
    pub fn quality(&self) -> Result<Vec<QualityRow>> {
        rows::read(self, &self.quality_path())
    }

    /// Reads a plain IDX file of images, of at most 64 MiB.
    ///
    /// # Errors
    /// Those of [`RunDir::read`]; [`Error::Idx`] if the file is no such file.
    pub fn read_images(&self, path: &Path) -> Result<Images> {
        let images = Images::try_from(self.read_idx(path)?);
        images.map_err(|reason| Error::in_file(path, reason))
    }

    /// Writes a plain IDX file of images, of at most 64 MiB.
    ///
    /// # Errors
    /// Those of [`RunDir::write`]; [`Error::TooLong`].
    pub fn write_images(&self, path: &Path, images: &Images) -> Result<()> {
        self.write_idx(path, &Idx::from(images.clone()))
    }

    pub(crate) fn read_idx(&self, path: &Path) -> Result<Idx> {
        let bytes = self.read(path, MAX_IMAGE_FILE_BYTES)?;
        match bytes.first_chunk() {
            // A run holds no compressed images, so their size is bounded.
            Some(&found) if found == [0x1f, 0x8b] => Err(mnist_io::Error::Magic { found }),
            _ => Idx::read(&bytes[..]),
        }
        .map_err(|reason| Error::in_file(path, reason))
    }

    pub(crate) fn write_idx(&self, path: &Path, idx: &Idx) -> Result<()> {
        let bytes = idx.data().len() as u64;
        let limit = MAX_IMAGE_FILE_BYTES - MAX_HEADER_BYTES;
        if bytes > limit {
            return Err(Error::TooLong { path: path.to_owned(), bytes, limit });
        }
        let mut bytes = Vec::new();
        idx.write(&mut bytes).map_err(Error::io("write", path))?;
        self.save(path, &bytes)
    }

    /// Writes the snapshot of `step`.
    ///
    /// # Errors
    /// Those of [`RunDir::write_images`].
    pub fn write_snapshot(&self, step: u64, samples: &Images) -> Result<()> {
        self.write_images(&self.snapshot_path(step), samples)
    }

    /// Lists the snapshots as steps and files, ordered by step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<(u64, PathBuf)>> {
        Ok(none_if_missing(self.files_by_step(&self.snapshots_dir(), ".idx3"))?.unwrap_or_default())
    }

    /// Reads `nearest.idx3`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Those of [`RunDir::read_images`].
    pub fn nearest(&self) -> Result<Option<Images>> {
        none_if_missing(self.read_images(&self.nearest_path()))
    }

    /// Lists the checkpoints as steps and files, ordered by step.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder is missing or cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>> {
        self.files_by_step(&self.checkpoints_dir(), ".safetensors")
    }

    /// Returns the step and the file of the newest checkpoint.
    ///
    /// # Errors
    /// Those of [`RunDir::checkpoints`].
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>> {
        Ok(self.checkpoints()?.pop())
    }

    /// Lists the entries of `folder` named NUMBER + `suffix`, ordered by number.
    pub(crate) fn files_by_step(&self, folder: &Path, suffix: &str) -> Result<Vec<(u64, PathBuf)>> {
        let entries = self.entries(folder)?;
        let mut found: Vec<(u64, PathBuf)> = entries
            .iter()
            .filter_map(|(name, _)| {
                Some((name.to_str()?.strip_suffix(suffix)?.parse().ok()?, folder.join(name)))
            })
            .collect();
        found.sort();
        Ok(found)
    }
}
