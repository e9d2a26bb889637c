//! Atomic writes: a file appears under its final name complete or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, FileType, OpenOptions};

use crate::error::{Error, Result, none_if_missing};

/// Prefix of the names of temporary files. mnist-io uses the same.
const PREFIX: &str = ".tmp-";

/// Writes a temporary file, renames it to `path`, and flushes both steps to the disk.
///
/// An existing file keeps its content until the rename. After an error the
/// temporary file is removed. Missing parent folders are created.
///
/// # Errors
/// [`Error::Io`] with the path and the action that failed.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let dir = Dir::open_ambient_dir(parent, ambient_authority());
    write_in(&dir.map_err(Error::io("open", parent))?, path, write)
}

/// Removes temporary files and folders that a killed process left in `dir`.
///
/// Call this only when no process writes to `dir`. A missing `dir` is not an
/// error.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read or an entry cannot be removed.
pub fn remove_temporary_files(dir: &Path) -> Result<()> {
    let opened = Dir::open_ambient_dir(dir, ambient_authority());
    match none_if_missing(opened.map_err(Error::io("read", dir)))? {
        Some(opened) => remove_temporary_in(&opened, dir),
        None => Ok(()),
    }
}

/// Writes the file `path`, whose folder is `dir`.
pub(crate) fn write_in(
    dir: &Dir,
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    let (temporary, file) = create_temporary(dir).map_err(Error::io("write", path))?;
    let mut writer = BufWriter::new(&file);
    let written = write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(Error::io("write", path))
        .and_then(|()| file.sync_all().map_err(Error::io("flush", path)))
        .and_then(|()| {
            let name = path.file_name().unwrap_or_default();
            dir.rename(&temporary, dir, name).map_err(Error::io("rename to", path))
        });
    if written.is_err() {
        let _ = dir.remove_file(&temporary);
    }
    written?;
    flush_dir(dir).map_err(Error::io("flush", parent_of(path)))
}

fn create_temporary(dir: &Dir) -> io::Result<(String, File)> {
    loop {
        // Random, so that two processes never share a temporary file.
        let name = format!("{PREFIX}{:016x}", RandomState::new().hash_one(()));
        match dir.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            file => return Ok((name, file?.into_std())),
        }
    }
}

/// Flushes the entries of `dir` to the disk, on systems that support it.
fn flush_dir(dir: &Dir) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    // The handle of a folder cannot be flushed; a file that is opened can.
    match dir.open(".")?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

/// Removes the temporary files and folders in `dir`, whose path is `path`.
pub(crate) fn remove_temporary_in(dir: &Dir, path: &Path) -> Result<()> {
    for (name, kind) in entries(dir).map_err(Error::io("read", path))? {
        if is_temporary(&name) {
            if kind.is_dir() { dir.remove_dir_all(&name) } else { dir.remove_file(&name) }
                .map_err(Error::io("remove", &path.join(&name)))?;
        }
    }
    Ok(())
}

/// Whether a file of this name is temporary.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(PREFIX)
}

/// Lists the entries of `dir`.
pub(crate) fn entries(dir: &Dir) -> io::Result<Vec<(OsString, FileType)>> {
    let entry = |entry: io::Result<cap_std::fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?))
    };
    dir.entries()?.map(entry).collect()
}

/// Returns the parent folder of `path`, `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn failed_write_keeps_the_old_file_and_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        write_atomic(&path, |w| w.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("stop"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn remove_temporary_files_removes_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // Simulates a killed process: the guard never removes the file.
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        std::mem::forget(builder.tempfile_in(dir.path()).unwrap());
        let folder = builder.tempdir_in(dir.path()).unwrap().keep();
        fs::write(folder.join("half"), b"x").unwrap();
        let images = mnist_io::Images::new(1, 1, vec![7]).unwrap();
        images.write_file(&at("images")).unwrap();
        fs::write(at("tmp-mine"), b"x").unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
        remove_temporary_files(dir.path()).unwrap();
        assert!(at("images").exists() && at("tmp-mine").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        remove_temporary_files(&at("none")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn written_files_have_usual_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let plain = dir.path().join("plain");
        write_atomic(&path, |_| Ok(())).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}
