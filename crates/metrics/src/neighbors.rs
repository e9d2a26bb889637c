//! Exact distances between all rows of two sets, nearest neighbors, and balls around rows.
//!
//! Distances of features are sums of squared differences in f64. Exchanging both rows gives the
//! same to the last bit, and equal rows have distance 0. Squared distances of pixels are whole
//! numbers, computed by matrix products: ‖q − r‖² = ‖q‖² + ‖r‖² − 2 q·r.

use mnist_io::Images;
use tch::{Kind, Tensor};

use crate::Result;
use crate::error::{at_least, same_size};
use crate::features::{Features, blocks};

/// Rows compared with all others at a time: with 60,000 others, 61 MB of distances.
const BLOCK: usize = 128;

/// Images of up to this many pixels have exact products in f32: a sum of so many products of
/// pixels less 128 is at most 128² · 1024 = 2²⁴, and f32 holds every whole number up to it.
const EXACT_PIXELS: i64 = 1024;

/// Rows of numbers `[n, d]`.
pub(crate) enum Rows {
    /// f64.
    Features(Tensor),
    /// Pixels less 128, which changes no distance.
    Pixels(Tensor),
}

impl From<&Features> for Rows {
    fn from(features: &Features) -> Rows {
        Rows::Features(features.tensor())
    }
}

impl From<&Images> for Rows {
    fn from(images: &Images) -> Rows {
        let width = (images.rows() * images.cols()) as i64;
        let kind = if width <= EXACT_PIXELS { Kind::Float } else { Kind::Double };
        let pixels = Tensor::from_slice(images.pixels()).view([images.len() as i64, width]);
        Rows::Pixels(pixels.to_kind(kind) - 128.0)
    }
}

impl Rows {
    fn values(&self) -> &Tensor {
        let (Rows::Features(values) | Rows::Pixels(values)) = self;
        values
    }

    pub(crate) fn len(&self) -> usize {
        self.values().size()[0] as usize
    }

    pub(crate) fn width(&self) -> usize {
        self.values().size()[1] as usize
    }

    /// Squared distances to all `others`, a block of rows at a time: f64 `[block, others]`. Both
    /// sets must be images of one size, or features of one
    /// width.
    pub(crate) fn squared_distances(&self, others: &Rows) -> impl Iterator<Item = Tensor> {
        let squares = |rows: &Tensor| rows.square().sum_dim_intlist(1, false, Kind::Double);
        let norms = matches!(others, Rows::Pixels(_)).then(|| squares(others.values()));
        blocks(self.len(), BLOCK).map(move |rows| {
            let block = self.values().narrow(0, rows.start as i64, rows.len() as i64);
            match &norms {
                Some(norms) => {
                    let products = (&block * -2.0).matmul(&others.values().tr());
                    let mut squared = products.to_kind(Kind::Double);
                    squared += norms;
                    squared += squares(&block).unsqueeze(1);
                    squared
                }
                // Mode 2: no matrix product, which would round.
                None => Tensor::cdist(&block, others.values(), 2.0, 2).square_(),
            }
        })
    }
}

/// The nearest row to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Index of the row, counted from 0.
    pub index: usize,
    /// Euclidean distance, in the units of the values compared.
    pub distance: f64,
}

/// For each query image, the nearest reference image: the one with the smallest Euclidean
/// distance of pixels, in gray levels of 0 to 255. Among equally near images the first one
/// counts. Squared distances are exact whole numbers.
///
/// # Errors
/// [`Error::ImageSize`](crate::Error::ImageSize) for images of different sizes;
/// [`Error::TooFew`](crate::Error::TooFew) without reference images.
pub fn nearest(queries: &Images, references: &Images) -> Result<Vec<Neighbor>> {
    same_size(queries, references)?;
    nearest_rows(&queries.into(), &references.into())
}

/// The same for features: for each row of `queries`, the nearest row of `references`.
/// Among equally near rows the first one counts.
///
/// # Errors
/// [`Error::Width`](crate::Error::Width);
/// [`Error::TooFew`](crate::Error::TooFew) without references.
pub fn nearest_features(queries: &Features, references: &Features) -> Result<Vec<Neighbor>> {
    queries.same_width(references)?;
    nearest_rows(&queries.into(), &references.into())
}

fn nearest_rows(queries: &Rows, references: &Rows) -> Result<Vec<Neighbor>> {
    at_least(1, references.len(), "the search for the nearest image", "reference images")?;
    let mut found = Vec::with_capacity(queries.len());
    for squared in queries.squared_distances(references) {
        let (squared, indices) = squared.min_dim(1, false);
        let pairs = Vec::<f64>::try_from(squared)?.into_iter().zip(Vec::<i64>::try_from(indices)?);
        found.extend(
            pairs.map(|(squared, index)| Neighbor {
                index: index as usize,
                distance: squared.sqrt(),
            }),
        );
    }
    Ok(found)
}

/// Balls around the rows of `centers`. The radius of each is the distance to the `k`-th nearest
/// other center.
pub(crate) struct Balls {
    centers: Rows,
    /// f64 `[n]`.
    squared_radii: Tensor,
}

impl Balls {
    /// `k` must be at least 1, and less than the number of centers.
    pub(crate) fn new(centers: &Features, k: usize) -> Balls {
        let centers = Rows::from(centers);
        let kth: Vec<Tensor> = centers
            .squared_distances(&centers)
            // The nearest of all is the center itself, or a row equal to it.
            .map(|squared| squared.kthvalue(k as i64 + 1, 1, false).0)
            .collect();
        Balls { squared_radii: Tensor::cat(&kth, 0), centers }
    }

    /// The number of balls that contain each of the `rows`, and of rows in each ball: i64 `[m]`
    /// and `[n]`. `inside` compares squared distances `[block, n]` with squared radii `[n]`.
    pub(crate) fn count(
        &self,
        rows: &Features,
        inside: fn(&Tensor, &Tensor) -> Tensor,
    ) -> (Tensor, Tensor) {
        let mut balls_of_row = Vec::new();
        let mut rows_of_ball = Tensor::zeros_like(&self.squared_radii).to_kind(Kind::Int64);
        for squared in Rows::from(rows).squared_distances(&self.centers) {
            let inside = inside(&squared, &self.squared_radii);
            balls_of_row.push(inside.sum_dim_intlist(1, false, Kind::Int64));
            rows_of_ball += inside.sum_dim_intlist(0, false, Kind::Int64);
        }
        (Tensor::cat(&balls_of_row, 0), rows_of_ball)
    }
}

/// The share of `counts` above 0.
pub(crate) fn share_above_zero(counts: &Tensor) -> f64 {
    counts.gt(0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
}

#[cfg(test)]
mod tests;
