//! Published data sets with the sizes and SHA-256 of their files.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::hash::sha256_of_reader;
use crate::names::{FILES, find_files};
use crate::read::{open_regular, plain_reader};

/// A published data set of four IDX files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSet {
    /// The name for files and commands: `mnist`.
    pub name: &'static str,
    /// The name for readers: `MNIST`.
    pub title: &'static str,
    /// Training images, training labels, test images, test labels.
    pub files: [KnownFile; 4],
}

/// One file of a published data set, not compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownFile {
    /// The file's name, without `.gz`.
    pub name: &'static str,
    /// Bytes of the plain IDX file.
    pub bytes: u64,
    /// SHA-256 of the plain IDX file, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Handwritten digits: 60,000 and 10,000 images of 28 by 28, labels 0 to 9.
pub const MNIST: KnownSet = set(
    "mnist",
    "MNIST",
    [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ],
);

/// Images of clothing, of the same number and size as those of MNIST.
pub const FASHION_MNIST: KnownSet = set(
    "fashion-mnist",
    "Fashion-MNIST",
    [
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ],
);

/// All known sets.
pub static ALL: &[KnownSet] = &[MNIST, FASHION_MNIST];

/// Returns the known set with these images and labels in one split.
///
/// The arguments are the SHA-256 of the plain IDX files, the results of
/// [`Dataset::images_sha256`](crate::Dataset::images_sha256) and
/// [`Dataset::labels_sha256`](crate::Dataset::labels_sha256).
pub fn identify(images_sha256: &str, labels_sha256: &str) -> Option<&'static KnownSet> {
    ALL.iter().find(|set| {
        let [train_images, train_labels, test_images, test_labels] = set.files.map(|f| f.sha256);
        [(train_images, train_labels), (test_images, test_labels)]
            .contains(&(images_sha256, labels_sha256))
    })
}

/// Returns the known set of this name, such as `fashion-mnist`.
pub fn by_name(name: &str) -> Option<&'static KnownSet> {
    ALL.iter().find(|set| set.name == name)
}

/// Returns the set with the most matching files in `dir`, and the files there with its names
/// but other bytes. Returns `None` if `dir` holds no file of any set.
///
/// # Errors
/// Those of [`find_files`]; [`Error::Io`] or [`Error::NotAFile`] if a file cannot be opened.
pub fn best_match<'a>(
    sets: &'a [KnownSet],
    dir: &Path,
) -> Result<Option<(&'a KnownSet, Vec<PathBuf>)>> {
    let longest = sets.iter().flat_map(|set| set.files).map(|file| file.bytes).max();
    let mut found = Vec::new();
    for (index, path) in find_files(dir, None)?.into_iter().enumerate() {
        let Some(path) = path else { continue };
        let content = match size_and_hash(&path, longest.unwrap_or(0)) {
            Ok((_, sha256)) => Some(sha256),
            // The file is damaged gzip data.
            Err(Error::InFile { .. }) => None,
            Err(error) => return Err(error),
        };
        found.push((index, path, content));
    }
    let compared = sets.iter().map(|set| {
        let different = found
            .iter()
            .filter(|(index, _, content)| content.as_deref() != Some(set.files[*index].sha256));
        (set, different.map(|(_, path, _)| path.clone()).collect::<Vec<_>>())
    });
    let best = compared.min_by_key(|(_, different)| different.len());
    Ok(best.filter(|(_, different)| different.len() < found.len()))
}

impl KnownSet {
    /// Checks that the four files in `dir` are those of this set, byte by byte.
    /// They may be compressed with gzip.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::MissingFile`], [`Error::Io`] if a file
    /// cannot be opened, or [`Error::InFile`] with [`Error::WrongSize`],
    /// [`Error::WrongHash`] or an error of the gzip data.
    pub fn verify(&self, dir: &Path) -> Result<()> {
        for (known, file) in self.files.iter().zip(&FILES) {
            let path = file.find(dir, None)?;
            let (bytes, found) = size_and_hash(&path, known.bytes)?;
            let error = if bytes != known.bytes {
                Error::WrongSize { title: self.title, expected: known.bytes }
            } else if found != known.sha256 {
                Error::WrongHash { title: self.title, expected: known.sha256, found }
            } else {
                continue;
            };
            return Err(error.in_file(&path));
        }
        Ok(())
    }
}

/// Returns size and SHA-256 of the decompressed file. Reads at most `longest` bytes
/// and one more, which is enough to detect a longer file.
fn size_and_hash(path: &Path, longest: u64) -> Result<(u64, String)> {
    let reader = plain_reader(open_regular(path)?).map_err(|e| e.in_file(path))?;
    sha256_of_reader(reader.take(longest.saturating_add(1)))
        .map_err(|e| Error::from(e).in_file(path))
}

/// Both sets have the same file names and sizes: a header of 16 bytes and 60,000
/// or 10,000 images of 28x28, or a header of 8 bytes and their labels.
const fn set(name: &'static str, title: &'static str, sha256: [&'static str; 4]) -> KnownSet {
    const fn file(i: usize, bytes: u64, sha256: [&'static str; 4]) -> KnownFile {
        KnownFile { name: FILES[i].name, bytes, sha256: sha256[i] }
    }
    KnownSet {
        name,
        title,
        files: [
            file(0, 16 + 60_000 * 28 * 28, sha256),
            file(1, 8 + 60_000, sha256),
            file(2, 16 + 10_000 * 28 * 28, sha256),
            file(3, 8 + 10_000, sha256),
        ],
    }
}
