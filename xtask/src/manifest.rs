//! The list of the files that `fetch` put into a folder, with their sizes and SHA-256.
//!
//! Hashing half a gigabyte takes seconds. A file is therefore hashed only if its size, time of
//! change or inode differs from the list.

use std::fs::{self, Metadata};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::progress;

/// The name of the manifest in the folder that it describes.
const NAME: &str = "fetched.tsv";
/// More bytes than a manifest has.
const MAX_MANIFEST_BYTES: u64 = 1 << 24;

#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The identity of the build in the folder.
    pub identity: String,
    files: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    stamp: Stamp,
    /// In lower-case hexadecimal.
    sha256: String,
    /// Relative to the folder of the manifest.
    path: PathBuf,
}

/// What changes when a program writes or replaces a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    /// Time of the last change, in nanoseconds since 1970.
    modified: u128,
    /// 0 on systems without inodes.
    inode: u64,
}

impl Manifest {
    /// Writes the manifest of `files`, whose paths are relative to `root`, into `root`.
    pub fn write(root: &Path, identity: &str, files: &[PathBuf]) -> Result<()> {
        let entry = |path: &PathBuf| {
            let file = root.join(path);
            let context = || format!("cannot read {}", file.display());
            let stamp = Stamp::new(&fs::metadata(&file).with_context(context)?);
            let sha256 = sha256_of(&file).with_context(context)?;
            Ok(Entry { stamp, sha256, path: path.clone() })
        };
        let files = files.iter().map(entry).collect::<Result<_>>()?;
        Manifest { identity: identity.to_owned(), files }.store(root)
    }

    /// Writes the identity, then a line for each file with size, time, inode, SHA-256 and path.
    fn store(&self, root: &Path) -> Result<()> {
        let mut text = format!("{}\n", self.identity);
        for Entry { stamp: Stamp { bytes, modified, inode }, sha256, path } in &self.files {
            let path = path.display();
            text.push_str(&format!("{bytes}\t{modified}\t{inode}\t{sha256}\t{path}\n"));
        }
        Ok(run_dir::write_atomic(&root.join(NAME), |w| w.write_all(text.as_bytes()))?)
    }

    /// Reads the manifest of a folder; `None` if it has none.
    ///
    /// Skips lines that are damaged, and those of earlier versions, which have no hash. An empty
    /// list counts as a difference.
    pub fn read(root: &Path) -> Result<Option<Manifest>> {
        let path = root.join(NAME);
        let text = match mnist_io::read_regular(&path, MAX_MANIFEST_BYTES) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.io_kind() == Some(ErrorKind::NotFound) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let mut lines = text.lines();
        let identity = lines.next().unwrap_or_default().to_owned();
        let entry = |line: &str| {
            let mut words = line.splitn(5, '\t');
            let mut next = || words.next();
            let stamp = Stamp {
                bytes: next()?.parse().ok()?,
                modified: next()?.parse().ok()?,
                inode: next()?.parse().ok()?,
            };
            Some(Entry { stamp, sha256: next()?.to_owned(), path: next()?.into() })
        };
        let files = lines.filter_map(entry).collect();
        Ok(Some(Manifest { identity, files }))
    }

    /// Describes the first file that is missing or differs; `None` if there is none.
    ///
    /// Hashes the files whose stamps changed, or with `hash_all` all of them.
    pub fn difference(&mut self, root: &Path, hash_all: bool) -> Option<String> {
        if self.files.is_empty() {
            return Some(format!("{NAME} lists no hashes"));
        }
        let mut changed = Vec::new();
        for (index, Entry { stamp, path, .. }) in self.files.iter().enumerate() {
            let name = path.display();
            match fs::metadata(root.join(path)).map(|info| Stamp::new(&info)) {
                Ok(found) if found.bytes != stamp.bytes => {
                    return Some(format!("{name} has {} bytes, not {}", found.bytes, stamp.bytes));
                }
                Ok(found) if hash_all || found != *stamp => changed.push((index, found)),
                Ok(_) => {}
                Err(_) => return Some(format!("{name} is missing")),
            }
        }
        let total = changed.iter().map(|(_, stamp)| stamp.bytes).sum();
        let bar = progress::bytes(format!("checking {}", root.display()), total);
        for &(index, stamp) in &changed {
            let entry = self.files.get_mut(index)?;
            let name = entry.path.display();
            match sha256_of(&root.join(&entry.path)) {
                Ok(found) if found == entry.sha256 => entry.stamp = stamp,
                Ok(_) => return Some(format!("the content of {name} differs")),
                Err(error) => return Some(format!("{name} cannot be read: {error}")),
            }
            bar.inc(stamp.bytes);
        }
        bar.finish_and_clear();
        if !changed.is_empty() {
            // In a read-only folder, the next command hashes these files again.
            let _ = self.store(root);
        }
        None
    }
}

