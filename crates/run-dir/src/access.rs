//! Access to the files of a run: relative to its folder, without following links, and
//! to regular files only.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read};
use std::path::Path;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, FileType, OpenOptions};

use crate::atomic::{entries, is_temporary, parent_of, remove_temporary_in, write_in};
use crate::dir::RunDir;
use crate::error::{Error, Result, none_if_missing};

/// Each function takes the full path of a file of the run, as [`RunDir`] returns it. It refuses
/// a link, folder, FIFO, socket or device where it expects a file, and a link where it expects
/// a folder.
impl RunDir {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::WrongKind`], [`Error::TooLong`] above `limit` bytes, [`Error::Io`].
    pub fn open_file(&self, path: &Path, limit: u64) -> Result<File> {
        let file = self.open_with(path, OpenOptions::new().read(true))?;
        let bytes = file.metadata().map_err(Error::io("read", path))?.len();
        if bytes > limit {
            return Err(Error::TooLong { path: path.to_owned(), bytes, limit });
        }
        Ok(file)
    }

    /// Reads a file of at most `limit` bytes, and compares its SHA-256.
    ///
    /// # Errors
    /// Those of [`RunDir::open_file`]; [`Error::Damaged`]; [`Error::Row`] for an invalid
    /// `checksums.jsonl`.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = self.open_file(path, limit)?;
        file.take(limit).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
        self.check(path, &bytes).map(|()| bytes)
    }

    /// Writes a file atomically, as [`write_atomic`](crate::write_atomic) does. A missing
    /// folder is created.
    ///
    /// # Errors
    /// [`Error::WrongKind`], [`Error::Io`].
    pub fn write(
        &self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
    ) -> Result<()> {
        let dir = self.folder(parent_of(path), true)?;
        check_name(&dir, path)?;
        write_in(&dir, path, write)
    }

    /// Removes a file. A missing file is not an error.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if its folder is a link, [`Error::Io`].
    pub fn remove(&self, path: &Path) -> Result<()> {
        if let Some(dir) = none_if_missing(self.folder(parent_of(path), false))? {
            none_if_missing(dir.remove_file(file_name(path)).map_err(Error::io("remove", path)))?;
        }
        Ok(())
    }

    /// Returns whether a file exists.
    ///
    /// # Errors
    /// [`Error::WrongKind`], [`Error::Io`].
    pub fn has_file(&self, path: &Path) -> Result<bool> {
        match none_if_missing(self.folder(parent_of(path), false))? {
            Some(dir) => check_name(&dir, path),
            None => Ok(false),
        }
    }

    /// Returns whether the run holds rows, snapshots, figures or the data of the last figures.
    ///
    /// # Errors
    /// [`Error::WrongKind`], [`Error::Io`].
    pub fn has_results(&self) -> Result<bool> {
        for path in self.row_files().iter().chain(&[
            self.nearest_path(),
            self.latent_walk_path(),
            self.class_rows_path(),
        ]) {
            if let Some(file) = none_if_missing(self.open_file(path, u64::MAX))?
                && file.metadata().map_err(Error::io("read", path))?.len() > 0
            {
                return Ok(true);
            }
        }
        for folder in [self.snapshots_dir(), self.figures_dir(), self.snapshot_figures_dir()] {
            let found = none_if_missing(self.entries(&folder))?.unwrap_or_default();
            if found.iter().any(|(name, kind)| !kind.is_dir() && !is_temporary(name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens a file with `options`. Never waits for another process.
    pub(crate) fn open_with(&self, path: &Path, options: &mut OpenOptions) -> Result<File> {
        let dir = self.folder(parent_of(path), false)?;
        check_name(&dir, path)?;
        options.follow(FollowSymlinks::No).nonblock(true);
        let file = dir.open_with(file_name(path), options).map_err(Error::io("open", path))?;
        // Another process may have replaced the file after the first check.
        let kind = file.metadata().map_err(Error::io("open", path))?.file_type();
        check_kind(path, kind, "file")?;
        Ok(file.into_std())
    }

    /// Lists a folder.
    pub(crate) fn entries(&self, folder: &Path) -> Result<Vec<(OsString, FileType)>> {
        entries(&self.folder(folder, false)?).map_err(Error::io("read", folder))
    }

    /// Removes the temporary files in a folder, which may be missing.
    pub(crate) fn remove_temporary_in(&self, folder: &Path) -> Result<()> {
        match none_if_missing(self.folder(folder, false))? {
            Some(dir) => remove_temporary_in(&dir, folder),
            None => Ok(()),
        }
    }

    /// Opens a folder. Opens each folder on the way to it, so that none is a link.
    pub(crate) fn folder(&self, path: &Path, create: bool) -> Result<Dir> {
        let outside = |_| io::Error::new(ErrorKind::InvalidInput, "it is not in the run's folder");
        let inner = path.strip_prefix(self.root()).map_err(outside);
        let mut at = self.root().to_owned();
        let mut dir = self.dir().try_clone().map_err(Error::io("open", &at))?;
        for name in inner.map_err(Error::io("open", path))? {
            at.push(name);
            let opened = match dir.open_dir_nofollow(name) {
                Err(e) if create && e.kind() == ErrorKind::NotFound => create_dir(&dir, name),
                opened => opened,
            };
            dir = match (opened, dir.symlink_metadata(name)) {
                (Ok(opened), _) => opened,
                (Err(e), Ok(found)) => {
                    check_kind(&at, found.file_type(), "folder")?;
                    return Err(Error::io("open", &at)(e));
                }
                (Err(e), Err(_)) => return Err(Error::io("open", &at)(e)),
            };
        }
        Ok(dir)
    }
}

fn create_dir(dir: &Dir, name: &OsStr) -> io::Result<Dir> {
    match dir.create_dir(name) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => dir.open_dir_nofollow(name),
    }
}

/// Returns whether `dir` has the file `path`. Refuses anything but a regular file.
fn check_name(dir: &Dir, path: &Path) -> Result<bool> {
    match none_if_missing(dir.symlink_metadata(file_name(path)).map_err(Error::io("open", path)))? {
        Some(found) => check_kind(path, found.file_type(), "file").map(|()| true),
        None => Ok(false),
    }
}

/// Refuses anything but a `wanted`: `file` or `folder`.
fn check_kind(path: &Path, kind: FileType, wanted: &'static str) -> Result<()> {
    let found = match kind {
        _ if kind.is_symlink() => "link",
        _ if kind.is_dir() => "folder",
        _ if kind.is_file() => "file",
        _ => "FIFO, socket or device",
    };
    if found == wanted {
        return Ok(());
    }
    Err(Error::WrongKind { path: path.to_owned(), found, wanted })
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}
