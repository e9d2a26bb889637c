//! What a measurement is made on: a checked matrix of numbers, a row an image,
//! and wrappers that say whose they are.

use std::ops::Range;

use mnist_io::Images;
use tch::{Device, Kind, Tensor};

use crate::error::at_least;
use crate::{Error, Result};

/// The largest absolute value that features may have.
///
/// Squared distances of rows of a million such values stay far inside `f64`,
/// and so do the third powers in [`kid`](crate::kid).
pub const LARGEST: f32 = 1e18;

/// The real images of a measurement, or what was computed from them.
#[derive(Debug)]
pub struct Real<'a, T: ?Sized = Features>(pub &'a T);

/// The generated images of a measurement, or what was computed from them.
#[derive(Debug)]
pub struct Fake<'a, T: ?Sized = Features>(pub &'a T);

/// The images that the generator was trained on, or what was computed from
/// them.
#[derive(Debug)]
pub struct Training<'a, T: ?Sized = Features>(pub &'a T);

/// Real images kept aside to choose a setting with.
#[derive(Debug)]
pub struct Validation<'a, T: ?Sized = Features>(pub &'a T);

macro_rules! copied_as_references_are {
    ($($name:ident)*) => {$(
        impl<T: ?Sized> Clone for $name<'_, T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T: ?Sized> Copy for $name<'_, T> {}
    )*};
}

// Derived, they would want the same of T.
copied_as_references_are!(Real Fake Training Validation);

/// Features of images: f32 `[n, d]`, a row an image, all finite and at most
/// [`LARGEST`] in size; `d` is at least 1, `n` may be 0.
#[derive(Clone, PartialEq)]
pub struct Features {
    width: usize,
    values: Vec<f32>,
}

impl Features {
    /// Cuts `values` into rows of `width`.
    ///
    /// # Errors
    /// [`Error::RowLength`] where they make no whole number of rows or `width`
    /// is 0; [`Error::NotFinite`] and [`Error::TooLarge`] with the first value
    /// that cannot be measured.
    pub fn new(width: usize, values: Vec<f32>) -> Result<Features> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::RowLength {
                values: values.len(),
                width,
            });
        }
        let wrong = |v: &f32| !v.is_finite() || v.abs() > LARGEST;
        if let Some((at, &value)) = values.iter().enumerate().find(|(_, v)| wrong(v)) {
            let (row, column) = (at / width, at % width);
            return Err(if value.is_finite() {
                Error::TooLarge { row, column, value }
            } else {
                Error::NotFinite { row, column, value }
            });
        }
        Ok(Features { width, values })
    }

    /// Takes over a tensor `[n, d]` of floating-point numbers on any device.
    /// Values are kept as f32; those of an f64 tensor are rounded.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFloat`], and those of [`Features::new`].
    pub fn from_tensor(tensor: &Tensor) -> Result<Features> {
        let shape = tensor.size();
        let width = match shape[..] {
            [_, width] if width > 0 => width as usize,
            _ => return Err(Error::Shape { shape }),
        };
        let kind = tensor.kind();
        if !matches!(
            kind,
            Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double
        ) {
            return Err(Error::NotFloat { kind });
        }
        let flat = tensor
            .f_detach()?
            .f_to_device(Device::Cpu)?
            .f_to_kind(Kind::Float)?
            .f_reshape([-1])?;
        Features::new(width, Vec::<f32>::try_from(&flat)?)
    }

    /// The pixels themselves as features, divided by 255: rows in \[0, 1\].
    pub fn from_pixels(images: &Images) -> Features {
        Features {
            width: images.rows() * images.cols(),
            values: images
                .pixels()
                .iter()
                .map(|&pixel| f32::from(pixel) / 255.0)
                .collect(),
        }
    }

    /// Number of rows: images.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Features to a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[n, d]` in row-major order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows in order, each of [`width`](Features::width) values.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width)
    }

    /// The rows at `indices`, in that order, repeats allowed; `None` where an
    /// index is out of range.
    pub fn select(&self, indices: &[usize]) -> Option<Features> {
        let rows: Option<Vec<&[f32]>> = indices
            .iter()
            .map(|&index| self.rows().nth(index))
            .collect();
        Some(Features {
            width: self.width,
            values: rows?.concat(),
        })
    }

    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..][..self.width]
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

    /// ‖row‖² of each row.
    pub(crate) fn squared_norms(&self) -> Vec<f64> {
        self.rows()
            .map(|row| row.iter().map(|&v| f64::from(v).powi(2)).sum())
            .collect()
    }

    /// Fails unless there are `needed` rows.
    pub(crate) fn at_least(
        &self,
        needed: usize,
        metric: &'static str,
        what: &'static str,
    ) -> Result<()> {
        at_least(needed, self.len(), metric, what)
    }

    /// Fails unless both have rows of one width.
    pub(crate) fn same_width(&self, other: &Features) -> Result<()> {
        if self.width != other.width {
            return Err(Error::Width {
                left: self.width,
                right: other.width,
            });
        }
        Ok(())
    }
}

/// Sizes only: the values would drown everything else.
impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Features")
            .field("shape", &[self.len(), self.width])
            .finish_non_exhaustive()
    }
}

/// Start and end of consecutive blocks that cover `0..len`.
pub(crate) fn blocks(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len)
        .step_by(size)
        .map(move |start| start..len.min(start + size))
}
