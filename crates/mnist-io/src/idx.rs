//! An array: a shape and elements of one type.

use crate::element::IdxData;
use crate::error::{Error, Result};

/// An array of an IDX file, in row-major order.
///
/// To read or write one, use [`Idx::read`], [`Idx::read_file`], [`Idx::write`],
/// [`Idx::write_gzip`] or [`Idx::write_file`].
#[derive(Debug, Clone, PartialEq)]
pub struct Idx {
    shape: Vec<usize>,
    data: IdxData,
}

impl Idx {
    /// Creates an array from its shape and its elements. The last index changes
    /// fastest.
    ///
    /// # Errors
    /// [`Error::Rank`] unless the shape has 1 to 255 dimensions,
    /// [`Error::TooLarge`] if a dimension exceeds 32 bits,
    /// [`Error::ElementCount`] if the shape does not fit the number of elements.
    pub fn new(shape: Vec<usize>, data: IdxData) -> Result<Idx> {
        if !(1..=255).contains(&shape.len()) {
            return Err(Error::Rank { rank: shape.len() });
        }
        if shape.iter().any(|&size| u32::try_from(size).is_err()) {
            return Err(Error::TooLarge { shape });
        }
        if element_count(&shape) != Some(data.len()) {
            return Err(Error::ElementCount { shape, found: data.len() });
        }
        Ok(Idx { shape, data })
    }

    /// Creates an array whose shape satisfies the rules of [`Idx::new`].
    pub(crate) fn from_checked(shape: Vec<usize>, data: IdxData) -> Idx {
        Idx { shape, data }
    }

    /// The size of each dimension. There are 1 to 255 dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &IdxData {
        &self.data
    }

    /// Returns shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, IdxData) {
        (self.shape, self.data)
    }
}

/// The product of the sizes, 0 if any size is 0, `None` after an overflow.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let mut sizes = shape.iter();
    sizes.try_fold(1, |n: usize, &size| n.checked_mul(size))
}
