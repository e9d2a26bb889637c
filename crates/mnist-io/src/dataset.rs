//! A data set: images and labels, read from files with the usual names.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::element::{ElementType, IdxData};
use crate::error::{Error, Result};
use crate::hash::sha256_of_parts;
use crate::idx::Idx;
use crate::images::Images;
use crate::write::header;

/// Images and equally many labels.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    images: Images,
    labels: Vec<u8>,
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// The training images, files `train-…`.
    Train,
    /// The test images, files `t10k-…`.
    Test,
}

impl Dataset {
    /// Creates a data set from images and labels.
    ///
    /// # Errors
    /// [`Error::LabelCount`] if the numbers of images and labels differ.
    pub fn new(images: Images, labels: Vec<u8>) -> Result<Dataset> {
        if images.len() != labels.len() {
            return Err(Error::LabelCount { images: images.len(), labels: labels.len() });
        }
        Ok(Dataset { images, labels })
    }

    /// Reads one split from a folder with the usual file names.
    ///
    /// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or
    /// `t10k-…` for the test split. Names such as `train-images.idx3-ubyte`, and
    /// all names with `.gz`, are accepted too. Plain files are preferred.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::MissingFile`], the errors of
    /// [`Images::read_file`], or [`Error::InFile`] with [`Error::NotLabels`] or
    /// [`Error::LabelCount`].
    pub fn open(dir: &Path, split: Split) -> Result<Dataset> {
        let [images, labels] = match (split, &FILES) {
            (Split::Train, [images, labels, _, _]) | (Split::Test, [_, _, images, labels]) => {
                [images.find(dir)?, labels.find(dir)?]
            }
        };
        Dataset::new(Images::read_file(&images)?, read_labels(&labels)?).map_err(|e| e.in_file(dir))
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The labels in the order of the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Returns the images and labels at `indices`, in that order, with repeats.
    /// Returns `None` if an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Option<Dataset> {
        let images = self.images.select(indices)?;
        let labels = indices.iter().map(|&index| self.labels.get(index).copied());
        Dataset::new(images, labels.collect::<Option<_>>()?).ok()
    }

    /// Returns images and labels.
    pub fn into_parts(self) -> (Images, Vec<u8>) {
        (self.images, self.labels)
    }

    /// SHA-256 of the plain IDX file of the images, in hexadecimal.
    pub fn images_sha256(&self) -> String {
        self.images.idx_sha256()
    }

    /// SHA-256 of the plain IDX file of the labels, in hexadecimal.
    pub fn labels_sha256(&self) -> String {
        let header = header(ElementType::U8, &[self.labels.len()]);
        sha256_of_parts(&[&header, &self.labels])
    }
}

/// Shows the sizes and omits the content.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset").field("images", &self.images).finish_non_exhaustive()
    }
}

/// One of the four files of a data set.
pub(crate) struct SetFile {
    pub(crate) name: &'static str,
    what: &'static str,
}

/// Training images, training labels, test images, test labels.
pub(crate) const FILES: [SetFile; 4] = [
    SetFile::new("train-images-idx3-ubyte", "training images"),
    SetFile::new("train-labels-idx1-ubyte", "training labels"),
    SetFile::new("t10k-images-idx3-ubyte", "test images"),
    SetFile::new("t10k-labels-idx1-ubyte", "test labels"),
];

impl SetFile {
    const fn new(name: &'static str, what: &'static str) -> SetFile {
        SetFile { name, what }
    }

    /// Returns the path of the file in `dir`.
    pub(crate) fn find(&self, dir: &Path) -> Result<PathBuf> {
        let dotted = self.name.replace("-idx", ".idx");
        let plain = [self.name.to_owned(), dotted];
        let names = [plain.clone(), plain.map(|name| name + ".gz")].concat();
        for name in &names {
            let path = dir.join(name);
            match path.metadata() {
                Ok(info) if info.is_dir() => {}
                Ok(_) => return Ok(path),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(e) => return Err(Error::io("open", &path)(e)),
            }
        }
        let dir = dir.to_owned();
        if dir.is_dir() {
            let what = self.what;
            Err(Error::MissingFile { dir, what, names })
        } else {
            Err(Error::MissingFolder { dir })
        }
    }
}

fn read_labels(path: &Path) -> Result<Vec<u8>> {
    let (shape, data) = Idx::read_file(path)?.into_parts();
    match data {
        IdxData::U8(labels) if shape.len() == 1 => Ok(labels),
        data => Err(Error::NotLabels { element: data.element_type(), shape }.in_file(path)),
    }
}
