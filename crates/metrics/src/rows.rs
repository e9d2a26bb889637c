//! Rows of numbers that distances can be measured between, and how they are
//! brought into a form that multiplies fast.

use std::ops::RangeInclusive;

use mnist_io::Images;
use tch::{Kind, Tensor};

use crate::features::Features;
use crate::products::bytes_multiply_exactly;

/// Rows that distances can be measured between.
pub(crate) trait Rows {
    fn count(&self) -> usize;

    /// ‖a − b‖² for row `a` of these and row `b` of others; the same, to the
    /// last bit, with both sides exchanged.
    fn squared_distance(&self, a: usize, others: &Self, b: usize) -> f64;

    /// Both sides, of one width, in the form in which they are multiplied.
    fn prepare(queries: &Self, references: &Self) -> Prepared;
}

/// Two sides as they are multiplied: moved by one vector, which changes no
/// distance, and divided by one number.
pub(crate) struct Prepared {
    pub(crate) queries: Side,
    pub(crate) references: Side,
    /// What the rows were divided by: a power of 2.
    pub(crate) scale: f64,
    pub(crate) margin: Margin,
}

/// The rows of one side.
pub(crate) struct Side {
    /// `[rows, width]` of i8, bf16 or f32.
    pub(crate) rows: Tensor,
    /// ‖row‖² of each row, moved but not divided.
    pub(crate) squared_norms: Vec<f64>,
}

/// What a distance by products is off by at most, for a query of norm q and
/// references of norms up to r.
pub(crate) struct Margin {
    /// The part of a product, as a share of q r.
    pub(crate) product: f64,
    /// The part of sums in f64, those of a distance measured anew among them,
    /// as a share of (q + r)².
    pub(crate) sums: f64,
    /// The part of numbers too small for f32, for rows that were divided.
    pub(crate) underflow: f64,
}

impl Margin {
    /// Nothing is rounded.
    const NONE: Margin = Margin {
        product: 0.0,
        sums: 0.0,
        underflow: 0.0,
    };

    /// Rows of `width` numbers that are off by `entry` of themselves, products
    /// summed in f32, in any order, and rounded once more by `exit` of
    /// themselves.
    ///
    /// A sum of n products is off by at most nu / (1 − nu) of Σ|qᵢrᵢ| ≤ ‖q‖‖r‖
    /// (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section
    /// 3.1). `u` is twice that of f32, since processors may round sums of bf16
    /// products otherwise than to the nearest.
    fn rounded(width: usize, entry: f64, exit: f64) -> Margin {
        let n = width as f64;
        let nu = n * f64::from(f32::EPSILON);
        let gamma = if nu < 0.5 { nu / (1.0 - nu) } else { f64::MAX };
        Margin {
            product: (1.0 + entry).powi(2) * (1.0 + gamma) * (1.0 + exit) - 1.0,
            sums: (n + 8.0) * f64::EPSILON,
            underflow: 8.0 * (n + 1.0) * f64::from(f32::MIN_POSITIVE),
        }
    }
}

/// Features lie anywhere and close together: they are moved by the references'
/// mean and divided by the largest value, so that f32 does.
impl Rows for Features {
    fn count(&self) -> usize {
        self.len()
    }

    fn squared_distance(&self, a: usize, others: &Features, b: usize) -> f64 {
        let width = self.width();
        let a = self.values()[a * width..][..width].chunks_exact(8);
        let b = others.values()[b * width..][..width].chunks_exact(8);
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

    fn prepare(queries: &Features, references: &Features) -> Prepared {
        let center = mean(references);
        let moved = |row: &[f32]| {
            let pairs = row.iter().zip(&center);
            pairs.map(|(&v, c)| f64::from(v) - c).collect::<Vec<f64>>()
        };
        let rows = queries.rows().chain(references.rows());
        let largest = rows.flat_map(moved).map(f64::abs).fold(0.0, f64::max);
        let scale = if largest > 0.0 {
            2f64.powi(largest.log2().ceil() as i32)
        } else {
            1.0
        };
        let side = |features: &Features| {
            let mut values = Vec::with_capacity(features.values().len());
            let mut squared_norms = Vec::with_capacity(features.len());
            for row in features.rows() {
                let row = moved(row);
                squared_norms.push(row.iter().map(|v| v * v).sum());
                values.extend(row.iter().map(|v| (v / scale) as f32));
            }
            let shape = [features.len() as i64, features.width() as i64];
            Side {
                rows: Tensor::from_slice(&values).view(shape),
                squared_norms,
            }
        };
        Prepared {
            queries: side(queries),
            references: side(references),
            scale,
            margin: Margin::rounded(queries.width(), f64::from(f32::EPSILON), 0.0),
        }
    }
}

/// The mean row.
fn mean(features: &Features) -> Vec<f64> {
    let mut sums = vec![0.0; features.width()];
    for row in features.rows() {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    let count = features.len().max(1) as f64;
    sums.iter().map(|sum| sum / count).collect()
}

/// Pixels less 128 fit into i8, and sums of their products stay below 2²⁴ for
/// images of up to 1024 pixels: f32 then loses nothing, in whatever order it
/// adds.
impl Rows for Images {
    fn count(&self) -> usize {
        self.len()
    }

    fn squared_distance(&self, a: usize, others: &Images, b: usize) -> f64 {
        let width = self.rows() * self.cols();
        let a = &self.pixels()[a * width..][..width];
        let b = &others.pixels()[b * width..][..width];
        let square = |(&x, &y): (&u8, &u8)| u64::from(x.abs_diff(y)).pow(2);
        a.iter().zip(b).map(square).sum::<u64>() as f64
    }

    fn prepare(queries: &Images, references: &Images) -> Prepared {
        let width = queries.rows() * queries.cols();
        let kind = if BYTES.contains(&width) && bytes_multiply_exactly() {
            Kind::Int8
        } else {
            Kind::Float
        };
        let side = |images: &Images| {
            let moved: Vec<i8> = images.pixels().iter().map(|&p| (p ^ 0x80) as i8).collect();
            let square = |&pixel: &u8| u64::from(pixel.abs_diff(128)).pow(2);
            let squared_norm = |image: &[u8]| image.iter().map(square).sum::<u64>() as f64;
            Side {
                rows: Tensor::from_slice(&moved)
                    .view([images.len() as i64, width as i64])
                    .to_kind(kind),
                squared_norms: images.iter().map(squared_norm).collect(),
            }
        };
        Prepared {
            queries: side(queries),
            references: side(references),
            scale: 1.0,
            margin: if width <= EXACT_PIXELS {
                Margin::NONE
            } else {
                Margin::rounded(width, 0.0, 0.0)
            },
        }
    }
}

/// 128² times as many is 2²⁴, up to which f32 holds every whole number.
pub(crate) const EXACT_PIXELS: usize = 1024;

/// Widths of rows that are multiplied as bytes. 128² times the largest is 2³⁰,
/// far inside i32; libtorch 2.13 multiplies rows of one byte wrongly, and few
/// gain nothing.
const BYTES: RangeInclusive<usize> = 64..=1 << 16;
