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
pub use error::{Error, did_you_mean, most_similar};
pub use figures::{FigureLayout, SNAPSHOT_STEPS};
pub use keys::{KEYS, Key};
pub use losses::{LOSS_INFOS, LossInfo};
pub use presets::{Conditional, Preset, preset, presets};
pub use schedule::{MomentumSchedule, Schedule, SchedulePosition};
pub use settings::{
    AdamConfig, EmaConfig, LipschitzConstraint, OptimizerConfig, Penalty, PenaltyKind, Precision,
    Pretraining, Settings, Update,
};

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
