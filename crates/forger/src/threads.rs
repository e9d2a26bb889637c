//! The number of threads that libtorch computes with.

use std::fs;
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use anyhow::{Result, bail};
use gan_cli::output;
use gan_trainer::TrainConfig;

/// How long the processor is observed before training.
const OBSERVED: Duration = Duration::from_millis(200);

/// Sets the number of threads: `typed`, else the first number of `OMP_NUM_THREADS`, else one per
/// core that this process may use. Its affinity and the quota of its cgroup count. Returns it.
pub fn set(typed: Option<u64>) -> Result<u64> {
    let cores = cores();
    let threads = typed.or_else(omp_num_threads).unwrap_or(cores);
    if !(1..=1024).contains(&threads) {
        bail!("--threads {threads}: it must be from 1 to 1024; this machine has {cores} cores");
    }
    tch::set_num_threads(threads as i32);
    Ok(threads)
}

/// The same for training. Where the user sets no number, fewer threads than cores compute if
/// more would wait for each other.
pub fn set_for_training(typed: Option<u64>, config: &TrainConfig) -> Result<u64> {
    let cores = cores();
    if typed.or_else(omp_num_threads).is_some() || config.data_parallel() {
        return set(typed);
    }
    if config.has_short_steps() {
        return set(Some(1));
    }
    let busy = busy_cores().unwrap_or(0);
    let threads = threads_for(cores, busy);
    if threads < cores {
        output::eprint_line(format_args!(
            "other programs use {busy} of {cores} cores: training with threads: {threads}, \
             because more would wait for each other; --threads {cores} uses every core"
        ));
    }
    set(Some(threads))
}

/// The cores that this process may use.
fn cores() -> u64 {
    available_parallelism().map_or(1, |n| n.get() as u64)
}

/// The number of threads that other programs do not interrupt.
fn threads_for(cores: u64, busy: u64) -> u64 {
    cores.saturating_sub(busy).max(1)
}

/// The number of threads in the environment of OpenMP programs.
fn omp_num_threads() -> Option<u64> {
    parse_omp(&std::env::var("OMP_NUM_THREADS").ok()?)
}

/// The first number of a list such as `4,2`.
fn parse_omp(list: &str) -> Option<u64> {
    let first = list.split(',').next()?.trim().parse().ok();
    first.filter(|threads| (1..=1024).contains(threads))
}

/// The cores that other programs use now; `None` where Linux's `/proc/stat` is missing, and
/// where this process may use a part of the cores only, perhaps the free ones.
fn busy_cores() -> Option<u64> {
    let read = || fs::read_to_string("/proc/stat").ok();
    let before = read()?;
    sleep(OBSERVED);
    let (busy, of) = busy_between(&before, &read()?)?;
    (of == cores()).then_some(busy.round() as u64)
}

/// The mean number of busy cores between two readings of `/proc/stat`, and the number of cores.
fn busy_between(before: &str, after: &str) -> Option<(f64, u64)> {
    // Columns of `cpu`: user, nice, system, idle, iowait, irq, softirq, steal.
    let times = |text: &str| -> Option<(u64, u64)> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Option<Vec<u64>> =
            line.split_whitespace().take(8).map(|n| n.parse().ok()).collect();
        let ticks = ticks.filter(|ticks| ticks.len() == 8)?;
        Some((ticks[3] + ticks[4], ticks.iter().sum()))
    };
    let ((idle, all), (idle_after, all_after)) = (times(before)?, times(after)?);
    let passed = all_after.checked_sub(all).filter(|ticks| *ticks > 0)?;
    let idle = idle_after.saturating_sub(idle).min(passed);
    let is_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let cores = after.lines().filter(is_core).count() as u64;
    Some(((passed - idle) as f64 / passed as f64 * cores as f64, cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omp_num_threads_is_the_first_number_of_a_list() {
        assert_eq!(parse_omp("3"), Some(3));
        assert_eq!(parse_omp(" 4,2 "), Some(4));
        for other in ["", "0", "-1", "many", "2000", ",2"] {
            assert_eq!(parse_omp(other), None, "{other:?}");
        }
    }

    #[test]
    fn busy_cores_are_the_time_that_is_not_idle() {
        let stat = |user: u64, idle: u64| {
            format!("cpu  {user} 0 5 {idle} 10 0 0 1 0 0\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\nctxt 9\n")
        };
        let busy =
            |user: u64, idle: u64| busy_between(&stat(100, 1000), &stat(100 + user, 1000 + idle));
        assert_eq!(busy(20, 60), Some((1.0, 4)));
        assert_eq!(busy(80, 0), Some((4.0, 4)));
        assert_eq!(busy(0, 80), Some((0.0, 4)));
        // No time passed, or another format.
        assert_eq!(busy(0, 0), None);
        assert_eq!(busy_between("cpu  1 2", "cpu  2 3"), None);
        assert_eq!(busy_between("", ""), None);
    }

    #[test]
    fn at_least_one_thread_and_one_per_free_core_train() {
        let chosen = |busy| threads_for(4, busy);
        assert_eq!([0, 1, 3, 4, 9].map(chosen), [4, 3, 1, 1, 1]);
    }
}
