//! The names of a data set's four files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// One of the four files of a data set.
pub(crate) struct SetFile {
    pub(crate) name: &'static str,
    what: &'static str,
}

/// Training images, training labels, test images, test labels.
pub(crate) const FILES: [SetFile; 4] = [
    SetFile { name: "train-images-idx3-ubyte", what: "training images" },
    SetFile { name: "train-labels-idx1-ubyte", what: "training labels" },
    SetFile { name: "t10k-images-idx3-ubyte", what: "test images" },
    SetFile { name: "t10k-labels-idx1-ubyte", what: "test labels" },
];

/// Ends of names after `images` or `labels` and a hyphen or a dot.
const ENDS: [&str; 4] = ["idx3-ubyte", "idx1-ubyte", "idx2-int", "idx1-int"];

/// Returns the paths of training images, training labels, test images and test labels in
/// `dir`, `None` for a missing file. The names are those of
/// [`Dataset::open`](crate::Dataset::open), with `prefix` if one is given. The files are
/// not read.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read, [`Error::SeveralSets`] if the names have
/// different prefixes and none is given.
pub fn find_files(dir: &Path, prefix: Option<&str>) -> Result<[Option<PathBuf>; 4]> {
    let mut found = [const { None }; 4];
    for (found, file) in found.iter_mut().zip(&FILES) {
        match file.find(dir, prefix) {
            Ok(path) => *found = Some(path),
            Err(Error::MissingFile { .. } | Error::MissingFolder { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The prefix of the name of a data set's file: `emnist-letters-` of
/// `emnist-letters-train-images-idx3-ubyte.gz`. `None` for any other name.
pub fn prefix_of_file(name: &str) -> Option<&str> {
    FILES.iter().find_map(|file| file.prefix_in(name))
}

impl SetFile {
    /// Returns the path of the file in `dir`: with the usual name, or with the only prefix
    /// in the folder, or with `prefix`.
    pub(crate) fn find(&self, dir: &Path, prefix: Option<&str>) -> Result<PathBuf> {
        let dotted = self.name.replace("-idx", ".idx");
        let plain = [self.name.to_owned(), dotted];
        let names = [plain.clone(), plain.map(|name| name + ".gz")].concat();
        if prefix.is_none() {
            for name in &names {
                let path = dir.join(name);
                if is_there(&path)? {
                    return Ok(path);
                }
            }
        }
        if !dir.is_dir() {
            return Err(Error::MissingFolder { dir: dir.to_owned() });
        }
        let others = self.alternative_names(dir, prefix)?;
        let [first, ..] = others.as_slice() else {
            return Err(Error::MissingFile { dir: dir.to_owned(), what: self.what, names });
        };
        let mut prefixes: Vec<&str> = others.iter().filter_map(|n| self.prefix_in(n)).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        if prefixes.len() > 1 {
            let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
            return Err(Error::SeveralSets { dir: dir.to_owned(), prefixes });
        }
        Ok(dir.join(first))
    }

    /// The file's other names in `dir`, the preferred name first.
    fn alternative_names(&self, dir: &Path, prefix: Option<&str>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in dir.read_dir().map_err(Error::io("list", dir))? {
            let entry = entry.map_err(Error::io("list", dir))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let found = self.prefix_in(&name);
            if found.is_some_and(|found| prefix.is_none_or(|prefix| prefix == found))
                && is_there(&entry.path())?
            {
                names.push(name);
            }
        }
        names.sort_by_key(|name| (name.ends_with(".gz"), name.contains(".idx"), name.clone()));
        Ok(names)
    }

    /// The prefix in `name`, if it is a name of this file.
    fn prefix_in<'a>(&self, name: &'a str) -> Option<&'a str> {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let end = ENDS.iter().find_map(|end| plain.strip_suffix(end))?;
        let front = end.strip_suffix(['-', '.'])?;
        let (split, rest) = self.name.split_once('-')?;
        let (content, _) = rest.split_once('-')?;
        let front = front.strip_suffix(content)?.strip_suffix('-')?;
        let splits = [split, if split == "t10k" { "test" } else { split }];
        let prefixes = splits.iter().filter_map(|split| front.strip_suffix(split));
        // `test10k` is not `t10k` with a prefix.
        prefixes.into_iter().find(|prefix| prefix.is_empty() || prefix.ends_with(['-', '_', '.']))
    }
}

/// Whether there is a file, of any kind, at `path`.
fn is_there(path: &Path) -> Result<bool> {
    match path.metadata() {
        Ok(info) => Ok(!info.is_dir()),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(e) => Err(Error::io("open", path)(e)),
    }
}
