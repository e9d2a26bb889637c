//! Errors of metrics and evaluations.

use std::path::PathBuf;

use mnist_io::Images;
use run_dir::INCEPTION_SHA256;
use tch::{Kind, TchError};

/// An error of a metric or an evaluation: one variant per broken rule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer images than the metric needs.
    #[error(
        "at least {needed} {what} are necessary for {metric}, and the set has {found}: generate or load more"
    )]
    TooFew {
        /// The metric.
        metric: &'static str,
        /// The set that is too small: `real images`, `fake images`.
        what: &'static str,
        /// The least number of images.
        needed: usize,
        /// The number of images given.
        found: usize,
    },
    /// NaN, or a value above [`MAX_ABS_FEATURE`](crate::MAX_ABS_FEATURE) in size.
    #[error(
        "the features hold {value:e} at row {row}, column {column}, but only finite numbers up to \
         1e18 in size can be measured: check the images and the network that they came from"
    )]
    OutOfRange {
        /// The image, counted from 0.
        row: usize,
        /// The feature, counted from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A tensor of features that is not floating-point `[n, d]` with `d` of at least 1.
    #[error(
        "features must be floating-point numbers [n, d] with d of at least 1, but these are \
         {kind:?} {shape:?}"
    )]
    NotFeatures {
        /// The tensor's kind.
        kind: Kind,
        /// The tensor's shape.
        shape: Vec<i64>,
    },
    /// Values that do not fill whole rows.
    #[error("{values} values do not fill whole rows of {width}")]
    RowLength {
        /// Number of values.
        values: usize,
        /// Features per row.
        width: usize,
    },
    /// Two sets with different numbers of features.
    #[error(
        "one set has {left} features an image, the other {right}: both must come from the same \
         network"
    )]
    Width {
        /// Features of one set.
        left: usize,
        /// Features of the other.
        right: usize,
    },
    /// Two sets with images of different sizes.
    #[error(
        "the images of one set are {}x{}, of the other {}x{}: both must have the same size",
        left.0, left.1, right.0, right.1
    )]
    ImageSize {
        /// Rows and columns of one set.
        left: (usize, usize),
        /// Rows and columns of the other.
        right: (usize, usize),
    },
    /// A k of 0 for nearest neighbors.
    #[error("k is 0, but the radius of a ball is the distance to the k-th nearest neighbor")]
    Neighbors,
    /// Subsets that cannot be compared.
    #[error("there are {subsets} subsets of {size} images, but at least 1 subset of 2 is needed")]
    Subsets {
        /// Number of subsets.
        subsets: usize,
        /// Images in each.
        size: usize,
    },
    /// A stored mean and covariance that do not belong together.
    #[error(
        "a mean must be [d] and its covariance [d, d], symmetric, all finite: compute the \
         statistics again"
    )]
    Statistics,
    /// Logits for another number of classes than 2 to 256.
    #[error("predictions need 2 to 256 logits an image, one per class, but there are {width}")]
    Predictions {
        /// Logits of an image.
        width: usize,
    },
    /// A distance that is negative or not finite.
    #[error("distance {row} is {value}, but distances are finite and at least 0")]
    Distance {
        /// Its index, counted from 0.
        row: usize,
        /// The value.
        value: f64,
    },
    /// No bandwidth of windows, or one that is 0 or less, or whose square is not a normal f64.
    #[error(
        "the bandwidth of windows must lie between about 1e-154 and 1e154, but {}",
        bandwidth.map_or("none was given".to_owned(), |bandwidth| format!("one is {bandwidth}"))
    )]
    Bandwidth {
        /// The bandwidth, if there was one.
        bandwidth: Option<f64>,
    },
    /// No cells, or more cells than images.
    #[error("{cells} cells cannot be made of {images} training images: at least 1 image a cell")]
    Cells {
        /// Number of cells.
        cells: usize,
        /// Number of training images.
        images: usize,
    },
    /// No cell with enough fake images and any test image.
    #[error(
        "none of {cells} cells holds a test image and at least {needed} fake images: use fewer \
         cells or more fake images"
    )]
    NoCell {
        /// Number of cells.
        cells: usize,
        /// The least number of fake images.
        needed: usize,
    },
    /// Another number of cell indices than images.
    #[error("there are {cells} cell indices for {images} images, but each image lies in one cell")]
    CellCount {
        /// Number of cell indices.
        cells: usize,
        /// Number of images.
        images: usize,
    },
    /// A cell with images but without training images to measure distances to.
    #[error("cell {cell} holds images but no training image: use fewer cells")]
    EmptyCell {
        /// The cell.
        cell: usize,
    },
    /// A set without images.
    #[error("there are no images")]
    NoImages,
    /// Images that are not 28×28.
    #[error("the images are {rows}x{cols}, but 28x28 are compared: resize them first")]
    NotMnistSize {
        /// Rows of the images.
        rows: usize,
        /// Columns of the images.
        cols: usize,
    },
    /// Another number of requested classes than of samples.
    #[error(
        "there are {classes} requested classes for {samples} samples: give one for each sample"
    )]
    RequestedClasses {
        /// Number of requested classes.
        classes: usize,
        /// Number of samples.
        samples: usize,
    },
    /// A data set for which the features of the classifier are not meaningful.
    #[error(transparent)]
    UnreliableFeatures(UnreliableFeatures),
    /// The classifier.
    #[error(transparent)]
    Classifier(#[from] gan_models::ClassifierError),
    /// The FID of published tables without its network.
    #[error("the metric inception needs InceptionV3: add it with Evaluator::with_inception")]
    NoInception,
    /// The file of InceptionV3 cannot be read.
    #[error(transparent)]
    InceptionFile(mnist_io::Error),
    /// The file of InceptionV3 is another file.
    #[error(
        "{} is not the network of published FIDs: its SHA-256 is {found}, not {INCEPTION_SHA256}",
        path.display()
    )]
    InceptionHash {
        /// The file.
        path: PathBuf,
        /// SHA-256 of its content.
        found: String,
    },
    /// InceptionV3 returned another shape.
    #[error("InceptionV3 returned features of shape {found:?}, not {expected:?}")]
    InceptionShape {
        /// The shape returned.
        found: Vec<i64>,
        /// The shape expected.
        expected: [i64; 2],
    },
    /// Statistics that cannot be encoded for the cache.
    #[error("cannot encode the statistics of the data set: {0}")]
    Cache(String),
    /// An error of libtorch.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

