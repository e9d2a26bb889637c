//! What `fetch` put into a folder: enough to tell in a moment, without
//! hashing half a gigabyte again, whether it is all still there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The manifest's name in the folder it describes.
const NAME: &str = "fetched.tsv";

/// The files of a folder with their sizes, and what they make up together.
#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The build's identity.
    pub identity: String,
    files: Vec<(u64, PathBuf)>,
}

impl Manifest {
    /// Describes all files under `root`, links followed.
    pub fn of(root: &Path, identity: String) -> Result<Manifest> {
        let mut files = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let path = root.join(&folder);
            let refused = || format!("cannot read {}", path.display());
            for entry in fs::read_dir(&path).with_context(refused)? {
                let name = folder.join(entry.with_context(refused)?.file_name());
                let info = fs::metadata(root.join(&name)).with_context(refused)?;
                if info.is_dir() {
                    folders.push(name);
                } else {
                    files.push((info.len(), name));
                }
            }
        }
        files.sort();
        Ok(Manifest { identity, files })
    }

    /// Writes the manifest into the folder that it describes: the identity,
    /// then a line with size and path for each file.
    pub fn write(&self, root: &Path) -> Result<()> {
        let mut text = format!("{}\n", self.identity);
        for (size, path) in &self.files {
            text.push_str(&format!("{size}\t{}\n", path.display()));
        }
        let path = root.join(NAME);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the manifest of a folder; `None` where there is none.
    ///
    /// Lines that say nothing are left out: a folder whose manifest is damaged
    /// is at worst fetched again.
    pub fn read(root: &Path) -> Result<Option<Manifest>> {
        let path = root.join(NAME);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        let mut lines = text.lines();
        let identity = lines.next().unwrap_or_default().to_owned();
        let files = lines
            .filter_map(|line| {
                let (size, path) = line.split_once('\t')?;
                Some((size.parse().ok()?, PathBuf::from(path)))
            })
            .collect();
        Ok(Some(Manifest { identity, files }))
    }

    /// The first file that is no longer what it was, in words.
    pub fn difference(&self, root: &Path) -> Option<String> {
        if self.files.is_empty() {
            return Some("its list of files is empty".to_owned());
        }
        self.files.iter().find_map(|(size, path)| {
            let now = fs::metadata(root.join(path)).map(|info| info.len());
            match now {
                Ok(now) if now == *size => None,
                Ok(now) => Some(format!("{} has {now} bytes, not {size}", path.display())),
                Err(_) => Some(format!("{} is missing", path.display())),
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
        Manifest::of(root.path(), "it".into())
            .unwrap()
            .write(root.path())
            .unwrap();
        root
    }

    #[test]
    fn an_untouched_folder_differs_in_nothing() {
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
        assert!(
            manifest
                .difference(root.path())
                .unwrap()
                .contains("missing")
        );
    }

    #[test]
    fn a_folder_without_manifest_has_none_and_an_emptied_manifest_fits_nothing() {
        let root = folder();
        fs::write(root.path().join(NAME), b"").unwrap();
        let manifest = Manifest::read(root.path()).unwrap().unwrap();
        assert!(manifest.difference(root.path()).is_some());
        fs::remove_file(root.path().join(NAME)).unwrap();
        assert_eq!(Manifest::read(root.path()).unwrap(), None);
    }
}
