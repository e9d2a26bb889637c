#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod checks;
mod classes;
mod error;
mod figures;
mod keys;
mod losses;
mod presets;
mod schedule;
mod settings;

pub use classes::Classes;
pub use error::{Error, did_you_mean, nearest};
pub use figures::{FigureLayout, SNAPSHOT_STEPS};
pub use keys::{KEYS, Key};
pub use losses::{LOSSES, LossInfo};
pub use presets::{Conditional, Preset, preset, presets};
pub use schedule::{Momentum, Progress, Schedule};
pub use settings::{
    Adam, Ema, Optimizer, Penalty, PenaltyKind, Precision, Pretraining, Settings, Update,
    WeightBound,
};

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
