//! Rows of numbers for products and distances: features, or centered pixels.

use std::borrow::Cow;

use mnist_io::Images;
use tch::{Kind, Tensor};

use super::features::Features;

/// Images of up to this many pixels have exact products in f32: a sum of so many products
/// of pixels less 128 is at most 128² · 1024 = 2²⁴, and f32 holds every whole number up to
/// it. Larger images are treated as features.
pub(crate) const EXACT_PIXELS: usize = 1024;

/// Rows of numbers `[n, d]`.
pub(crate) struct Rows<'a> {
    pub(crate) width: usize,
    values: Cow<'a, [f32]>,
    /// Whether products of the values are exact in f32.
    pub(crate) exact: bool,
}

impl<'a> From<&'a Features> for Rows<'a> {
    fn from(features: &'a Features) -> Rows<'a> {
        Rows { width: features.width(), values: Cow::Borrowed(features.values()), exact: false }
    }
}

/// Pixels less 128, which changes no distance.
impl<'a> From<&'a Images> for Rows<'a> {
    fn from(images: &'a Images) -> Rows<'a> {
        let centered = images.pixels().iter().map(|&p| f32::from(p) - 128.0);
        let width = images.rows() * images.cols();
        Rows { width, values: centered.collect(), exact: width <= EXACT_PIXELS }
    }
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(crate) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..][..self.width]
    }

    /// `[n, d]` divided by `scale`.
    pub(crate) fn tensor(&self, kind: Kind, scale: f64) -> Tensor {
        let shape = [self.len() as i64, self.width as i64];
        let rows = Tensor::from_slice(&self.values).view(shape) / scale;
        rows.to_kind(kind)
    }

    /// ‖row‖² of each row, `[n]`.
    pub(crate) fn squared_norms(&self) -> Vec<f64> {
        let square = |&v: &f32| f64::from(v).powi(2);
        let rows = self.values.chunks_exact(self.width);
        rows.map(|row| row.iter().map(square).sum()).collect()
    }

    /// The largest absolute value.
    pub(crate) fn largest(&self) -> f32 {
        self.values.iter().fold(0.0, |most, v| v.abs().max(most))
    }
}

/// ‖a − b‖² in f64.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let square = |(&x, &y): (&f32, &f32)| (f64::from(x) - f64::from(y)).powi(2);
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(square).sum();
    // Eight sums side by side, which processors add at once.
    let mut sums = [0.0; 8];
    for (x, y) in a.zip(b) {
        for (sum, pair) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += square(pair);
        }
    }
    sums.iter().sum::<f64>() + rest
}
