//! Digits from a trained generator: from a cold start to the picture on the disk,
//! and in bulk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use gan_viz::thousands;
use serde::Deserialize;

use super::child::last_line;
use super::spread::{Spread, told};
use super::table::Table;
use super::{Bench, SYSTEMS};
use crate::fault::fault;
use crate::progress::say;

/// How many digits are sampled from a cold start, and in how many seconds they are
/// to be there.
const COLD: [(u64, f64); 2] = [(64, 0.5), (10_000, 3.0)];

/// Steps of a run that is trained for this alone.
const STEPS: u64 = 40;

/// All measurements.
pub struct Found {
    threads: u64,
    /// For each number of digits, seconds in order.
    cold: Vec<(u64, f64, Vec<f64>)>,
    /// For each system, forgeries a second in order.
    bulk: Vec<(String, Vec<f64>)>,
}

#[derive(Deserialize)]
struct Rate {
    images_per_second: f64,
}

/// Measures both, everything once in each round.
pub fn measure(bench: &Bench) -> Result<Found> {
    let run = match &bench.run {
        Some(run) => run.clone(),
        None => train(bench)?,
    };
    let mut cold: Vec<_> = COLD.map(|(count, goal)| (count, goal, Vec::new())).into();
    let mut bulk: Vec<_> = SYSTEMS.map(|s| (s.to_owned(), Vec::new())).into();
    // The files that a start needs are in the operating system's cache then.
    cold_start(bench, &run, 1)?;
    for round in 1..=bench.pairs {
        say(format_args!("sampling, {round} of {}", bench.pairs));
        for (count, _, seconds) in &mut cold {
            seconds.push(cold_start(bench, &run, *count)?);
        }
        for (system, rates) in &mut bulk {
            let mut command = Command::new(&bench.forger);
            command
                .args(["bench", "sampling", "--preset", system, "--device", "cpu"])
                .args(["--threads", &bench.threads.to_string()])
                .args(["--seconds", &bench.seconds.to_string()]);
            let (_, rate): (_, Rate) = last_line(&mut command)?;
            rates.push(rate.images_per_second);
        }
    }
    Ok(Found {
        threads: bench.threads,
        cold,
        bulk,
    })
}

/// A run of `modern`, trained for a moment: the time of sampling does not depend on
/// how well.
fn train(bench: &Bench) -> Result<PathBuf> {
    let run = bench.scratch.join("run");
    if run.exists() {
        fs::remove_dir_all(&run).with_context(|| format!("cannot remove {}", run.display()))?;
    }
    say("training a run to sample from");
    let mut command = Command::new(&bench.forger);
    command
        .args(["train", "--steps", &STEPS.to_string()])
        .args(["--set", "evaluate_every=0"])
        .arg("--data")
        .arg(&bench.data)
        .arg("--run")
        .arg(&run)
        .arg("--runs")
        .arg(&bench.scratch)
        .arg("--cache")
        .arg(bench.workspace.paths().cache(None));
    finish(&mut command)?;
    Ok(run)
}

/// Seconds from starting `forger sample` to its end.
fn cold_start(bench: &Bench, run: &Path, count: u64) -> Result<f64> {
    let out = bench.scratch.join("sample.png");
    let mut command = Command::new(&bench.forger);
    command
        .args(["sample", "--count", &count.to_string()])
        .args(["--threads", &bench.threads.to_string()])
        .arg("--run")
        .arg(run)
        .arg("--out")
        .arg(&out);
    let started = Instant::now();
    finish(&mut command)?;
    Ok(started.elapsed().as_secs_f64())
}

fn finish(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(fault(
        format!("{command:?} failed: {}", errors.trim_end()),
        "run that command by itself to see what it lacks",
    ))
}

/// A table for each of the two.
pub fn render(found: &Found) -> String {
    let mut cold = Table::new(&["from a cold start to a PNG", "seconds", "aim"]);
    for (count, goal, seconds) in &found.cold {
        cold.row(&[
            format!("{} digits of `modern`", thousands(*count)),
            told(Spread::of(seconds)),
            format!("under {goal}"),
        ]);
    }
    let mut bulk = Table::new(&["in bulk", "forgeries a second"]);
    for (system, rates) in &found.bulk {
        bulk.row(&[system.clone(), told(Spread::of(rates))]);
    }
    format!(
        "{}\n{}\nThreads: {}. Each from `forger sample --run RUN --count N --out FILE.png` and \
         `forger bench sampling --preset SYSTEM`.\n",
        cold.text(),
        bulk.text(),
        found.threads
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_beside_what_they_are_to_be() {
        let found = Found {
            threads: 2,
            cold: vec![(64, 0.5, vec![0.31, 0.3, 0.4]), (10_000, 3.0, vec![2.0])],
            bulk: vec![("modern".to_owned(), vec![20_000.0])],
        };
        let expected = "\
| from a cold start to a PNG | seconds | aim |
|---|---:|---:|
| 64 digits of `modern` | 0.310 (0.300 to 0.400) | under 0.5 |
| 10,000 digits of `modern` | 2.00 (2.00 to 2.00) | under 3 |

| in bulk | forgeries a second |
|---|---:|
| modern | 20,000 (20,000 to 20,000) |
";
        assert!(render(&found).starts_with(expected));
    }
}
