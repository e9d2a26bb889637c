//! The errors of this crate.

use std::path::PathBuf;

/// A result with this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of drawing. Messages about a file contain its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no images, no frames, or a side of 0 pixels.
    #[error("there are no images to draw")]
    Empty,
    /// The picture exceeds the limit of this crate or of the format.
    #[error(
        "a picture of {width}x{height} pixels is too large; draw fewer images or at a smaller scale"
    )]
    TooLarge {
        /// Width in pixels, `usize::MAX` after an overflow.
        width: usize,
        /// Height in pixels, `usize::MAX` after an overflow.
        height: usize,
    },
    /// The frames of an animation, or samples and their nearest images, have
    /// different sizes.
    #[error(
        "all images must have one size, but one is {}x{} pixels and another {}x{}",
        first.0, first.1, other.0, other.1
    )]
    SizesDiffer {
        /// Width and height of the first image, in pixels.
        first: (usize, usize),
        /// Width and height of the first image that differs, in pixels.
        other: (usize, usize),
    },
    /// A run has neither snapshots nor densities yet.
    #[error("{} contains no snapshots yet; let the run train until its first one", path.display())]
    NoSnapshots {
        /// The run's folder for snapshots.
        path: PathBuf,
    },
    /// A file of images contains none.
    #[error("{} contains no images", .0.display())]
    NoImages(PathBuf),
    /// Two files of one run contain images of different shapes.
    #[error(
        "{} contains {found} but {} contains {expected}; the files of a run must agree",
        path.display(), other.display()
    )]
    ShapesDiffer {
        /// The file with another shape.
        path: PathBuf,
        /// Its content, as `64 images of 28x28`.
        found: String,
        /// The file with the expected shape.
        other: PathBuf,
        /// The content of `other`.
        expected: String,
    },
    /// The plotting library failed with this message.
    #[error("cannot plot: {0}")]
    Plot(String),
    /// The page could not be written.
    #[error("cannot write the page: {0}")]
    Page(String),
    /// A network's file is invalid.
    #[error(
        "{}: {reason}; remove it, and the page is written without this network",
        path.display()
    )]
    Graph {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// An IDX file could not be read.
    #[error(transparent)]
    Idx(#[from] mnist_io::Error),
    /// The run directory could not be read or written.
    #[error(transparent)]
    Run(#[from] run_dir::Error),
}
