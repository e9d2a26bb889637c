//! Atomic writes: a file appears under its final name complete or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind};
use std::path::Path;

use crate::error::{Error, Result, optional};

/// Prefix of the names of temporary files. mnist-io uses the same.
const PREFIX: &str = ".tmp-";

/// Writes a temporary file, renames it to `path`, and flushes both steps to the disk.
///
/// An existing file keeps its content until the rename. After an error the
/// temporary file is removed. Missing parent folders are created.
///
/// # Errors
/// [`Error::Io`] if the parent folder cannot be created or flushed, otherwise those of
/// [`mnist_io::write_atomic`] as [`Error::Idx`].
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>,
) -> Result<()> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    mnist_io::write_atomic(path, write)?;
    flush_dir(parent).map_err(Error::io("flush", parent))
}

/// Flushes the entries of `dir` to the disk, on systems that support it.
fn flush_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(dir)?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

/// Removes temporary files and folders that a killed process left in `dir`.
///
/// Call this only when no process writes to `dir`. A missing `dir` is not an
/// error.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read or an entry cannot be removed.
pub fn remove_temporary_files(dir: &Path) -> Result<()> {
    for entry in entries(dir)? {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io("read", &path))?;
        if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
            .map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// Lists the entries of `dir`. A missing folder has no entries.
pub(crate) fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect);
    Ok(optional(entries.map_err(Error::io("read", dir)))?.unwrap_or_default())
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
            Err(std::io::Error::other("stop"))
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
