//! Images with their labels, found in a folder by the usual file names.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::hash::sha256_of_parts;
use crate::write::header;
use crate::{ElementType, Error, Idx, IdxData, Images, Result};

/// As many labels as images.
#[derive(Clone, PartialEq, Eq)]
pub struct Dataset {
    images: Images,
    labels: Vec<u8>,
}

/// One half of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// The images to learn from, files `train-…`.
    Train,
    /// The images to measure with, files `t10k-…`.
    Test,
}

impl Dataset {
    /// Joins images and labels.
    ///
    /// # Errors
    /// [`Error::LabelCount`] unless there are as many labels as images.
    pub fn new(images: Images, labels: Vec<u8>) -> Result<Dataset> {
        if images.len() != labels.len() {
            return Err(Error::LabelCount {
                images: images.len(),
                labels: labels.len(),
            });
        }
        Ok(Dataset { images, labels })
    }

    /// Reads one split from any folder with the usual file names.
    ///
    /// The names are `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`,
    /// or `t10k-…` for the test split; `train-images.idx3-ubyte` is accepted
    /// too, and each with `.gz`, plain files first.
    ///
    /// # Errors
    /// [`Error::MissingFolder`] or [`Error::MissingFile`]; otherwise the
    /// errors of [`Images::read_file`], and [`Error::InFile`] around
    /// [`Error::NotLabels`], or around [`Error::LabelCount`] with the folder.
    pub fn open(dir: &Path, split: Split) -> Result<Dataset> {
        let (images, labels) = match split {
            Split::Train => (&TRAIN_IMAGES, &TRAIN_LABELS),
            Split::Test => (&TEST_IMAGES, &TEST_LABELS),
        };
        let images = images.find(dir)?;
        let labels = labels.find(dir)?;
        Dataset::new(Images::read_file(&images)?, read_labels(&labels)?).map_err(|e| e.in_file(dir))
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// The labels, in the order of the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Number of images, and of labels.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Images and labels.
    pub fn into_parts(self) -> (Images, Vec<u8>) {
        (self.images, self.labels)
    }

    /// SHA-256, in hexadecimal, of the plain IDX file that holds the images.
    pub fn images_sha256(&self) -> String {
        self.images.idx_sha256()
    }

    /// SHA-256, in hexadecimal, of the plain IDX file that holds the labels.
    pub fn labels_sha256(&self) -> String {
        let header = header(ElementType::U8, &[self.labels.len()]);
        sha256_of_parts(&[&header, &self.labels])
    }
}

/// Sizes only: a data set's contents would drown everything else.
impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("images", &self.images)
            .finish_non_exhaustive()
    }
}

/// One of the four files that a data set's folder holds.
pub(crate) struct Role {
    pub(crate) name: &'static str,
    dotted: &'static str,
    what: &'static str,
}

pub(crate) const TRAIN_IMAGES: Role = Role {
    name: "train-images-idx3-ubyte",
    dotted: "train-images.idx3-ubyte",
    what: "training images",
};
pub(crate) const TRAIN_LABELS: Role = Role {
    name: "train-labels-idx1-ubyte",
    dotted: "train-labels.idx1-ubyte",
    what: "training labels",
};
pub(crate) const TEST_IMAGES: Role = Role {
    name: "t10k-images-idx3-ubyte",
    dotted: "t10k-images.idx3-ubyte",
    what: "test images",
};
pub(crate) const TEST_LABELS: Role = Role {
    name: "t10k-labels-idx1-ubyte",
    dotted: "t10k-labels.idx1-ubyte",
    what: "test labels",
};

impl Role {
    /// The file with this role in `dir`.
    pub(crate) fn find(&self, dir: &Path) -> Result<PathBuf> {
        let names = [
            self.name.to_owned(),
            self.dotted.to_owned(),
            format!("{}.gz", self.name),
            format!("{}.gz", self.dotted),
        ];
        for name in &names {
            let path = dir.join(name);
            match path.metadata() {
                Ok(info) if info.is_dir() => {}
                Ok(_) => return Ok(path),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(e) => return Err(Error::io("open", &path)(e)),
            }
        }
        if dir.is_dir() {
            Err(Error::MissingFile {
                dir: dir.to_owned(),
                what: self.what,
                names: names.to_vec(),
            })
        } else {
            Err(Error::MissingFolder {
                dir: dir.to_owned(),
            })
        }
    }
}

fn read_labels(path: &Path) -> Result<Vec<u8>> {
    let (shape, data) = Idx::read_file(path)?.into_parts();
    match data {
        IdxData::U8(labels) if shape.len() == 1 => Ok(labels),
        data => Err(Error::NotLabels {
            element: data.element_type(),
            shape,
        }
        .in_file(path)),
    }
}
