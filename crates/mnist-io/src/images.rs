//! Gray images of one size, one byte per pixel.

use std::collections::HashSet;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

use crate::element::{ElementType, IdxData};
use crate::error::{Error, Result};
use crate::hash::sha256_of_parts;
use crate::idx::{Idx, element_count};
use crate::read::{read, read_file_if};
use crate::write::{header, write_atomic};

/// The most bytes of images that are read from one file, 1 GiB. The largest set of
/// MNIST's kind, EMNIST by class, has half as many.
pub const MAX_BYTES: usize = 1 << 30;

/// Images of one size, u8 `[n, rows, cols]` in row-major order.
///
/// A pixel is 0 for the background and 255 for the brightest foreground. Rows and
/// columns are at least 1. `n` may be 0.
#[derive(Clone, PartialEq, Eq)]
pub struct Images {
    rows: usize,
    cols: usize,
    pixels: Vec<u8>,
}

impl Images {
    /// Creates images of `rows` x `cols` from their pixels.
    ///
    /// # Errors
    /// [`Error::PixelCount`] if the pixels are not a multiple of an image, or if
    /// rows or columns are 0. [`Error::TooLarge`] if a size exceeds 32 bits, the
    /// limit of an IDX file.
    pub fn new(rows: usize, cols: usize, pixels: Vec<u8>) -> Result<Images> {
        let count = pixels.len();
        let size = rows.checked_mul(cols);
        let size = size.filter(|&size| size > 0 && count.is_multiple_of(size));
        let size = size.ok_or(Error::PixelCount { rows, cols, pixels: count })?;
        let shape = [count / size, rows, cols];
        if shape.iter().any(|&size| u32::try_from(size).is_err()) {
            return Err(Error::TooLarge { shape: shape.to_vec() });
        }
        Ok(Images { rows, cols, pixels })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / (self.rows * self.cols)
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Rows of each image.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of each image.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All pixels, `[n, rows, cols]` in row-major order.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Returns the pixels of one image, `[rows, cols]` in row-major order.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter().nth(index)
    }

    /// Iterates over the images, each as its pixels `[rows, cols]`.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.rows * self.cols)
    }

    /// Returns the indices of the images that also occur in `others`, in ascending order.
    pub fn indices_in(&self, others: &Images) -> Vec<usize> {
        let others: HashSet<&[u8]> = others.iter().collect();
        let own = self.iter().enumerate();
        own.filter(|(_, image)| others.contains(image)).map(|(index, _)| index).collect()
    }

    /// Returns the first `count` images, or all if there are fewer.
    pub fn first(&self, count: usize) -> Images {
        let pixels = count.min(self.len()) * self.rows * self.cols;
        Images { pixels: self.pixels[..pixels].to_vec(), ..*self }
    }

    /// Returns the images at `indices`, in that order, with repeats. Returns `None`
    /// if an index is out of range.
    pub fn select(&self, indices: &[usize]) -> Option<Images> {
        let picked: Option<Vec<&[u8]>> = indices.iter().map(|&index| self.get(index)).collect();
        Images::new(self.rows, self.cols, picked?.concat()).ok()
    }

    /// Reads an IDX file of images, plain or compressed with gzip.
    ///
    /// # Errors
    /// Those of [`Idx::read_file`], and [`Error::InFile`] with [`Error::NotImages`] or
    /// [`Error::TooManyBytes`]. The data of such a file are not read.
    pub fn read_file(path: &Path) -> Result<Images> {
        let idx = read_file_if(path, check_header)?;
        Images::try_from(idx).map_err(|e| e.in_file(path))
    }

    /// Reads IDX data of images, plain or compressed with gzip.
    ///
    /// # Errors
    /// Those of [`Idx::read`], [`Error::NotImages`] and [`Error::TooManyBytes`].
    pub fn read(reader: impl Read) -> Result<Images> {
        Images::try_from(read(reader, None, check_header)?)
    }

    /// Writes a plain IDX file, atomically. Replaces an existing file.
    ///
    /// # Errors
    /// [`Error::Io`] with the action that failed.
    pub fn write_file(&self, path: &Path) -> Result<()> {
        write_atomic(path, |writer| {
            writer.write_all(&self.header())?;
            writer.write_all(&self.pixels)
        })
    }

    /// SHA-256 of the plain IDX file of the images, in hexadecimal.
    pub fn idx_sha256(&self) -> String {
        sha256_of_parts(&[&self.header(), &self.pixels])
    }

    fn shape(&self) -> [usize; 3] {
        [self.len(), self.rows, self.cols]
    }

    fn header(&self) -> Vec<u8> {
        header(ElementType::U8, &self.shape())
    }
}

/// Refuses a header of anything but images of at most [`MAX_BYTES`].
fn check_header(element: ElementType, shape: &[usize]) -> Result<()> {
    let images = matches!(*shape, [_, rows, cols] if rows > 0 && cols > 0);
    if !images || element != ElementType::U8 {
        return Err(Error::NotImages { element, shape: shape.to_vec() });
    }
    match element_count(shape).is_some_and(|bytes| bytes <= MAX_BYTES) {
        true => Ok(()),
        false => Err(Error::TooManyBytes { shape: shape.to_vec() }),
    }
}

/// Shows the shape and omits the pixels.
impl fmt::Debug for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Images").field("shape", &self.shape()).finish_non_exhaustive()
    }
}

impl TryFrom<Idx> for Images {
    type Error = Error;

    /// Returns [`Error::NotImages`] unless the array is u8 `[n, rows, cols]` with
    /// rows and columns above 0.
    fn try_from(idx: Idx) -> Result<Images> {
        let (shape, data) = idx.into_parts();
        match (&shape[..], data) {
            (&[_, rows, cols], IdxData::U8(pixels)) if rows > 0 && cols > 0 => {
                Images::new(rows, cols, pixels)
            }
            (_, data) => Err(Error::NotImages { element: data.element_type(), shape }),
        }
    }
}

impl From<Images> for Idx {
    fn from(images: Images) -> Idx {
        Idx::from_checked(images.shape().to_vec(), IdxData::U8(images.pixels))
    }
}
