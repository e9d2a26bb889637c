//! Atomic writes: a file or folder appears under its final name complete or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, Result};

/// Prefix of the names of temporary files and folders. mnist-io uses the same.
const PREFIX: &str = ".tmp-";

/// Name of a replaced folder inside its temporary folder.
const REPLACED: &str = "old";

/// Writes a temporary file, flushes it to the disk, and renames it to `path`.
///
/// An existing file keeps its content until the rename. After an error the
/// temporary file is removed. Missing parent folders are created.
///
/// # Errors
/// [`Error::Io`] with the path and the action that failed. An error of `write`
/// is reported as a failed write.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>,
) -> Result<()> {
    let temporary = builder(0o666)
        .tempfile_in(create_parent(path)?)
        .map_err(Error::io("write", path))?;
    let mut writer = BufWriter::new(temporary.as_file());
    write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(Error::io("write", path))?;
    drop(writer);
    temporary
        .as_file()
        .sync_all()
        .map_err(Error::io("flush", path))?;
    temporary
        .persist(path)
        .map_err(|e| Error::io("rename", path)(e.error))?;
    Ok(())
}

/// Fills a temporary folder with `fill`, flushes it to the disk, and renames it
/// to `path`.
///
/// `fill` receives the temporary folder and flushes the files that it writes
/// there. An existing folder at `path` is renamed first and removed last.
/// [`remove_temporary_files`] removes it if this function cannot.
///
/// # Errors
/// Any error of `fill`, or [`Error::Io`]. After an error `path` holds the old
/// folder. The old folder keeps a temporary name only if it cannot be renamed
/// back.
pub fn write_dir_atomic(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = create_parent(path)?;
    let temporary = builder(0o777)
        .tempdir_in(parent)
        .map_err(Error::io("write", path))?;
    fill(temporary.path())?;
    flush_dir(temporary.path()).map_err(Error::io("flush", path))?;
    let old = replace_dir(temporary.path(), path)?;
    // The folder was renamed, so the guard must not remove it.
    let _ = temporary.keep();
    flush_dir(parent).map_err(Error::io("flush", parent))?;
    drop(old);
    Ok(())
}

/// Renames `new` to `path` and returns the guard of the old folder. Restores
/// the old folder if `new` cannot be renamed.
fn replace_dir(new: &Path, path: &Path) -> Result<Option<TempDir>> {
    let old = if path.exists() {
        Some(move_to_temporary(path).map_err(Error::io("rename", path))?)
    } else {
        None
    };
    let Err(error) = fs::rename(new, path) else {
        return Ok(old);
    };
    if let Some(old) = old
        && fs::rename(old.path().join(REPLACED), path).is_err()
    {
        // Keeps the only copy of the old folder.
        let _ = old.keep();
    }
    Err(Error::io("rename", path)(error))
}

/// Moves a folder into a temporary folder. The returned guard removes both.
fn move_to_temporary(path: &Path) -> std::io::Result<TempDir> {
    let temporary = builder(0o777).tempdir_in(parent_of(path))?;
    fs::rename(path, temporary.path().join(REPLACED))?;
    Ok(temporary)
}

/// Renames a folder and then removes it, so its name never points to a partly
/// removed folder.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be renamed or removed.
pub fn remove_dir_atomic(path: &Path) -> Result<()> {
    move_to_temporary(path)
        .and_then(TempDir::close)
        .map_err(Error::io("remove", path))
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
        if kind.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        }
        .map_err(Error::io("remove", &path))?;
    }
    Ok(())
}

/// Lists the entries of `dir`. A missing folder has no entries.
pub(crate) fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>> {
    match fs::read_dir(dir).and_then(Iterator::collect) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(Error::io("read", dir)),
    }
}

/// Returns the parent folder of `path`, `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

fn create_parent(path: &Path) -> Result<&Path> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    Ok(parent)
}

/// Sets the usual permissions, limited by the umask. The defaults of
/// `tempfile` allow only the owner.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

#[cfg(test)]
mod tests {
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
    fn failed_fill_leaves_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let failed = write_dir_atomic(&path, |dir| {
            fs::write(dir.join("x"), b"half").map_err(Error::io("write", dir))?;
            Err(Error::NotARun {
                path: dir.to_owned(),
            })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn write_dir_atomic_replaces_an_existing_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        for name in ["a", "b"] {
            write_dir_atomic(&path, |dir| {
                fs::write(dir.join(name), b"").map_err(Error::io("write", dir))
            })
            .unwrap();
        }
        assert!(!path.join("a").exists());
        assert!(path.join("b").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn failed_replacement_keeps_the_old_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("old"), b"whole").unwrap();
        let failed = write_dir_atomic(&path, |dir| {
            fs::write(dir.join("x"), b"half").map_err(Error::io("write", dir))?;
            // The old folder is complete while the new one is filled.
            assert_eq!(fs::read(path.join("old")).unwrap(), b"whole");
            Err(Error::NotARun {
                path: dir.to_owned(),
            })
        });
        assert!(failed.is_err());
        // The rename of a missing new folder fails after the old one was moved.
        let refused = replace_dir(&dir.path().join("gone"), &path).unwrap_err();
        assert_eq!(refused.io_kind(), Some(ErrorKind::NotFound));
        assert_eq!(fs::read(path.join("old")).unwrap(), b"whole");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn old_folder_stays_complete_until_the_new_one_is_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("d"), dir.path().join("new"));
        for (folder, file) in [(&path, "a"), (&new, "b")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(file), b"").unwrap();
        }
        let old = replace_dir(&new, &path).unwrap().unwrap();
        assert!(path.join("b").exists() && old.path().join(REPLACED).join("a").exists());
    }

    #[test]
    fn remove_dir_atomic_leaves_no_temporary_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), b"").unwrap();
        remove_dir_atomic(&path).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let again = remove_dir_atomic(&path).unwrap_err();
        assert_eq!(again.io_kind(), Some(ErrorKind::NotFound));
    }

    #[test]
    fn remove_temporary_files_removes_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // Simulates a killed process: the guard never removes the file.
        std::mem::forget(builder(0o666).tempfile_in(dir.path()).unwrap());
        let folder = builder(0o777).tempdir_in(dir.path()).unwrap().keep();
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
