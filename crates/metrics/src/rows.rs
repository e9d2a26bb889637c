//! Distances between all rows of two sets, screened by blocked matrix products.
//!
//! ‖q − r‖² = ‖q‖² + ‖r‖² − 2 q·r turns all distances of a block into one matrix
//! product, which loses digits where rows are alike. A screen therefore comes
//! with a bound on its error, and whoever decides something by a distance
//! measures anew, by [`Rows::squared_distance`], where the bound leaves it open.

use std::ops::Range;

use mnist_io::Images;
use tch::kind::Element;
use tch::{Kind, Tensor};

use crate::features::Features;

/// Queries in a block.
pub(crate) const QUERIES: usize = 512;
/// References in a block: with [`QUERIES`], 16 MiB of products in f64.
pub(crate) const REFERENCES: usize = 4096;

/// Rows of numbers that distances can be measured between.
pub(crate) trait Rows {
    /// The type that products are computed in; the rows are exact in it.
    type Real: Element + Default + Copy + Into<f64>;
    /// Half the distance from 1 to the next larger number of that type.
    const ROUNDOFF: f64;

    fn count(&self) -> usize;
    fn width(&self) -> usize;
    /// `[rows, width]` in [`Rows::Real`].
    fn block(&self, rows: Range<usize>) -> Tensor;
    /// ‖row‖² of each row.
    fn squared_norms(&self) -> Vec<f64>;
    /// ‖a − b‖² for row `a` of these and row `b` of others; the same, to the
    /// last bit, with both sides exchanged.
    fn squared_distance(&self, a: usize, others: &Self, b: usize) -> f64;
}

/// Products in f64: networks' features may lie close together far from 0.
impl Rows for Features {
    type Real = f64;
    const ROUNDOFF: f64 = f64::EPSILON / 2.0;

    fn count(&self) -> usize {
        self.len()
    }

    fn width(&self) -> usize {
        Features::width(self)
    }

    fn block(&self, rows: Range<usize>) -> Tensor {
        Features::block(self, rows)
    }

    fn squared_norms(&self) -> Vec<f64> {
        self.rows()
            .map(|row| row.iter().map(|&v| f64::from(v).powi(2)).sum())
            .collect()
    }

    fn squared_distance(&self, a: usize, others: &Features, b: usize) -> f64 {
        let width = Features::width(self);
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
}

/// Products in f32, twice as fast: pixels are small whole numbers.
impl Rows for Images {
    type Real = f32;
    const ROUNDOFF: f64 = (f32::EPSILON / 2.0) as f64;

    fn count(&self) -> usize {
        self.len()
    }

    fn width(&self) -> usize {
        self.rows() * self.cols()
    }

    fn block(&self, rows: Range<usize>) -> Tensor {
        let width = Rows::width(self);
        Tensor::from_slice(&self.pixels()[rows.start * width..rows.end * width])
            .to_kind(Kind::Float)
            .view([rows.len() as i64, width as i64])
    }

    fn squared_norms(&self) -> Vec<f64> {
        let square = |&pixel: &u8| u64::from(pixel).pow(2);
        self.iter()
            .map(|image| image.iter().map(square).sum::<u64>() as f64)
            .collect()
    }

    fn squared_distance(&self, a: usize, others: &Images, b: usize) -> f64 {
        let width = Rows::width(self);
        let a = &self.pixels()[a * width..][..width];
        let b = &others.pixels()[b * width..][..width];
        let square = |(&x, &y): (&u8, &u8)| u64::from(x.abs_diff(y)).pow(2);
        a.iter().zip(b).map(square).sum::<u64>() as f64
    }
}

/// Approximate squared distances between queries and references.
pub(crate) struct Screen<'a, R: Rows> {
    queries: &'a R,
    references: &'a R,
    query_norms: Vec<f64>,
    reference_norms: Vec<f64>,
    largest_norm: f64,
    products: Vec<R::Real>,
}

impl<'a, R: Rows> Screen<'a, R> {
    /// Both sides must be of one width.
    pub(crate) fn new(queries: &'a R, references: &'a R) -> Screen<'a, R> {
        let reference_norms = references.squared_norms();
        Screen {
            queries,
            references,
            query_norms: queries.squared_norms(),
            largest_norm: reference_norms.iter().copied().fold(0.0, f64::max),
            reference_norms,
            products: Vec::new(),
        }
    }

    /// For each of `queries` in turn: its index, and the approximate squared
    /// distances to `references`, in order.
    pub(crate) fn block(
        &mut self,
        queries: Range<usize>,
        references: Range<usize>,
    ) -> impl Iterator<Item = (usize, impl Iterator<Item = (usize, f64)>)> {
        let product = self
            .queries
            .block(queries.clone())
            .matmul(&self.references.block(references.clone()).tr());
        self.products.resize(product.numel(), R::Real::default());
        product
            .contiguous()
            .view([-1])
            .copy_data(&mut self.products, product.numel());
        let reference_norms = &self.reference_norms[references.clone()];
        let query_norms = &self.query_norms[queries.clone()];
        let rows = self.products.chunks_exact(references.len());
        queries
            .zip(query_norms.iter().zip(rows))
            .map(move |(query, (query_norm, row))| {
                let distances = references
                    .clone()
                    .zip(reference_norms.iter().zip(row))
                    .map(move |(at, (norm, &dot))| (at, query_norm + norm - 2.0 * dot.into()));
                (query, distances)
            })
    }

    /// What an approximate squared distance of this query, or one measured
    /// anew, is off by at most.
    ///
    /// A product of rows of width n, summed in any order, is off by at most
    /// ‖q‖‖r‖ nu / (1 − nu) at a roundoff of u (Higham, Accuracy and Stability
    /// of Numerical Algorithms, 2002, section 3.1). The rest is summed in f64.
    pub(crate) fn error(&self, query: usize) -> f64 {
        let n = self.queries.width() as f64;
        let (q, r) = (self.query_norms[query].sqrt(), self.largest_norm.sqrt());
        let nu = n * R::ROUNDOFF;
        let gamma = if nu < 0.5 { nu / (1.0 - nu) } else { f64::MAX };
        2.0 * gamma * (q * r) + (n + 8.0) * f64::EPSILON * (q + r).powi(2)
    }
}
