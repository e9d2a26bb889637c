//! Features: a checked matrix of numbers, one row per image, and wrappers that name the set of
//! images.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::{Error, Result};

/// The largest absolute value that features may have.
///
/// Squared distances of rows of a million such values stay far inside `f64`,
/// and so do the third powers in [`kid`](crate::kid).
pub const MAX_ABS_FEATURE: f32 = 1e18;

/// The real images of a comparison, or something computed from them.
#[derive(Debug)]
pub struct Real<'a, T: ?Sized = Features>(pub &'a T);

/// The generated images of a comparison, or something computed from them.
#[derive(Debug)]
pub struct Fake<'a, T: ?Sized = Features>(pub &'a T);

/// The images that the generator was trained on, or something computed from them.
#[derive(Debug)]
pub struct Training<'a, T: ?Sized = Features>(pub &'a T);

/// Real images that select a setting.
#[derive(Debug)]
pub struct Validation<'a, T: ?Sized = Features>(pub &'a T);

macro_rules! impl_copy {
    ($($name:ident)*) => {$(
        impl<T: ?Sized> Clone for $name<'_, T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T: ?Sized> Copy for $name<'_, T> {}
    )*};
}

// Derived implementations would require T: Copy.
impl_copy!(Real Fake Training Validation);

/// Features of images: f32 `[n, d]`, one row per image, all finite and at most [`MAX_ABS_FEATURE`]
/// in size. `d` is at least 1, `n` may be 0.
#[derive(Clone, PartialEq)]
pub struct Features {
    width: usize,
    values: Vec<f32>,
}

impl Features {
    /// Features from `values` in row-major order, `width` per row.
    ///
    /// # Errors
    /// [`Error::RowLength`] if the values do not fill whole rows or `width` is 0;
    /// [`Error::OutOfRange`] with the first invalid value.
    pub fn new(width: usize, values: Vec<f32>) -> Result<Features> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::RowLength { values: values.len(), width });
        }
        let wrong = |v: &f32| !v.is_finite() || v.abs() > MAX_ABS_FEATURE;
        if let Some((at, &value)) = values.iter().enumerate().find(|(_, v)| wrong(v)) {
            let (row, column) = (at / width, at % width);
            return Err(Error::OutOfRange { row, column, value });
        }
        Ok(Features { width, values })
    }

    /// Features from a tensor `[n, d]` of floating-point numbers on any device. Values are
    /// converted to f32.
    ///
    /// # Errors
    /// [`Error::NotFeatures`], and those of [`Features::new`].
    pub fn from_tensor(tensor: &Tensor) -> Result<Features> {
        let (kind, shape) = (tensor.kind(), tensor.size());
        let width = match (kind, &shape[..]) {
            (Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double, &[_, width])
                if width > 0 =>
            {
                width as usize
            }
            _ => return Err(Error::NotFeatures { kind, shape }),
        };
        let flat =
            tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_reshape([-1])?;
        Features::new(width, Vec::<f32>::try_from(&flat)?)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Features per image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[n, d]` in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows, each of [`width`](Features::width) values.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width)
    }

    /// The rows at `indices`, in that order. Indices may repeat. `None` if one is out of
    /// range.
    pub fn select(&self, indices: &[usize]) -> Option<Features> {
        let rows: Option<Vec<&[f32]>> =
            indices.iter().map(|&index| self.rows().nth(index)).collect();
        Some(Features { width: self.width, values: rows?.concat() })
    }

    /// Rows as f64 `[rows, d]`.
    pub(crate) fn block(&self, rows: Range<usize>) -> Tensor {
        let values = &self.values[rows.start * self.width..rows.end * self.width];
        Tensor::from_slice(values)
            .to_kind(Kind::Double)
            .view([rows.len() as i64, self.width as i64])
    }

    /// All rows as f64 `[n, d]`.
    pub(crate) fn tensor(&self) -> Tensor {
        self.block(0..self.len())
    }

    /// Fails unless both have the same width.
    pub(crate) fn same_width(&self, other: &Features) -> Result<()> {
        if self.width != other.width {
            return Err(Error::Width { left: self.width, right: other.width });
        }
        Ok(())
    }
}

/// Prints the shape only.
impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Features").field("shape", &[self.len(), self.width]).finish_non_exhaustive()
    }
}

/// Consecutive ranges of `size` that cover `0..len`.
pub(crate) fn blocks(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |start| start..len.min(start + size))
}