impl Stamp {
    fn new(info: &Metadata) -> Stamp {
        let since = info.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(info);
        #[cfg(not(unix))]
        let inode = 0;
        Stamp { bytes: info.len(), modified: since.map_or(0, |time| time.as_nanos()), inode }
    }
}

fn sha256_of(path: &Path) -> Result<String> {
    Ok(mnist_io::sha256_of_reader(mnist_io::open_regular(path)?)?.1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use std::fs::File;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/x"), b"123").unwrap();
        fs::write(root.path().join("y"), b"4").unwrap();
        Manifest::write(root.path(), "it", &["a/b/x".into(), "y".into()]).unwrap();
        root
    }

    #[test]
    fn an_unchanged_folder_has_no_difference() {
        let root = folder();
        let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert_eq!(manifest.identity, "it");
        assert_eq!(manifest.files.len(), 2);
        assert_eq!(manifest.difference(root.path(), false), None);
    }

    #[test]
    fn a_missing_or_shortened_file_is_named() {
        let root = folder();
        let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
        fs::write(root.path().join("a/b/x"), b"12").unwrap();
        let difference = manifest.difference(root.path(), false).unwrap();
        assert!(difference.contains("2 bytes, not 3"), "{difference}");
        fs::remove_file(root.path().join("a/b/x")).unwrap();
        let difference = manifest.difference(root.path(), false).unwrap();
        assert!(difference.contains("a/b/x is missing"), "{difference}");
    }

    #[test]
    fn one_flipped_bit_is_found_if_a_program_wrote_the_file_or_all_files_are_hashed() {
        let root = folder();
        let path = root.path().join("a/b/x");
        let stamped = fs::metadata(&path).unwrap().modified().unwrap();
        // Writes in place, so that the inode stays.
        let flip = |bit: usize, time| {
            let mut bytes = fs::read(&path).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        let difference = |hash_all| {
            let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
            manifest.difference(root.path(), hash_all)
        };
        for bit in 0..24 {
            flip(bit, stamped + Duration::from_millis(1));
            assert_eq!(difference(false).unwrap(), "the content of a/b/x differs");
            // The bit is right again.
            flip(bit, stamped);
            // A fault of the disk leaves the time of change as it was.
            flip(bit, stamped);
            assert_eq!(difference(false), None);
            assert_eq!(difference(true).unwrap(), "the content of a/b/x differs");
            flip(bit, stamped);
        }
        assert_eq!(difference(true), None);
    }

    #[test]
    fn a_copy_of_the_folder_is_hashed_once() {
        let root = folder();
        let path = root.path().join("a/b/x");
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"123").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
        let copied = Stamp::new(&fs::metadata(&path).unwrap());
        assert_ne!(manifest.files[0].stamp, copied);
        assert_eq!(manifest.difference(root.path(), false), None);
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert_eq!(manifest.files[0].stamp, copied);
    }

    #[test]
    fn a_manifest_of_an_earlier_version_without_hashes_matches_no_folder() {
        let root = folder();
        fs::write(root.path().join(NAME), "it\n3\ta/b/x\n1\ty\n").unwrap();
        let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert_eq!(manifest.difference(root.path(), false).unwrap(), "fetched.tsv lists no hashes");
    }

    #[test]
    fn an_empty_manifest_matches_no_folder_and_a_missing_one_is_none() {
        let root = folder();
        fs::write(root.path().join(NAME), b"").unwrap();
        let mut manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert!(manifest.difference(root.path(), false).is_some());
        fs::remove_file(root.path().join(NAME)).unwrap();
        assert_eq!(Manifest::read(root.path()).unwrap(), None);
    }
}