impl Error {
    /// Whether more images, or images of another kind, are needed.
    pub(crate) fn is_missing_data(&self) -> bool {
        matches!(
            self,
            Error::TooFew { .. }
                | Error::NoCell { .. }
                | Error::Cells { .. }
                | Error::UnreliableFeatures(_)
        )
    }
}

/// The reason why the features of the classifier are not meaningful for a data set.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum UnreliableFeatures {
    /// The classifier does not recognize the test images.
    #[error(
        "the classifier was trained on MNIST's digits and recognizes only {:.0}% of these test images; train one for them with `cargo xtask \
         train-classifier --data DIR`, for `evaluate --classifier FILE`",
        accuracy * 100.0
    )]
    Misclassified {
        /// The share of test images that it classifies as labeled.
        accuracy: f64,
    },
    /// The test images have no labels, so the classes that the classifier finds mean nothing.
    #[error("the test images have no labels, so the accuracy of the classifier on them is unknown")]
    NoLabels,
    /// There are too few test images.
    #[error("{found} test images are too few")]
    TooFew {
        /// Number of test images.
        found: usize,
    },
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
        return Err(Error::TooFew { metric, what, needed, found });
    }
    Ok(())
}

/// Fails unless the images of both sets have the same size.
pub(crate) fn same_size(left: &Images, right: &Images) -> Result<()> {
    let [left, right] = [left, right].map(|images| (images.rows(), images.cols()));
    if left != right {
        return Err(Error::ImageSize { left, right });
    }
    Ok(())
}
