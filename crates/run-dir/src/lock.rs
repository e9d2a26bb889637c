//! The lock of a run directory: only one process trains in it.

use std::fs::{File, TryLockError};

use cap_fs_ext::MetadataExt;
use cap_std::fs::{Metadata, OpenOptions};

use crate::dir::RunDir;
use crate::error::{Error, Result};

/// Locks a run directory until it is dropped or the process ends.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct RunLock {
    file: File,
    run: RunDir,
}

impl RunDir {
    /// Locks the run for training. Readers need no lock.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process holds the lock, [`Error::Io`] if
    /// the lock file cannot be opened or locked; those of [`RunLock::check`].
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.lock_path();
        let file = self.open_with(&path, OpenOptions::new().create(true).append(true))?;
        match file.try_lock() {
            Ok(()) => {
                let lock = RunLock { file, run: self.clone() };
                lock.check().map(|()| lock)
            }
            Err(TryLockError::WouldBlock) => Err(Error::Locked(self.root().to_owned())),
            Err(TryLockError::Error(e)) => Err(Error::io("lock", &path)(e)),
        }
    }
}

impl RunLock {
    /// Checks that the run's lock file is the locked one. If a user removes it, another
    /// process can lock the run.
    ///
    /// # Errors
    /// [`Error::LockReplaced`] if the file was removed or replaced.
    pub fn check(&self) -> Result<()> {
        let locked = Metadata::from_file(&self.file);
        let found = self.run.dir().symlink_metadata("lock");
        match (locked, found) {
            (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.dev(), b.ino()) => Ok(()),
            _ => Err(Error::LockReplaced(self.run.root().to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_lock_fails_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open_unchecked(dir.path()).unwrap();
        let lock = run.lock().unwrap();
        let refused = run.lock().unwrap_err();
        assert!(matches!(refused, Error::Locked { .. }), "{refused}");
        drop(lock);
        let _lock = run.lock().unwrap();
    }
}
