//! Files and folders that appear under their final name whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use tempfile::TempDir;

use crate::{Error, Result};

/// How the names begin under which files and folders are written aside;
/// mnist-io uses the same.
const PREFIX: &str = ".aside-";

/// What a folder is called in the one that it was moved aside into.
const MOVED: &str = "old";

/// Writes a file aside, flushes it to the disk, and renames it to `path`.
///
/// Until the rename, an older file under that name stays as it was; when
/// anything fails, the file written aside is removed. Missing parent folders
/// are created.
///
/// # Errors
/// [`Error::Io`] with the path and the action that was refused; an error of
/// `write` itself is reported as a refused write.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>,
) -> Result<()> {
    let parent = parent_of(path)?;
    let aside = builder(0o666)
        .tempfile_in(parent)
        .map_err(Error::io("write", path))?;
    let mut writer = BufWriter::new(aside.as_file());
    write(&mut writer)
        .and_then(|()| writer.flush())
        .map_err(Error::io("write", path))?;
    drop(writer);
    aside
        .as_file()
        .sync_all()
        .map_err(Error::io("flush", path))?;
    aside
        .persist(path)
        .map_err(|e| Error::io("rename", path)(e.error))?;
    Ok(())
}

/// Fills a folder aside with `fill`, then flushes it to the disk and renames it
/// to `path`.
///
/// A folder that already stands under that name is renamed aside first and
/// removed last; what cannot be removed stays for [`remove_asides`]. `fill`
/// receives the folder to write into, and flushes what it writes there.
///
/// # Errors
/// Whatever `fill` returns, or [`Error::Io`] when the folder cannot be made
/// or renamed; `path` is as it was then, unless the old folder cannot be put
/// back and stays aside. [`Error::Io`] also when the new name cannot be flushed
/// to the disk.
pub fn write_dir_atomic(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = parent_of(path)?;
    let aside = builder(0o777)
        .tempdir_in(parent)
        .map_err(Error::io("write", path))?;
    fill(aside.path())?;
    flush_dir(aside.path()).map_err(Error::io("flush", path))?;
    let old = move_in(aside.path(), path)?;
    // The folder has moved, so there is nothing left for its guard to remove.
    let _ = aside.keep();
    flush_dir(parent).map_err(Error::io("flush", parent))?;
    drop(old);
    Ok(())
}

/// Renames `new` to `path`, and what stands there aside; puts that back where
/// `new` cannot be renamed.
fn move_in(new: &Path, path: &Path) -> Result<Option<TempDir>> {
    let old = if path.exists() {
        Some(move_aside(path).map_err(Error::io("rename", path))?)
    } else {
        None
    };
    let Err(refused) = fs::rename(new, path) else {
        return Ok(old);
    };
    if let Some(old) = old
        && fs::rename(old.path().join(MOVED), path).is_err()
    {
        // Aside it stays until the next `remove_asides`, and can be looked for.
        let _ = old.keep();
    }
    Err(Error::io("rename", path)(refused))
}

/// Moves a folder, as [`MOVED`], into one that is removed with its guard.
fn move_aside(path: &Path) -> std::io::Result<TempDir> {
    let aside = builder(0o777).tempdir_in(folder_of(path))?;
    fs::rename(path, aside.path().join(MOVED))?;
    Ok(aside)
}

/// Removes a folder: renamed first, so that nothing that is half gone ever
/// stands under its name.
///
/// # Errors
/// [`Error::Io`] where it cannot be renamed or removed.
pub fn remove_dir_atomic(path: &Path) -> Result<()> {
    move_aside(path)
        .and_then(TempDir::close)
        .map_err(Error::io("remove", path))
}

/// Makes the entries of `dir` outlive a loss of power, where folders can be
/// flushed at all.
fn flush_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(dir)?.sync_all() {
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

/// Removes what calls of [`write_atomic`] and [`write_dir_atomic`] left in
/// `dir` when their process was killed; a folder that is not there holds none.
///
/// Only for a caller who knows that nobody is writing into `dir`.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read or a leftover not removed.
pub fn remove_asides(dir: &Path) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("read", dir)(e)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::io("read", dir))?;
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// The same, made where it is missing.
fn parent_of(path: &Path) -> Result<&Path> {
    let parent = folder_of(path);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    Ok(parent)
}

/// `tempfile` makes private files; what ends under a final name gets the
/// permissions that any new file has, the user's umask applied.
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
    fn a_failing_write_leaves_the_old_file_and_nothing_aside() {
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
    fn a_failing_fill_leaves_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let failed = write_dir_atomic(&path, |aside| {
            fs::write(aside.join("x"), b"half").map_err(Error::io("write", aside))?;
            Err(Error::NotARun {
                path: aside.to_owned(),
            })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_replaces_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        for name in ["a", "b"] {
            write_dir_atomic(&path, |aside| {
                fs::write(aside.join(name), b"").map_err(Error::io("write", aside))
            })
            .unwrap();
        }
        assert!(!path.join("a").exists());
        assert!(path.join("b").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_replaced_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("old"), b"whole").unwrap();
        let failed = write_dir_atomic(&path, |aside| {
            fs::write(aside.join("x"), b"half").map_err(Error::io("write", aside))?;
            // Looked at while the new one is being filled.
            assert_eq!(fs::read(path.join("old")).unwrap(), b"whole");
            Err(Error::NotARun {
                path: aside.to_owned(),
            })
        });
        assert!(failed.is_err());
        // A new folder that is gone is refused after the old one was moved.
        let refused = move_in(&dir.path().join("gone"), &path).unwrap_err();
        assert_eq!(refused.io_kind(), Some(ErrorKind::NotFound));
        assert_eq!(fs::read(path.join("old")).unwrap(), b"whole");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_old_folder_is_whole_aside_until_the_new_one_stands() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("d"), dir.path().join("new"));
        for (folder, file) in [(&path, "a"), (&new, "b")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(file), b"").unwrap();
        }
        let old = move_in(&new, &path).unwrap().unwrap();
        assert!(path.join("b").exists() && old.path().join(MOVED).join("a").exists());
    }

    #[test]
    fn a_folder_that_is_removed_leaves_nothing_aside() {
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
    fn what_killed_writers_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        // A write that never ends is what a killed one leaves.
        std::mem::forget(builder(0o666).tempfile_in(dir.path()).unwrap());
        let folder = builder(0o777).tempdir_in(dir.path()).unwrap().keep();
        fs::write(folder.join("half"), b"x").unwrap();
        let images = mnist_io::Images::new(1, 1, vec![7]).unwrap();
        images.write_file(&at("images")).unwrap();
        fs::write(at("aside-mine"), b"x").unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
        remove_asides(dir.path()).unwrap();
        assert!(at("images").exists() && at("aside-mine").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        remove_asides(&at("none")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn files_get_ordinary_permissions() {
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
