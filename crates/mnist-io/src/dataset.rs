//! A data set: images and labels, read from files with the usual names.

use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::hash::sha256_of_parts;
use crate::images::Images;
use crate::labels::read_labels;
use crate::names::FILES;
use crate::write::header;

/// Images and equally many labels.
#[derive(Clone)]
pub struct Dataset {
    images: Images,
    labels: Vec<u8>,
    labeled: bool,
    /// The SHA-256 of the images, after its first use.
    images_sha256: OnceLock<String>,
}

impl Eq for Dataset {}

impl PartialEq for Dataset {
    fn eq(&self, other: &Dataset) -> bool {
        (&self.images, &self.labels, self.labeled) == (&other.images, &other.labels, other.labeled)
    }
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
        Ok(Dataset::from_checked(images, labels, true))
    }

    /// Creates a data set from images alone. All its labels are 0.
    pub fn unlabeled(images: Images) -> Dataset {
        let labels = vec![0; images.len()];
        Dataset::from_checked(images, labels, false)
    }

    fn from_checked(images: Images, labels: Vec<u8>, labeled: bool) -> Dataset {
        Dataset { images, labels, labeled, images_sha256: OnceLock::new() }
    }

    /// Reads one split from a folder with the usual file names.
    ///
    /// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, or
    /// `t10k-…` for the test split. Names such as `train-images.idx3-ubyte`,
    /// `test-images-idx3-ubyte` and `train-labels-idx2-int`, all names with one prefix
    /// such as `emnist-letters-`, and all names with `.gz` are accepted too. Plain
    /// files are preferred.
    ///
    /// # Errors
    /// [`Error::MissingFolder`], [`Error::MissingFile`], [`Error::SeveralSets`], the
    /// errors of [`Images::read_file`] and [`read_labels`], or [`Error::InFile`] with
    /// [`Error::LabelRange`].
    pub fn open(dir: &Path, split: Split) -> Result<Dataset> {
        let [images, labels] = match (split, &FILES) {
            (Split::Train, [images, labels, _, _]) | (Split::Test, [_, _, images, labels]) => {
                [images.find(dir, None)?, labels.find(dir, None)?]
            }
        };
        let images = Images::read_file(&images)?;
        let values = read_labels(&labels, images.len())?;
        let bytes = values.iter().map(|&label| {
            u8::try_from(label).map_err(|_| Error::LabelRange { label }.in_file(&labels))
        });
        Dataset::new(images, bytes.collect::<Result<_>>()?)
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The labels in the order of the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Whether the labels were given. Those of [`Dataset::unlabeled`] were not.
    pub fn is_labeled(&self) -> bool {
        self.labeled
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Returns the first `count` images with their labels, or all if there are fewer.
    pub fn first(&self, count: usize) -> Dataset {
        let labels = self.labels.iter().take(count).copied().collect();
        Dataset::from_checked(self.images.first(count), labels, self.labeled)
    }

    /// Returns the images and labels at `indices`, in that order, with repeats.
    /// Returns `None` if an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Option<Dataset> {
        let images = self.images.select(indices)?;
        let labels = indices.iter().map(|&index| self.labels.get(index).copied());
        let labels = labels.collect::<Option<_>>()?;
        Some(Dataset::from_checked(images, labels, self.labeled))
    }

    /// Returns images and labels.
    pub fn into_parts(self) -> (Images, Vec<u8>) {
        (self.images, self.labels)
    }

    /// SHA-256 of the plain IDX file of the images, in hexadecimal. It is computed once.
    pub fn images_sha256(&self) -> String {
        self.images_sha256.get_or_init(|| self.images.idx_sha256()).clone()
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
