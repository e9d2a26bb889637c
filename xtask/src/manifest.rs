//! The list of the files that `fetch` put into a folder, with their sizes.
//!
//! It shows in a moment whether the folder is complete; hashing half a gigabyte would take seconds.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The name of the manifest in the folder that it describes.
const NAME: &str = "fetched.tsv";

#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The identity of the build in the folder.
    pub identity: String,
    /// Size and path of each file.
    files: Vec<(u64, PathBuf)>,
}

impl Manifest {
    /// Writes the manifest of `files`, whose paths are relative to `root`, into `root`: the identity,
    /// then a line for each file with size and path.
    pub fn write(root: &Path, identity: &str, files: &[PathBuf]) -> Result<()> {
        let mut text = format!("{identity}\n");
        for name in files {
            let path = root.join(name);
            let info =
                fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?;
            text.push_str(&format!("{}\t{}\n", info.len(), name.display()));
        }
        let path = root.join(NAME);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the manifest of a folder; `None` if it has none.
    ///
    /// Skips lines that are damaged. An empty list counts as a difference.
    pub fn read(root: &Path) -> Result<Option<Manifest>> {
        let path = root.join(NAME);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut lines = text.lines();
        let identity = lines.next().unwrap_or_default().to_owned();
        let file = |line: &str| {
            let (size, path) = line.split_once('\t')?;
            Some((size.parse().ok()?, PathBuf::from(path)))
        };
        let files = lines.filter_map(file).collect();
        Ok(Some(Manifest { identity, files }))
    }

    /// Describes the first file that is missing or has another size; `None` if there is none.
    pub fn difference(&self, root: &Path) -> Option<String> {
        if self.files.is_empty() {
            return Some(format!("{NAME} lists no files"));
        }
        self.files.iter().find_map(|(size, path)| {
            let name = path.display();
            match fs::metadata(root.join(path)) {
                Ok(info) if info.len() == *size => None,
                Ok(info) => Some(format!("{name} has {} bytes, not {size}", info.len())),
                Err(_) => Some(format!("{name} is missing")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
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
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert_eq!(manifest.identity, "it");
        assert_eq!(manifest.files.len(), 2);
        assert_eq!(manifest.difference(root.path()), None);
    }

    #[test]
    fn a_missing_or_shortened_file_is_named() {
        let root = folder();
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        fs::write(root.path().join("a/b/x"), b"12").unwrap();
        let difference = manifest.difference(root.path()).unwrap();
        assert!(difference.contains("2 bytes, not 3"), "{difference}");
        fs::remove_file(root.path().join("a/b/x")).unwrap();
        let difference = manifest.difference(root.path()).unwrap();
        assert!(difference.contains("a/b/x is missing"), "{difference}");
    }

    #[test]
    fn an_empty_manifest_matches_no_folder_and_a_missing_one_is_none() {
        let root = folder();
        fs::write(root.path().join(NAME), b"").unwrap();
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert!(manifest.difference(root.path()).is_some());
        fs::remove_file(root.path().join(NAME)).unwrap();
        assert_eq!(Manifest::read(root.path()).unwrap(), None);
    }
}
