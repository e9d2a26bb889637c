//! What a run directory holds: writing each file and reading it back.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::{Config, DensityRow, Error, MetricsRow, QualityRow, Result, RunDir, rows, stack};

/// Steps worth a snapshot: early training changes fast, so they lie close at
/// first. `progress.png` shows them, next to the run's first and last step,
/// where the run reached them.
pub const MOMENTS: [u64; 5] = [20, 100, 300, 1000, 10_000];

/// Images in each row of `digits.idx4`.
const DIGITS: usize = 10;

/// The fixed latents seen through G at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Steps finished when it was taken.
    pub step: u64,
    /// The IDX file, u8 `[n, rows, cols]`.
    pub path: PathBuf,
}

impl RunDir {
    /// Reads `config.toml`.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Config`] where it is no configuration or
    /// breaks a rule of its own.
    pub fn config(&self) -> Result<Config> {
        let path = self.config_path();
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        let config: std::result::Result<Config, String> =
            toml::from_str(&text).map_err(|e| e.to_string());
        config
            .and_then(|config| config.check().map(|()| config))
            .map_err(|reason| Error::Config { path, reason })
    }

    /// Appends one row to `metrics.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] where another number than a loss is not finite,
    /// [`Error::Io`] where the file cannot be written.
    pub fn append_metrics(&self, row: &MetricsRow) -> Result<()> {
        rows::append(&self.metrics_path(), row)
    }

    /// Reads `metrics.jsonl`, oldest row first; no file means no rows yet.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Row`] with the line's number. A last line
    /// without its line end is a write cut short and is left out.
    pub fn metrics(&self) -> Result<Vec<MetricsRow>> {
        rows::read(&self.metrics_path())
    }

    /// Appends one row to `densities.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] where the row breaks a rule of [`DensityRow`],
    /// [`Error::Io`] where the file cannot be written.
    pub fn append_density(&self, row: &DensityRow) -> Result<()> {
        rows::append(&self.densities_path(), row)
    }

    /// Reads `densities.jsonl`, oldest row first; no file means no rows.
    ///
    /// # Errors
    /// As [`RunDir::metrics`].
    pub fn densities(&self) -> Result<Vec<DensityRow>> {
        rows::read(&self.densities_path())
    }

    /// Appends one row to `quality.jsonl`.
    ///
    /// # Errors
    /// [`Error::Row`] with the fields that are not finite, [`Error::Io`] where
    /// the file cannot be written.
    pub fn append_quality(&self, row: &QualityRow) -> Result<()> {
        rows::append(&self.quality_path(), row)
    }

    /// Reads `quality.jsonl`, oldest row first; no file means no evaluation yet.
    ///
    /// # Errors
    /// As [`RunDir::metrics`].
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

    /// The snapshots there are, in the order of their steps.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let steps = numbered(&self.samples_dir(), ".idx3")?;
        Ok(steps
            .into_iter()
            .map(|(step, path)| Snapshot { step, path })
            .collect())
    }

    /// Writes `nearest.idx3`: for each image of the last snapshot, in its
    /// order, the training image at the least Euclidean distance in pixels.
    ///
    /// # Errors
    /// Those of [`Images::write_file`].
    pub fn write_nearest(&self, nearest: &Images) -> Result<()> {
        Ok(nearest.write_file(&self.nearest_path())?)
    }

    /// Reads `nearest.idx3`; `None` where there is no such file.
    ///
    /// # Errors
    /// [`Error::Idx`] where it holds no images.
    pub fn nearest(&self) -> Result<Option<Images>> {
        present(Images::read_file(&self.nearest_path()))
    }

    /// Writes `latent_walk.idx4`: in each row the forgeries along the straight
    /// line between two latents, both included, evenly spaced.
    ///
    /// # Errors
    /// [`Error::RowsDiffer`] where the rows do not hold equally many images of
    /// one size, [`Error::NotRows`] where there are none, [`Error::Idx`] where
    /// the file cannot be written.
    pub fn write_walk(&self, pairs: &[Images]) -> Result<()> {
        stack::write(&self.walk_path(), pairs, None)
    }

    /// Reads `latent_walk.idx4`; `None` where there is no such file.
    ///
    /// # Errors
    /// [`Error::NotRows`] where it holds something else, [`Error::Idx`] where
    /// it cannot be read.
    pub fn walk(&self) -> Result<Option<Vec<Images>>> {
        stack::read(&self.walk_path(), None)
    }

    /// Writes `digits.idx4`: in each row one latent as the digits 0 to 9.
    ///
    /// # Errors
    /// As [`RunDir::write_walk`]; [`Error::NotRows`] also where a row does not
    /// hold ten images.
    pub fn write_digits(&self, latents: &[Images]) -> Result<()> {
        stack::write(&self.digits_path(), latents, Some(DIGITS))
    }

    /// Reads `digits.idx4`; `None` where there is no such file.
    ///
    /// # Errors
    /// As [`RunDir::walk`].
    pub fn digits(&self) -> Result<Option<Vec<Images>>> {
        stack::read(&self.digits_path(), Some(DIGITS))
    }

    /// The checkpoints' steps and folders, in the order of their steps.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>> {
        numbered(&self.checkpoints_dir(), "")
    }

    /// The newest checkpoint's step and folder.
    ///
    /// # Errors
    /// As [`RunDir::checkpoints`].
    pub fn newest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>> {
        Ok(self.checkpoints()?.pop())
    }
}

/// `None` instead of the error that there is no such file.
pub(crate) fn present<T>(read: mnist_io::Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.io_kind() == Some(ErrorKind::NotFound) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// The entries of `dir` whose name is a number before `suffix`, by number; a
/// folder that is not there has none.
pub(crate) fn numbered(dir: &Path, suffix: &str) -> Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", dir)(e)),
    };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name();
            let number = name.to_str()?.strip_suffix(suffix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}
