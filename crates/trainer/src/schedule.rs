//! Schedules: how rates, batch and momentum change as training goes on.

use serde::{Deserialize, Serialize};

/// How learning rates change over the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Along half a cosine, from the full rate to a hundredth of it.
    Cosine,
    /// Full for six tenths, a tenth for two, a hundredth for the last two.
    Tenths,
    /// Full for four tenths, then a straight line to a hundredth.
    Late,
    /// Divided by 1.000004 with each update, down to a hundred-thousandth;
    /// stretching the schedule leaves this alone.
    Decay,
    /// 250 steps, 100 at a tenth of the rate, then 100 at a hundredth with
    /// batches twice as large.
    Notebook,
}

/// Where a run stands in its schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// The share of the schedule that is over, 0 to 1.
    pub done: f64,
    /// Updates made.
    pub updates: u64,
    /// Batches of originals in the whole schedule.
    pub batches: u64,
}

impl Schedule {
    /// The factor on the rates of the step that comes next.
    pub fn factor(self, at: Standing) -> f64 {
        const LAST: f64 = 0.01;
        let done = at.done.clamp(0.0, 1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Schedule::Tenths if done < 0.6 => 1.0,
            Schedule::Tenths if done < 0.8 => 0.1,
            Schedule::Tenths => 0.01,
            Schedule::Late => LAST + (1.0 - LAST) * ((1.0 - done) / 0.6).min(1.0),
            Schedule::Decay => (at.updates as f64 * -1.000_004_f64.ln()).exp().max(1e-5),
            Schedule::Notebook => [1.0, 0.1, 0.01][Notebook::of(at.batches).part(done)],
        }
    }

    /// Batches that make up the step that comes next.
    pub fn batches(self, at: Standing) -> u64 {
        match self {
            Schedule::Notebook if Notebook::of(at.batches).part(at.done) == 2 => 2,
            _ => 1,
        }
    }

    /// Steps in a schedule of so many batches.
    pub fn steps(self, batches: u64) -> u64 {
        match self {
            Schedule::Notebook => batches - Notebook::of(batches).last,
            _ => batches,
        }
    }

    /// Batches in a schedule of so many steps, and nothing where there are more
    /// than can be counted.
    pub fn batches_of(self, steps: u64) -> Option<u64> {
        match self {
            Schedule::Notebook => {
                // One batch more is at most one step more, so that no number of
                // steps is skipped.
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

/// The parts of [`Schedule::Notebook`] in whole steps.
struct Notebook {
    batches: u64,
    /// Steps at the full rate, of a batch each.
    first: u64,
    /// Steps of two batches each.
    last: u64,
}

impl Notebook {
    /// Of 550 batches 250 are for the first part and 200 for the last.
    fn of(batches: u64) -> Notebook {
        let share = |of: f64| (batches as f64 * of / 550.0).round() as u64;
        Notebook {
            batches,
            first: share(250.0),
            last: share(100.0),
        }
    }

    /// The part, 0 to 2, of the step that comes when `done` is over.
    fn part(&self, done: f64) -> usize {
        // Numbers of batches are whole; shares are off by rounding.
        let over = done * self.batches as f64 + 1e-6;
        let before_last = self.batches - (2 * self.last).min(self.batches);
        usize::from(over >= self.first as f64) + usize::from(over >= before_last as f64)
    }
}

/// Gradient descent's momentum, raised in a straight line from epoch to epoch,
/// and the same within each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Momentum {
    /// In the first epoch.
    pub first: f64,
    /// In the last of `epochs` epochs, and after.
    pub last: f64,
    /// Epochs from the first to the last value, both included.
    pub epochs: u64,
}

impl Momentum {
    /// The momentum in an epoch, counted from 0.
    pub fn at(self, epoch: u64) -> f64 {
        let steps = self.epochs.saturating_sub(1).max(1);
        let share = (epoch as f64 / steps as f64).min(1.0);
        self.first + (self.last - self.first) * share
    }
}
