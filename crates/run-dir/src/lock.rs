//! The lock of a run directory: two trainers cannot share one.

use std::fs::{File, TryLockError};

use crate::{Error, Result, RunDir};

/// A run directory is locked as long as this lives. The operating system lets
/// the lock go when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "the run is locked as long as this lives"]
pub struct RunLock {
    _file: File,
}

impl RunDir {
    /// Locks the run for one trainer. Readers need no lock.
    ///
    /// # Errors
    /// [`Error::Locked`] where somebody holds the lock, [`Error::Io`] where it
    /// cannot be had.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.root().join("lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked {
                path: self.root().to_owned(),
            }),
            Err(TryLockError::Error(e)) => Err(Error::io("lock", &path)(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_free_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::at(dir.path());
        let lock = run.lock().unwrap();
        let refused = run.lock().unwrap_err();
        assert!(matches!(refused, Error::Locked { .. }), "{refused}");
        drop(lock);
        let _lock = run.lock().unwrap();
    }
}
