//! Where things lie in the workspace, and whose turn it is to change them.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gan_cli::Paths;

use crate::progress::say;

/// The folder that holds the workspace's `Cargo.toml`.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program belongs to.
    pub fn find() -> Result<Workspace> {
        // Cargo says where it runs the program from; a program started without
        // cargo belongs to where it was built.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .with_context(|| format!("{} is in no workspace", package.display()))?;
        Ok(Workspace {
            root: root.to_owned(),
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where libtorch lies once fetched; `.cargo/config.toml` says the same.
    pub fn libtorch(&self) -> PathBuf {
        self.root.join("libtorch")
    }

    /// What is on its way to [`Workspace::libtorch`] and the data, kept between
    /// attempts.
    pub fn staging(&self) -> PathBuf {
        self.root.join("libtorch.partial")
    }

    /// Removes what calls that were killed left in [`Workspace::staging`], when
    /// all that they were to fetch is there; not while another call is at work.
    pub fn tidy(&self) -> Result<()> {
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

    /// The default folders and files of the commands.
    pub fn paths(&self) -> Paths {
        Paths::new(&self.root)
    }

    /// Waits until no other call fetches into this workspace. The turn ends
    /// when the file is dropped, or with the process, however that ends.
    pub fn turn(&self) -> Result<File> {
        let (file, refused) = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say("waiting for another call that is fetching into this workspace");
                file.lock().context(refused)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).context(refused),
        }
        Ok(file)
    }

    /// The file whose lock is the turn, and what to say where it is refused.
    fn lock_file(&self) -> Result<(File, String)> {
        let path = self.root.join("libtorch.lock");
        let refused = format!("cannot lock {}", path.display());
        // The file stays: removing it would let two waiting calls lock two
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
