//! The paths in the workspace, and the lock that a command holds while it downloads.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

use anyhow::{Context, Result};
use gan_cli::Paths;

use crate::progress::eprint_line;

/// The folder that holds the workspace's `Cargo.toml`.
pub struct Workspace {
    pub root: PathBuf,
}

impl Workspace {
    /// The workspace that this program belongs to.
    pub fn find() -> Result<Workspace> {
        // Cargo sets the variable when it runs the program. Otherwise the workspace is the one
        // where the program was built.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().map(PathBuf::from);
        let root = root.with_context(|| format!("{} has no parent folder", package.display()))?;
        Ok(Workspace { root })
    }

    /// The folder of the fetched libtorch; `.cargo/config.toml` names the same one.
    pub fn libtorch(&self) -> PathBuf {
        self.root.join("libtorch")
    }

    /// The folder of unfinished downloads; the next command continues with them.
    pub fn staging(&self) -> PathBuf {
        self.root.join("libtorch.partial")
    }

    /// The default folders and files of the commands.
    pub fn paths(&self) -> Paths {
        Paths::new(&self.root)
    }

    /// Locks the workspace against other commands that download; waits if one holds the lock. The
    /// lock ends when the file is dropped, or when the process ends for any reason.
    pub fn lock(&self) -> Result<File> {
        let (file, refused) = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprint_line("waiting for another command that fetches into this workspace");
                file.lock().context(refused)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).context(refused),
        }
        Ok(file)
    }

    /// Removes the leftovers of killed commands in [`Workspace::staging`], unless another command
    /// holds the lock. Call this when all downloads are complete.
    pub fn remove_staging(&self) -> Result<()> {
        let staging = self.staging();
        if !staging.exists() {
            return Ok(());
        }
        let (lock, refused) = self.lock_file()?;
        match lock.try_lock() {
            Ok(()) => fs::remove_dir_all(&staging)
                .with_context(|| format!("cannot remove {}", staging.display())),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error).context(refused),
        }
    }

    /// The file to lock, and the message if that fails.
    fn lock_file(&self) -> Result<(File, String)> {
        let path = self.root.join("libtorch.lock");
        let refused = format!("cannot lock {}", path.display());
        // Nothing removes this file. If it were removed, two waiting commands could lock two
        // different files of the same name.
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| refused.clone())?;
        Ok((file, refused))
    }
}
