//! Removes everything that a run wrote after an earlier step.

use std::path::PathBuf;

use crate::dir::RunDir;
use crate::error::{Result, none_if_missing};
use crate::quality::QualityRow;
use crate::rows::{self, DensityRow, MetricsRow};

/// The state to which [`RunDir::rewind`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewindPoint {
    /// The number of finished steps. Later rows are removed.
    pub step: u64,
    /// The step of the last snapshot. Later snapshots and densities are removed.
    pub last_snapshot: u64,
}

impl RunDir {
    /// Removes everything written after `to`, or all of it for `None`.
    ///
    /// Also removes temporary files, the networks' graphs, and the files that only a
    /// finished run has: nearest images, latent walk and digits. Keeps checkpoints. The
    /// caller must hold the run's lock.
    ///
    /// # Errors
    /// [`Error::Row`](crate::Error::Row) for an invalid row,
    /// [`Error::Damaged`](crate::Error::Damaged) for other rows than those that were recorded,
    /// [`Error::Io`](crate::Error::Io) if a file cannot be read or removed.
    pub fn rewind(&self, to: Option<RewindPoint>) -> Result<()> {
        let step = to.map(|to| to.step);
        let last_snapshot = to.map(|to| to.last_snapshot);
        rows::retain(self, &self.metrics_path(), |row: &MetricsRow| Some(row.step) <= step)?;
        rows::retain(self, &self.quality_path(), |row: &QualityRow| Some(row.step) <= step)?;
        rows::retain(self, &self.densities_path(), |row: &DensityRow| {
            Some(row.step) <= last_snapshot
        })?;
        self.record_rows()?;
        for (dir, suffix) in
            [(self.snapshots_dir(), ".idx3"), (self.snapshot_figures_dir(), ".png")]
        {
            for (step, path) in
                none_if_missing(self.files_by_step(&dir, suffix))?.unwrap_or_default()
            {
                if last_snapshot.is_none_or(|last| step > last) {
                    self.remove(&path)?;
                }
            }
        }
        self.final_files().iter().try_for_each(|path| self.remove(path))?;
        self.remove_temporary_files()
    }

    /// Removes the temporary files of killed processes in the whole run.
    ///
    /// The caller must hold the run's lock.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if a folder cannot be read or a file cannot be removed.
    pub fn remove_temporary_files(&self) -> Result<()> {
        self.remove_temporary_in(self.root())?;
        self.remove_temporary_in(&self.snapshot_figures_dir())?;
        self.folders().iter().try_for_each(|folder| self.remove_temporary_in(folder))
    }

    /// The files of a finished run. The networks' graphs may exist earlier.
    pub(crate) fn final_files(&self) -> [PathBuf; 8] {
        [
            self.nearest_path(),
            self.latent_walk_path(),
            self.class_rows_path(),
            self.generator_graph_path(),
            self.discriminator_graph_path(),
            self.game_path(),
            self.real_nearest_path(),
            self.report_data_path(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::*;

    fn metrics(step: u64) -> MetricsRow {
        MetricsRow {
            step,
            images_seen: step,
            seconds: 0.1,
            loss_d: f64::NAN,
            loss_g: 1.0 / 3.0,
            d_real: 1.0,
            d_fake: 0.0,
            lr_d: 0.1,
            lr_g: 0.1,
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn rewind_removes_later_files_and_rows_and_keeps_the_bytes_of_earlier_rows() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open_unchecked(dir.path()).unwrap();
        fs::create_dir(run.snapshots_dir()).unwrap();
        for step in [1, 10, 20] {
            run.append_metrics(&metrics(step)).unwrap();
        }
        let until_10 = fs::read(run.metrics_path()).unwrap();
        let until_10 = until_10.split_inclusive(|&b| b == b'\n').take(2);
        let until_10 = until_10.collect::<Vec<_>>().concat();
        let mut file = fs::File::options().append(true).open(run.metrics_path()).unwrap();
        file.write_all(b"{\"step\":30,").unwrap();
        let images = mnist_io::Images::new(1, 1, vec![7]).unwrap();
        for step in [0, 5, 12] {
            run.write_snapshot(step, &images).unwrap();
        }
        run.write_images(&run.nearest_path(), &images).unwrap();
        fs::write(run.generator_graph_path(), b"later").unwrap();
        fs::write(run.discriminator_graph_path(), b"later").unwrap();
        fs::write(dir.path().join(".tmp-x"), b"half").unwrap();
        let to = RewindPoint { step: 12, last_snapshot: 5 };
        run.rewind(Some(to)).unwrap();
        assert_eq!(fs::read(run.metrics_path()).unwrap(), until_10);
        assert_eq!(names(&run.snapshots_dir()), ["000000.idx3", "000005.idx3"]);
        assert_eq!(names(dir.path()), ["checksums.jsonl", "metrics.jsonl", "samples"]);
        run.rewind(None).unwrap();
        assert_eq!(run.metrics().unwrap(), []);
        assert_eq!(run.snapshots().unwrap(), []);
    }
}
