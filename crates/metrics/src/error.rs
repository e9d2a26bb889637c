//! What can go wrong in a measurement.

use tch::{Kind, TchError};

/// What can go wrong in a measurement: one variant per broken rule.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fewer images than the metric needs.
    #[error("{metric} needs at least {needed} {what}, but there are {found}: make or load more")]
    TooFew {
        /// The metric.
        metric: &'static str,
        /// Of what there are too few: `originals`, `forgeries`.
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
    /// A value so large that its square no longer fits in 32 bits.
    #[error(
        "the features hold {value} at row {row}, column {column}, but sizes above {} cannot be \
         measured: scale the features down",
        crate::features::LARGEST
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
    /// libtorch refused, for example for want of memory.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
