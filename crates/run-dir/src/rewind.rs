//! Back to an earlier step, from where training goes on as if it had never been
//! further.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::files::numbered;
use crate::rows;
use crate::{DensityRow, Error, MetricsRow, QualityRow, Result, RunDir, remove_asides};

/// A step to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Steps finished; rows of later ones go.
    pub step: u64,
    /// The step of the last snapshot until then; later ones go, and so do later
    /// densities.
    pub last_snapshot: u64,
}

impl RunDir {
    /// Removes what was written after `to`, or since the beginning, what killed
    /// writers left aside, and the last look, which only the end of a run takes.
    /// Checkpoints stay.
    ///
    /// Only for who holds the run's lock.
    ///
    /// # Errors
    /// [`Error::Row`] for a broken row, [`Error::Io`] where something cannot be
    /// read or removed.
    pub fn rewind(&self, to: Option<Reached>) -> Result<()> {
        let step = to.map(|to| to.step);
        let last_snapshot = to.map(|to| to.last_snapshot);
        rows::rewind::<MetricsRow>(&self.metrics_path(), step)?;
        rows::rewind::<QualityRow>(&self.quality_path(), step)?;
        rows::rewind::<DensityRow>(&self.densities_path(), last_snapshot)?;
        let later = |(number, _): &(u64, _)| last_snapshot.is_none_or(|last| *number > last);
        for (dir, suffix) in [
            (&self.samples_dir(), ".idx3"),
            (&self.pictures_dir(), ".png"),
        ] {
            let found = numbered(dir, suffix)?;
            found
                .iter()
                .filter(|entry| later(entry))
                .try_for_each(|(_, path)| remove(path))?;
        }
        for path in [self.nearest_path(), self.walk_path(), self.digits_path()] {
            remove(&path)?;
        }
        self.tidy()
    }

    /// Removes what killed writers left aside, anywhere in the run.
    ///
    /// Only for who holds the run's lock.
    ///
    /// # Errors
    /// [`Error::Io`] where a folder cannot be read or a leftover not removed.
    pub fn tidy(&self) -> Result<()> {
        for dir in [
            self.root(),
            &self.samples_dir(),
            &self.checkpoints_dir(),
            &self.figures_dir(),
            &self.pictures_dir(),
        ] {
            remove_asides(dir)?;
        }
        Ok(())
    }

    /// Flushes the row files to the disk: what a checkpoint relies on must
    /// outlive a loss of power as the checkpoint does.
    ///
    /// # Errors
    /// [`Error::Io`] where one cannot be flushed.
    pub fn flush_rows(&self) -> Result<()> {
        for path in self.row_files() {
            // Windows flushes only what is open for writing.
            match fs::File::options().append(true).open(&path) {
                Ok(file) => file.sync_all().map_err(Error::io("flush", &path))?,
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("open", &path)(e)),
            }
        }
        Ok(())
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn metrics(step: u64) -> MetricsRow {
        MetricsRow {
            step,
            images_seen: step,
            seconds: 0.1,
            loss_d: f64::NAN,
            loss_g: 1.0 / 3.0,
            real_called_real: 1.0,
            fake_called_real: 0.0,
            lr_d: 0.1,
            lr_g: 0.1,
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = names
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_came_after_the_step_goes_and_the_rest_keeps_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::at(dir.path());
        fs::create_dir(run.samples_dir()).unwrap();
        for step in [1, 10, 20] {
            run.append_metrics(&metrics(step)).unwrap();
        }
        let until_10 = fs::read(run.metrics_path()).unwrap();
        let until_10 = until_10.split_inclusive(|&b| b == b'\n').take(2);
        let until_10 = until_10.collect::<Vec<_>>().concat();
        let mut file = fs::File::options()
            .append(true)
            .open(run.metrics_path())
            .unwrap();
        file.write_all(b"{\"step\":30,").unwrap();
        let images = mnist_io::Images::new(1, 1, vec![7]).unwrap();
        for step in [0, 5, 12] {
            run.write_samples(step, &images).unwrap();
        }
        run.write_nearest(&images).unwrap();
        fs::write(dir.path().join(".aside-x"), b"half").unwrap();
        let to = Reached {
            step: 12,
            last_snapshot: 5,
        };
        run.rewind(Some(to)).unwrap();
        assert_eq!(fs::read(run.metrics_path()).unwrap(), until_10);
        assert_eq!(names(&run.samples_dir()), ["000000.idx3", "000005.idx3"]);
        assert_eq!(names(dir.path()), ["metrics.jsonl", "samples"]);
        run.rewind(None).unwrap();
        assert_eq!(run.metrics().unwrap(), []);
        assert_eq!(run.snapshots().unwrap(), []);
    }
}
