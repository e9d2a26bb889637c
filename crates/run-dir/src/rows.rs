//! The rows of a run's append-only files, one JSON object a line.

use serde::{Deserialize, Deserializer, Serialize};

/// One report of the training loop.
///
/// The numbers are those of the step named, not averages since the last row.
/// JSON has no infinities and no NaN: such a loss is written as `null` and read
/// back as NaN, so that a run that diverged can still be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// Steps finished; a step is one update of D and one of G.
    pub step: u64,
    /// Originals shown to D so far.
    pub images_seen: u64,
    /// Seconds of training so far, pauses for pictures excluded.
    pub seconds: f64,
    /// D's loss, as the preset's loss defines it.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_d: f64,
    /// G's loss, as the preset's loss defines it.
    #[serde(deserialize_with = "null_as_nan")]
    pub loss_g: f64,
    /// Share of this step's originals that D calls originals, 0 to 1.
    pub real_called_real: f64,
    /// Share of this step's forgeries that D calls originals, 0 to 1.
    pub fake_called_real: f64,
    /// D's learning rate in this step.
    pub lr_d: f64,
    /// G's learning rate in this step.
    pub lr_g: f64,
}

fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
