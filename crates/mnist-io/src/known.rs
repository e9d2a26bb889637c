//! The published data sets, by their files' sizes and SHA-256.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::dataset::{Role, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};
use crate::hash::sha256_of_reader;
use crate::read::raw_file;
use crate::{Error, Result};

/// A published data set of four IDX files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSet {
    /// The name to write in files and commands: `mnist`.
    pub name: &'static str,
    /// The name to read: `MNIST`.
    pub title: &'static str,
    /// Training images, training labels, test images, test labels.
    pub files: [KnownFile; 4],
}

/// One file of a published data set, as it is before any packing.
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

/// Pictures of clothing in the same sizes and numbers as MNIST's.
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
pub static ALL: [KnownSet; 2] = [MNIST, FASHION_MNIST];

/// The known set of which these are the images and labels of one split, by the
/// SHA-256 of the plain IDX files, as
/// [`Dataset::images_sha256`](crate::Dataset::images_sha256) and
/// [`Dataset::labels_sha256`](crate::Dataset::labels_sha256) give them.
pub fn identify(images_sha256: &str, labels_sha256: &str) -> Option<&'static KnownSet> {
    ALL.iter().find(|set| {
        let [train_images, train_labels, test_images, test_labels] = set.files.map(|f| f.sha256);
        [(train_images, train_labels), (test_images, test_labels)]
            .contains(&(images_sha256, labels_sha256))
    })
}

impl KnownSet {
    /// Where the four files are in `dir`, in their order, under the names that
    /// [`Dataset::open`](crate::Dataset::open) takes; `None` where there is none.
    /// They are not looked into.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be looked into.
    pub fn find(&self, dir: &Path) -> Result<[Option<PathBuf>; 4]> {
        let mut found = [const { None }; 4];
        for (place, role) in found.iter_mut().zip(&ROLES) {
            match role.find(dir) {
                Ok(path) => *place = Some(path),
                Err(Error::MissingFile { .. } | Error::MissingFolder { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Checks that the four files in `dir`, plain or packed with gzip, are
    /// this set's, byte for byte once unpacked.
    ///
    /// # Errors
    /// [`Error::MissingFolder`] or [`Error::MissingFile`]; [`Error::InFile`]
    /// around [`Error::WrongSize`], [`Error::WrongHash`], or what is wrong
    /// with the gzip data; [`Error::Io`] where a file cannot be opened.
    pub fn verify(&self, dir: &Path) -> Result<()> {
        for (file, role) in self.files.iter().zip(&ROLES) {
            let path = role.find(dir)?;
            let (bytes, found) = file.unpacked(&path)?;
            if bytes != file.bytes {
                return Err(Error::WrongSize {
                    title: self.title,
                    expected: file.bytes,
                }
                .in_file(&path));
            }
            if found != file.sha256 {
                return Err(Error::WrongHash {
                    title: self.title,
                    expected: file.sha256,
                    found,
                }
                .in_file(&path));
            }
        }
        Ok(())
    }
}

impl KnownFile {
    /// Whether the file at `path`, plain or packed with gzip, is this one, byte
    /// for byte once unpacked.
    ///
    /// # Errors
    /// [`Error::InFile`] around what is wrong with the gzip data; [`Error::Io`]
    /// where the file cannot be opened.
    pub fn is_at(&self, path: &Path) -> Result<bool> {
        let (bytes, found) = self.unpacked(path)?;
        Ok(bytes == self.bytes && found == self.sha256)
    }

    /// Size and SHA-256 of what the file at `path` holds.
    fn unpacked(&self, path: &Path) -> Result<(u64, String)> {
        // One byte more than expected tells a longer file without unpacking
        // all of it.
        raw_file(path, |raw| {
            sha256_of_reader(raw.take(self.bytes.saturating_add(1)))
        })
    }
}

const ROLES: [Role; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];

/// Both sets have the same file names and sizes: a header of 16 bytes before
/// 60,000 or 10,000 images of 28 by 28, or of 8 bytes before their labels.
const fn set(name: &'static str, title: &'static str, sha256: [&'static str; 4]) -> KnownSet {
    let [train_images, train_labels, test_images, test_labels] = sha256;
    KnownSet {
        name,
        title,
        files: [
            file(TRAIN_IMAGES.name, 16 + 60_000 * 28 * 28, train_images),
            file(TRAIN_LABELS.name, 8 + 60_000, train_labels),
            file(TEST_IMAGES.name, 16 + 10_000 * 28 * 28, test_images),
            file(TEST_LABELS.name, 8 + 10_000, test_labels),
        ],
    }
}

const fn file(name: &'static str, bytes: u64, sha256: &'static str) -> KnownFile {
    KnownFile {
        name,
        bytes,
        sha256,
    }
}
