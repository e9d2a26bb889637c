//! Schedules: how learning rates, batch size and momentum change during training.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// How both learning rates change over the schedule. [`Schedule::Notebook`] also changes the
/// number of images per step.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Schedule {
    /// Constant rates.
    Constant,
    /// Half a cosine, from the full rate to a hundredth of it.
    Cosine,
    /// The full rate for 60% of the schedule, a tenth for 20%, a hundredth for 20%.
    StepDecay,
    /// The full rate for 40% of the schedule, then a straight line to a hundredth.
    LinearDecay,
    /// Divided by 1.000004 after each update, down to 1e-5 of the full rate,
    /// whatever the length of the schedule.
    ExponentialDecay,
    /// KerasGAN's notebook: 250 steps, 100 at a tenth of the rate, 100 at a
    /// hundredth with batches twice as large.
    Notebook,
}

/// A position in the schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SchedulePosition {
    /// Completed fraction of the schedule, 0 to 1.
    pub fraction_done: f64,
    /// Completed steps.
    pub steps_done: u64,
    /// Batches of real images in the whole schedule.
    pub total_batches: u64,
}

impl Schedule {
    /// The factor on both learning rates for the next step, above 0 and at most 1.
    pub fn lr_factor(self, at: SchedulePosition) -> f64 {
        const LAST: f64 = 0.01;
        let done = at.fraction_done.clamp(0.0, 1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Schedule::StepDecay if done < 0.6 => 1.0,
            Schedule::StepDecay if done < 0.8 => 0.1,
            Schedule::StepDecay => 0.01,
            Schedule::LinearDecay => LAST + (1.0 - LAST) * ((1.0 - done) / 0.6).min(1.0),
            Schedule::ExponentialDecay => {
                (at.steps_done as f64 * -1.000_004_f64.ln()).exp().max(1e-5)
            }
            Schedule::Notebook => [1.0, 0.1, 0.01][Notebook::new(at.total_batches).phase(done)],
        }
    }

    /// Batches of real images in the next step, 1 or 2.
    pub fn batches_per_step(self, at: SchedulePosition) -> u64 {
        match self {
            Schedule::Notebook if Notebook::new(at.total_batches).phase(at.fraction_done) == 2 => 2,
            _ => 1,
        }
    }

    /// Steps in a schedule of `batches` batches.
    pub fn steps(self, batches: u64) -> u64 {
        match self {
            Schedule::Notebook => batches - Notebook::new(batches).double_batch_steps,
            _ => batches,
        }
    }

    /// Batches in a schedule of `steps` steps; `None` if the number overflows.
    pub fn batches_for_steps(self, steps: u64) -> Option<u64> {
        match self {
            Schedule::Notebook => {
                // One more batch adds at most one step, so every number of steps
                // has a number of batches.
                let mut batches = steps.checked_mul(11)? / 9;
                while self.steps(batches) < steps {
                    batches += 1;
                }
                while self.steps(batches) > steps {
                    batches -= 1;
                }
                Some(batches)
            }
            _ => Some(steps),
        }
    }
}

/// The phases of [`Schedule::Notebook`] in whole steps.
struct Notebook {
    batches: u64,
    /// Steps at the full rate, one batch each.
    full_rate_steps: u64,
    /// Steps at a hundredth of the rate, two batches each.
    double_batch_steps: u64,
}

impl Notebook {
    /// 250 of 550 batches belong to the first phase and 200 to the last.
    fn new(batches: u64) -> Notebook {
        let scaled = |steps: f64| (batches as f64 * steps / 550.0).round() as u64;
        Notebook { batches, full_rate_steps: scaled(250.0), double_batch_steps: scaled(100.0) }
    }

    /// The phase, 0 to 2, of the step after this fraction of the schedule.
    fn phase(&self, fraction_done: f64) -> usize {
        // Add 1e-6, because the product has rounding errors.
        let finished = fraction_done * self.batches as f64 + 1e-6;
        let before_last = self.batches - (2 * self.double_batch_steps).min(self.batches);
        usize::from(finished >= self.full_rate_steps as f64)
            + usize::from(finished >= before_last as f64)
    }
}

/// The momentum of gradient descent. It rises in a straight line from epoch to
/// epoch and is constant within each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MomentumSchedule {
    /// In the first epoch, at least 0 and below 1.
    pub first: f64,
    /// In the last of `epochs` epochs and after it, at least 0 and below 1.
    pub last: f64,
    /// Epochs from the first to the last value, both included.
    pub epochs: u64,
}

impl MomentumSchedule {
    /// The momentum in an epoch, counted from 0.
    pub fn at(self, epoch: u64) -> f64 {
        let steps = self.epochs.saturating_sub(1).max(1);
        let share = (epoch as f64 / steps as f64).min(1.0);
        self.first + (self.last - self.first) * share
    }
}
