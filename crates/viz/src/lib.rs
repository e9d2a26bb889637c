//! Pictures of GAN training: image grids, labeled strips, animations, curves and
//! densities, as pieces to import and as all figures of a run.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod animation;
mod canvas;
mod color;
mod curve;
mod densities;
pub mod figures;
mod grid;
mod log_axis;
mod losses;
mod moments;
mod nearest;
mod number;
mod palette;
mod plot;
mod quality;
mod raster;
mod strip;

pub use animation::{Frame, Timing, write_apng, write_gif};
pub use canvas::Canvas;
pub use color::ColorCanvas;
pub use densities::{densities, density_frames};
pub use grid::{GridStyle, grid, square_columns};
pub use losses::losses;
pub use nearest::nearest;
pub use number::thousands;
pub use quality::quality;
pub use strip::{StripStyle, originals_vs_forgeries, strip};

use std::path::PathBuf;

/// What can go wrong in drawing; whatever comes from a file names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to draw: no images, no frames, or a side of 0 pixels.
    #[error("there are no images to draw")]
    Empty,
    /// The picture would be larger than this crate or the format can hold.
    #[error(
        "a picture of {width}x{height} pixels is too large; draw fewer images or at a smaller scale"
    )]
    TooLarge {
        /// Width in pixels, `usize::MAX` where it cannot be counted.
        width: usize,
        /// Height in pixels, `usize::MAX` where it cannot be counted.
        height: usize,
    },
    /// The frames of an animation do not all have one size.
    #[error("frames of one animation differ in size: {}x{} and {}x{}", first.0, first.1, other.0, other.1)]
    FramesDiffer {
        /// Width and height of the first frame, in pixels.
        first: (usize, usize),
        /// Width and height of the first frame that differs, in pixels.
        other: (usize, usize),
    },
    /// Forgeries and the images nearest to them differ in size.
    #[error(
        "forgeries of {}x{} cannot stand beside images of {}x{}",
        forgeries.0, forgeries.1, nearest.0, nearest.1
    )]
    SizesDiffer {
        /// Rows and columns of the forgeries, in pixels.
        forgeries: (usize, usize),
        /// Rows and columns of the images nearest to them, in pixels.
        nearest: (usize, usize),
    },
    /// A run has neither snapshots nor densities yet.
    #[error("{} holds no snapshots yet; let the run train until its first one", path.display())]
    NoSnapshots {
        /// The run's folder for them.
        path: PathBuf,
    },
    /// A file of images holds none.
    #[error("{} holds no images", path.display())]
    NoImages {
        /// The file.
        path: PathBuf,
    },
    /// Two files of one run hold images of different shapes.
    #[error(
        "{} holds {found} but {} holds {expected}; files of one run must agree",
        path.display(), other.display()
    )]
    ShapesDiffer {
        /// The file that differs.
        path: PathBuf,
        /// What it holds, as `64 images of 28x28`.
        found: String,
        /// The file it was compared with.
        other: PathBuf,
        /// What that one holds.
        expected: String,
    },
    /// The plotting library refused to draw.
    #[error("cannot plot: {reason}")]
    Plot {
        /// Its reason.
        reason: String,
    },
    /// An IDX file could not be read.
    #[error(transparent)]
    Idx(#[from] mnist_io::Error),
    /// The run directory could not be read or written.
    #[error(transparent)]
    Run(#[from] run_dir::Error),
}

impl Error {
    /// The kind of the operating system's refusal, where it was one.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Error::Idx(error) => error.io_kind(),
            Error::Run(error) => error.io_kind(),
            _ => None,
        }
    }
}

/// A result whose error is this crate's [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;
