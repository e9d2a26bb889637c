//! What can go wrong in a measurement.

use mnist_io::Images;
use tch::{Kind, TchError};

/// What can go wrong in a measurement: one variant per broken rule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer images than the metric needs.
    #[error("{metric} needs at least {needed} {what}, but there are {found}: make or load more")]
    TooFew {
        /// The metric.
        metric: &'static str,
        /// Of what there are too few: `real`, `fake`.
        what: &'static str,
        /// The least number that will do.
        needed: usize,
        /// The number given.
        found: usize,
    },
    /// NaN or an infinite value.
    #[error(
        "the features hold {value} at row {row}, column {column}, but only finite numbers can be \
         measured: check the images and the network that they came from"
    )]
    NotFinite {
        /// The image, counted from 0.
        row: usize,
        /// The feature, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// A value above [`LARGEST`](crate::LARGEST) in size.
    #[error(
        "the features hold {value:e} at row {row}, column {column}, but sizes above 1e18 cannot be \
         measured: scale the features down"
    )]
    TooLarge {
        /// The image, counted from 0.
        row: usize,
        /// The feature, counted from 0.
        column: usize,
        /// What stands there.
        value: f32,
    },
    /// A tensor of features that is not `[n, d]` with `d` of at least 1.
    #[error("features must have the shape [n, d] with d of at least 1, but these have {shape:?}")]
    Shape {
        /// The tensor's shape.
        shape: Vec<i64>,
    },
    /// A tensor of features that holds no floating-point numbers.
    #[error("features must be floating-point numbers, but these are {kind:?}")]
    NotFloat {
        /// The tensor's kind.
        kind: Kind,
    },
    /// Values that make no whole number of rows.
    #[error("{values} values make no whole number of rows of {width}")]
    RowLength {
        /// Number of values.
        values: usize,
        /// Features to a row.
        width: usize,
    },
    /// Two sides with different numbers of features.
    #[error(
        "one side has {left} features an image, the other {right}: both must come from the same \
         network"
    )]
    Width {
        /// Features of one side.
        left: usize,
        /// Features of the other.
        right: usize,
    },
    /// Two sides with images of different sizes.
    #[error(
        "one side's images are {}x{}, the other's {}x{}: both must have one size",
        left.0, left.1, right.0, right.1
    )]
    ImageSize {
        /// Rows and columns of one side.
        left: (usize, usize),
        /// Rows and columns of the other.
        right: (usize, usize),
    },
    /// Balls that reach to no neighbour.
    #[error("k must be at least 1: a ball reaches to its centre's k-th nearest neighbour")]
    Neighbors,
    /// Subsets that cannot be compared.
    #[error("{subsets} subsets of {size} were asked for, but at least 1 of 2 are needed")]
    Subsets {
        /// Number of subsets.
        subsets: usize,
        /// Images in each.
        size: usize,
    },
    /// A stored mean and covariance that do not belong together.
    #[error(
        "a mean must be [d] and its covariance [d, d], symmetric, all finite: measure the \
         statistics anew"
    )]
    Statistics,
    /// Predictions on something else than digits.
    #[error("predictions need 10 logits an image, one a digit, but there are {width}")]
    Predictions {
        /// Logits to an image.
        width: usize,
    },
    /// A share that is none.
    #[error("a share must lie above 0 and be at most 1, but this is {share}")]
    Share {
        /// The share.
        share: f64,
    },
    /// A distance that is none.
    #[error("distance {row} is {value}, but distances are finite and at least 0")]
    Distance {
        /// Its place, counted from 0.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// Windows without a usable width: above 0, with a square that is a normal
    /// number of 64 bits.
    #[error(
        "the width of windows must lie between about 1e-154 and 1e154, but {}",
        sigma.map_or("none was given".to_owned(), |sigma| format!("one is {sigma}"))
    )]
    Sigma {
        /// The width, if there was one.
        sigma: Option<f64>,
    },
    /// No cells to compare in, or more than there are images.
    #[error("{cells} cells cannot be made of {images} training images: at least 1 image a cell")]
    Cells {
        /// Number of cells.
        cells: usize,
        /// Number of training images.
        images: usize,
    },
    /// No cell holds enough fake and any test image.
    #[error(
        "none of {cells} cells holds a test image and at least {needed} fake: use fewer cells \
         or more fake"
    )]
    NoCell {
        /// Number of cells.
        cells: usize,
        /// The least number of fake.
        needed: usize,
    },
    /// Cells that are not one for each image.
    #[error("there are {cells} cells for {images} images, but each image lies in one")]
    CellCount {
        /// Number of cells given.
        cells: usize,
        /// Number of images.
        images: usize,
    },
    /// A cell with images but no training image to measure distances to.
    #[error("cell {cell} holds images but no training image: use fewer cells")]
    EmptyCell {
        /// The cell.
        cell: usize,
    },
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Fails unless there are `needed` of `what`.
pub(crate) fn at_least(
    needed: usize,
    found: usize,
    metric: &'static str,
    what: &'static str,
) -> Result<()> {
    if found < needed {
        return Err(Error::TooFew {
            metric,
            what,
            needed,
            found,
        });
    }
    Ok(())
}

/// Fails unless both sides' images have one size.
pub(crate) fn same_size(left: &Images, right: &Images) -> Result<()> {
    let [left, right] = [left, right].map(|images| (images.rows(), images.cols()));
    if left != right {
        return Err(Error::ImageSize { left, right });
    }
    Ok(())
}
