//! Trains a generator against a discriminator: losses, penalties, optimizer,
//! one step, one loop, presets.
//!
//! [`train::train`] is the whole: a run with its schedule, snapshots and checkpoints.
//! A loop of one's own takes a preset's settings and plays [`step::step`]:
//!
//! ```no_run
//! use gan_trainer::data::{Order, Originals};
//! use gan_trainer::game::Game;
//! use gan_trainer::seeds::Stream;
//! use gan_trainer::step::{Rates, step};
//! use gan_trainer::{Error, presets};
//! use mnist_io::{Dataset, Split};
//! use tch::{Device, Kind};
//!
//! fn main() -> Result<(), Error> {
//!     let Some(preset) = presets::find("golbin") else { return Ok(()) };
//!     let settings = preset.settings;
//!     let digits = Dataset::open("data/mnist".as_ref(), Split::Train)?;
//!     let pair = settings.network.build(None);
//!     let side = settings.network.side();
//!     let originals = Originals::new(&digits, digits.len(), side, pair.range, Device::Cpu)?;
//!     let mut order = Order::new(1, Stream::Order, digits.len() as u64, false);
//!     let mut game = Game::new(pair, &settings, 1, Device::Cpu, Kind::Float);
//!     let rates = Rates { d: settings.lr_d, g: settings.lr_g, momentum: 0.0 };
//!     for number in 0..1000 {
//!         let seen = number * settings.batch;
//!         let batch = originals.batch(&order.indices(number, seen, settings.batch));
//!         let report = step(&mut game, &settings, &batch, rates, false);
//!         println!("{number}: G's loss is {}", report.loss_g.double_value(&[]));
//!     }
//!     Ok(())
//! }
//! ```

#![forbid(unsafe_code)]

pub mod bench;
pub mod checkpoint;
mod checks;
pub mod classifier;
pub mod crew;
pub mod data;
pub mod forging;
pub mod game;
mod health;
pub mod keeper;
pub mod losses;
pub mod networks;
mod objective;
pub mod optimizer;
pub mod penalties;
pub mod plan;
mod players;
pub mod precision;
pub mod presets;
mod pretraining;
pub mod schedule;
pub mod seeds;
pub mod settings;
pub mod snapshots;
pub mod spectral;
pub mod step;
pub mod train;
mod turn;

use std::path::PathBuf;

/// What can go wrong in training, sampling and measuring.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings that cannot work.
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
    /// The run directory.
    #[error(transparent)]
    Run(#[from] run_dir::Error),
    /// Images of the data set or of a sample.
    #[error(transparent)]
    Images(#[from] mnist_io::Error),
    /// A loss, a weight or what an optimizer remembers is no longer finite.
    #[error("training has diverged: at step {step}, {what} is not finite")]
    Diverged {
        /// The step that showed it.
        step: u64,
        /// What it is.
        what: String,
    },
    /// Images of a size that a preset's networks, or the classifier, do not take.
    #[error("the images are {rows}x{cols}, but the networks take {side}x{side}")]
    ImageSize {
        /// Rows of the images.
        rows: usize,
        /// Columns of the images.
        cols: usize,
        /// Rows and columns that they take.
        side: usize,
    },
    /// A set without images where at least one is needed.
    #[error("there are no images")]
    NoImages,
    /// A label that is no digit, for networks that learn which digit is which.
    #[error("label {label} is no digit, and these networks know the digits 0 to 9 only")]
    Label {
        /// The label.
        label: u8,
    },
    /// A digit asked of networks that are not told which digit to forge.
    #[error("{digit}s were asked for, but this network forges whatever its latents say")]
    Unconditional {
        /// The digit.
        digit: u8,
    },
    /// A run that has saved nothing to forge with yet.
    #[error("{} holds no checkpoint yet", run.display())]
    NoCheckpoint {
        /// The run's folder.
        run: PathBuf,
    },
    /// A run whose forgeries are no images.
    #[error("{preset} forges numbers, not images; its run shows them in figures/densities.svg")]
    Numbers {
        /// The run's preset.
        preset: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Checkpoints, and none of them can be used.
    #[error(
        "no checkpoint in {} is whole; to train again from the beginning, remove that folder",
        folder.display()
    )]
    NoWholeCheckpoint {
        /// The folder of checkpoints.
        folder: PathBuf,
    },
    /// A checkpoint that could not be put into bytes.
    #[error("cannot encode what is to be kept: {0}")]
    Encode(String),
    /// Images that cannot be compared.
    #[error(transparent)]
    Metrics(#[from] gan_metrics::Error),
    /// The classifier classifier.
    #[error(transparent)]
    Classifier(#[from] gan_models::ClassifierError),
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Error {
    /// The kind of the operating system's refusal, where it was one.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        match self {
            Error::Run(error) => error.io_kind(),
            Error::Images(error) => error.io_kind(),
            Error::Metrics(error) => error.io_kind(),
            _ => None,
        }
    }
}
