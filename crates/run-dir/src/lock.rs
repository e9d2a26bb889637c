//! The lock of a run directory: only one process trains in it.

use std::fs::{File, TryLockError};

use crate::dir::RunDir;
use crate::error::{Error, Result};

/// Locks a run directory until it is dropped or the process ends.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct RunLock {
    _file: File,
}

impl RunDir {
    /// Locks the run for training. Readers need no lock.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the lock, [`Error::Io`] if
    /// the lock file cannot be opened or locked.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.root().join("lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked(self.root().to_owned())),
            Err(TryLockError::Error(e)) => Err(Error::io("lock", &path)(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_fails_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::at(dir.path());
        let lock = run.lock().unwrap();
        let refused = run.lock().unwrap_err();
        assert!(matches!(refused, Error::Locked { .. }), "{refused}");
        drop(lock);
        let _lock = run.lock().unwrap();
    }
}
