//! Times of the same work over and over, after a warm-up.

use std::fs;
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

/// Rounds before anything is timed; more where they take less than
/// [`WARM_UP`].
const WARM_UP_ROUNDS: u64 = 3;
/// How long the warm-up lasts at least, unless less is to be measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// Rounds that are timed at least, however long they take.
const LEAST_ROUNDS: usize = 3;

/// How long rounds of the same work took.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    /// Rounds before the first that was timed.
    pub warm_up: u64,
    /// Seconds of each round, in order, at least three.
    pub seconds: Vec<f64>,
}

impl Rounds {
    /// Plays rounds until they have taken `budget` together, at least three;
    /// before that a warm-up. What is queued on `device` counts to the round
    /// that queued it.
    pub fn time(budget: Duration, device: Device, mut play: impl FnMut()) -> Rounds {
        let begin = Instant::now();
        let mut warm_up = 0;
        while warm_up < WARM_UP_ROUNDS || begin.elapsed() < WARM_UP.min(budget) {
            play();
            warm_up += 1;
        }
        wait_for(device);
        let begin = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < LEAST_ROUNDS || begin.elapsed() < budget {
            let started = Instant::now();
            play();
            wait_for(device);
            seconds.push(started.elapsed().as_secs_f64());
        }
        Rounds { warm_up, seconds }
    }

    /// The median round in seconds.
    pub fn median(&self) -> f64 {
        median(&self.seconds)
    }

    /// The mean round in seconds.
    pub fn mean(&self) -> f64 {
        self.seconds.iter().sum::<f64>() / self.seconds.len() as f64
    }
}

/// The middle value, the mean of the middle two where there are two; NaN for
/// none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => f64::NAN,
        Some(&upper) if sorted.len() % 2 == 1 => upper,
        Some(&upper) => (sorted[middle - 1] + upper) / 2.0,
    }
}

/// The most memory that this process ever had resident, in bytes; `None` where
/// the operating system does not say.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn wait_for(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 30.0]), 3.0);
        assert_eq!(median(&[5.0]), 5.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_budget_of_nothing_still_gives_three_rounds_after_a_warm_up() {
        let mut played = 0;
        let rounds = Rounds::time(Duration::ZERO, Device::Cpu, || played += 1);
        assert_eq!((rounds.warm_up, rounds.seconds.len(), played), (3, 3, 6));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_was_used_counts_to_the_peak_after_it_is_freed() {
        let before = peak_memory().unwrap();
        let block = std::hint::black_box(vec![1u8; 300 << 20]);
        drop(block);
        let after = peak_memory().unwrap();
        assert!(after >= before && after >= 300 << 20, "{before} {after}");
    }
}
