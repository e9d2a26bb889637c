//! An array as an IDX file holds it: a shape and elements of one type.

use std::fmt;

use crate::{Error, Result};

/// An array of one element type, in row-major order, as an IDX file holds it.
///
/// Reading and writing: [`Idx::read`], [`Idx::read_file`], [`Idx::write`],
/// [`Idx::write_gzip`], [`Idx::write_file`].
#[derive(Debug, Clone, PartialEq)]
pub struct Idx {
    shape: Vec<usize>,
    data: IdxData,
}

/// The elements of an [`Idx`].
#[derive(Debug, Clone, PartialEq)]
pub enum IdxData {
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// 16-bit signed integers.
    I16(Vec<i16>),
    /// 32-bit signed integers.
    I32(Vec<i32>),
    /// 32-bit floating-point numbers.
    F32(Vec<f32>),
    /// 64-bit floating-point numbers.
    F64(Vec<f64>),
}

/// The type of an [`Idx`]'s elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Unsigned bytes, code 0x08.
    U8,
    /// Signed bytes, code 0x09.
    I8,
    /// 16-bit signed integers, code 0x0B.
    I16,
    /// 32-bit signed integers, code 0x0C.
    I32,
    /// 32-bit floating-point numbers, code 0x0D.
    F32,
    /// 64-bit floating-point numbers, code 0x0E.
    F64,
}

impl Idx {
    /// Puts elements into a shape, whose last size varies fastest.
    ///
    /// # Errors
    /// [`Error::Rank`] unless the shape has 1 to 255 sizes,
    /// [`Error::TooLarge`] where a size exceeds 32 bits, and
    /// [`Error::ElementCount`] where the sizes' product is not the number of
    /// elements.
    pub fn new(shape: Vec<usize>, data: IdxData) -> Result<Idx> {
        if !(1..=255).contains(&shape.len()) {
            return Err(Error::Rank { rank: shape.len() });
        }
        if shape.iter().any(|&size| u32::try_from(size).is_err()) {
            return Err(Error::TooLarge { shape });
        }
        if element_count(&shape) != Some(data.len()) {
            return Err(Error::ElementCount {
                shape,
                found: data.len(),
            });
        }
        Ok(Idx { shape, data })
    }

    /// For shapes that keep the rules of [`Idx::new`] by construction.
    pub(crate) fn from_checked(shape: Vec<usize>, data: IdxData) -> Idx {
        Idx { shape, data }
    }

    /// The size of each dimension, 1 to 255 of them.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, in row-major order.
    pub fn data(&self) -> &IdxData {
        &self.data
    }

    /// Shape and elements.
    pub fn into_parts(self) -> (Vec<usize>, IdxData) {
        (self.shape, self.data)
    }
}

impl IdxData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            IdxData::U8(v) => v.len(),
            IdxData::I8(v) => v.len(),
            IdxData::I16(v) => v.len(),
            IdxData::I32(v) => v.len(),
            IdxData::F32(v) => v.len(),
            IdxData::F64(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements' type.
    pub fn element_type(&self) -> ElementType {
        match self {
            IdxData::U8(_) => ElementType::U8,
            IdxData::I8(_) => ElementType::I8,
            IdxData::I16(_) => ElementType::I16,
            IdxData::I32(_) => ElementType::I32,
            IdxData::F32(_) => ElementType::F32,
            IdxData::F64(_) => ElementType::F64,
        }
    }
}

impl ElementType {
    /// The type whose code is the third byte of a file.
    pub fn from_code(code: u8) -> Option<ElementType> {
        match code {
            0x08 => Some(ElementType::U8),
            0x09 => Some(ElementType::I8),
            0x0B => Some(ElementType::I16),
            0x0C => Some(ElementType::I32),
            0x0D => Some(ElementType::F32),
            0x0E => Some(ElementType::F64),
            _ => None,
        }
    }

    /// The third byte of a file of this type.
    pub fn code(self) -> u8 {
        match self {
            ElementType::U8 => 0x08,
            ElementType::I8 => 0x09,
            ElementType::I16 => 0x0B,
            ElementType::I32 => 0x0C,
            ElementType::F32 => 0x0D,
            ElementType::F64 => 0x0E,
        }
    }

    /// Bytes per element.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::U8 | ElementType::I8 => 1,
            ElementType::I16 => 2,
            ElementType::I32 | ElementType::F32 => 4,
            ElementType::F64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::U8 => "u8",
            ElementType::I8 => "i8",
            ElementType::I16 => "i16",
            ElementType::I32 => "i32",
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
        })
    }
}

/// The sizes' product, 0 where any of them is, unless it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1, |n: usize, &size| n.checked_mul(size))
}
