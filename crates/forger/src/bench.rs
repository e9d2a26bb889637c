//! `forger bench`: one measurement of `cargo xtask bench`, printed as one JSON object.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gan_cli::Paths;
use gan_cli::bench::{Measure, MeasureArgs, StepsArgs, SystemArgs};
use gan_config::{Precision, Schedule, Settings, preset};
use gan_models::modern;
use gan_trainer::{Gan, RandomStream, TrainConfig, TrainData, Trainer, dtype};
use mnist_io::{Dataset, Split};
use serde_json::{Value, json};
use tch::{Cuda, Device, Kind, Tensor, no_grad};

use crate::flops::step_flops;
use crate::{machine, output, threads};

/// Images in a round of `sampling`.
const SAMPLES: u64 = 1000;
/// Images, channels (in and out) and side of the measured 3×3 convolution. It is large enough
/// for every thread and small enough for the caches.
const CONVOLUTION: (i64, i64, i64) = (64, 256, 14);
/// Rows and columns of the measured matrix product.
const MATRIX: i64 = 2048;

/// Runs the command.
pub fn run(measure: &Measure) -> Result<ExitCode> {
    let setup = Setup::new(match measure {
        Measure::Steps(args) => &args.system.measure,
        Measure::Peak(args) => args,
        Measure::Sampling(args) => &args.measure,
    })?;
    let mut measured = match measure {
        Measure::Steps(args) => steps(args, &setup)?,
        Measure::Peak(_) => peak(&setup)?,
        Measure::Sampling(args) => sampling(args, &setup)?,
    };
    measured["threads"] = json!(setup.threads);
    measured["precision"] = json!(<&str>::from(setup.precision));
    measured["device"] = json!(gan_trainer::device_name(setup.device));
    measured["peak_memory_bytes"] = json!(peak_memory());
    output::print_line(measured)?;
    Ok(ExitCode::SUCCESS)
}

fn steps(args: &StepsArgs, setup: &Setup) -> Result<Value> {
    let name = args.system.preset.as_str();
    let mut settings = preset(name)?.settings.clone();
    settings.batch = args.batch.unwrap_or(settings.batch);
    // All steps have the learning rate of the first.
    settings.schedule = Schedule::Constant;
    settings.images = i64::MAX as u64;
    let path = Paths::from_env().data(args.data.as_deref());
    let training =
        Dataset::open(&path, Split::Train).with_context(|| format!("--data {}", path.display()))?;
    // The time of a step does not depend on the size of the training set.
    settings.train_images = Some(settings.epoch_size(training.len() as u64));
    let data = TrainData::new(training)?;
    let mut config = TrainConfig {
        device: setup.device,
        dtype: dtype(setup.precision),
        ..TrainConfig::by_name(settings, name, &data)?
    };
    match (args.width, name) {
        (1, _) => {}
        (width, "modern") if (1..=16).contains(&width) => config.networks = modern::wide(width),
        (width, _) => bail!("--width {width}: only modern can be wider, 1 to 16 times"),
    }
    config.validate(&data)?;
    let flops = step_flops(name, &config);
    let mut trainer = Trainer::new(&config, &data)?;
    drop(data);
    let period = penalty_period(&config.settings);
    let timings = Timings::measure(setup.budget, setup.device, || {
        (0..period).for_each(|_| drop(trainer.step()));
        Ok(())
    })?;
    let batch = config.settings.batch;
    let seconds_per_step = timings.median() / period as f64;
    Ok(json!({
        "system": name,
        "batch": batch,
        "width": args.width,
        "warm_up_steps": timings.warm_up * period,
        "steps": timings.seconds.len() as u64 * period,
        "ms_per_step": 1e3 * seconds_per_step,
        "ms_mean": 1e3 * timings.mean() / period as f64,
        "images_per_second": batch as f64 / seconds_per_step,
        "flops_per_step": flops,
    }))
}

/// Steps from one penalty to the next. Steps with penalties take longer, so whole periods are
/// timed.
fn penalty_period(settings: &Settings) -> u64 {
    match settings.penalties.as_slice() {
        [] => 1,
        _ => settings.penalty_every,
    }
}

/// FLOP/s of a convolution, of a convolution with both gradients, and of a matrix product.
fn peak(setup: &Setup) -> Result<Value> {
    let (device, dtype) = (setup.device, dtype(setup.precision));
    let rate = |flops: i64, work: &mut dyn FnMut()| -> Result<f64> {
        let timings = Timings::measure(setup.budget / 3, device, || {
            work();
            Ok(())
        })?;
        Ok(flops as f64 / timings.median())
    };
    let tensor = |shape: &[i64]| (Tensor::randn(shape, (Kind::Float, device)) * 0.1).to_kind(dtype);
    // Channels-last in memory: [n, height, width, channels], viewed as [n, channels, height,
    // width].
    let channels_last = |shape: [i64; 4]| {
        let values = tensor(&shape).permute([0, 3, 1, 2]);
        values.set_requires_grad(true)
    };
    let (n, channels, side) = CONVOLUTION;
    let flops = 2 * n * side * side * channels * channels * 9;
    let x = channels_last([n, side, side, channels]);
    let weight = channels_last([channels, 3, 3, channels]);
    let convolve = || x.conv2d(&weight, None::<&Tensor>, 1, 1, 1, 1);
    let (a, b) = (tensor(&[MATRIX, MATRIX]), tensor(&[MATRIX, MATRIX]));
    Ok(json!({
        "convolution_forward": rate(flops, &mut || drop(no_grad(convolve)))?,
        // Each of the two gradients needs as many operations again.
        "convolution": rate(3 * flops, &mut || {
            Tensor::run_backward(&[&convolve().sum(dtype)], &[&x, &weight], false, false);
        })?,
        "matrix_product": rate(2 * MATRIX.pow(3), &mut || drop(a.matmul(&b)))?,
    }))
}

/// Images per second of an untrained generator; training does not change the time.
fn sampling(args: &SystemArgs, setup: &Setup) -> Result<Value> {
    let name = args.preset.as_str();
    let config = TrainConfig {
        device: setup.device,
        dtype: dtype(setup.precision),
        ..TrainConfig::preset(preset(name)?, &TrainData::Gaussian)?
    };
    let sampler = Gan::new(&config).sampler();
    let timings = Timings::measure(setup.budget, setup.device, || {
        sampler.sample((1, RandomStream::Sample), SAMPLES, None, &mut |_| ())?;
        Ok(())
    })?;
    Ok(json!({
        "system": name,
        "batch": config.settings.batch,
        "images_per_second": SAMPLES as f64 / timings.median(),
    }))
}

/// How long and on which part of the machine to measure.
struct Setup {
    budget: Duration,
    threads: u64,
    device: Device,
    precision: Precision,
}

impl Setup {
    fn new(args: &MeasureArgs) -> Result<Setup> {
        let seconds = args.seconds;
        if !(0.0..=3600.0).contains(&seconds) {
            bail!("--seconds {seconds}: it must be between 0 and 3600");
        }
        let threads = threads::set(args.threads)?;
        let device = machine::device(args.device)?;
        Ok(Setup {
            budget: Duration::from_secs_f64(seconds),
            threads,
            device,
            precision: machine::precision(args.precision, device)?,
        })
    }
}

/// Durations of rounds of the same work.
struct Timings {
    /// Rounds before the first timed one.
    warm_up: u64,
    /// Seconds of each timed round, in order; at least three.
    seconds: Vec<f64>,
}

impl Timings {
    /// Times rounds of `work` until `budget` is used up, at least three rounds. Three rounds or
    /// more come first as a warm-up, for one second or for `budget` if that is shorter. Waits
    /// for `device` at the end of each timed round.
    fn measure(
        budget: Duration,
        device: Device,
        mut work: impl FnMut() -> Result<()>,
    ) -> Result<Timings> {
        let wait = || {
            if let Device::Cuda(index) = device {
                Cuda::synchronize(index as i64);
            }
        };
        let begin = Instant::now();
        let mut warm_up = 0;
        while warm_up < 3 || begin.elapsed() < budget.min(Duration::from_secs(1)) {
            work()?;
            warm_up += 1;
        }
        wait();
        let begin = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < 3 || begin.elapsed() < budget {
            let started = Instant::now();
            work()?;
            wait();
            seconds.push(started.elapsed().as_secs_f64());
        }
        Ok(Timings { warm_up, seconds })
    }

    /// The median round in seconds, the mean of the two middle ones for an even number.
    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        (sorted[n / 2] + sorted[(n - 1) / 2]) / 2.0
    }

    /// The mean round in seconds.
    fn mean(&self) -> f64 {
        self.seconds.iter().sum::<f64>() / self.seconds.len() as f64
    }
}

/// The largest resident size of this process so far, in bytes; `None` where Linux's
/// `/proc/self/status` is missing.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_the_mean_of_the_middle_two() {
        let timings = |seconds: &[f64]| Timings { warm_up: 3, seconds: seconds.to_vec() };
        assert_eq!(timings(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(timings(&[4.0, 1.0, 2.0, 30.0]).median(), 3.0);
        assert_eq!(timings(&[5.0]).median(), 5.0);
        assert_eq!(timings(&[4.0, 1.0, 2.0, 30.0]).mean(), 9.25);
    }

    #[test]
    fn the_period_is_the_interval_of_the_penalties() {
        for (name, period) in [("modern", 16), ("golbin", 1)] {
            assert_eq!(penalty_period(&preset(name).unwrap().settings), period);
        }
    }

    #[test]
    fn without_time_three_rounds_follow_three_of_warm_up() {
        let mut rounds = 0;
        let timings = Timings::measure(Duration::ZERO, Device::Cpu, || {
            rounds += 1;
            Ok(())
        });
        let timings = timings.unwrap();
        assert_eq!((timings.warm_up, timings.seconds.len(), rounds), (3, 3, 6));
    }

    #[test]
    fn work_that_fails_is_an_error() {
        let failed = Timings::measure(Duration::ZERO, Device::Cpu, || bail!("no memory"));
        assert_eq!(failed.err().unwrap().to_string(), "no memory");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn peak_memory_includes_freed_memory() {
        let before = peak_memory().unwrap();
        let block = std::hint::black_box(vec![1u8; 300 << 20]);
        drop(block);
        let after = peak_memory().unwrap();
        assert!(after >= before && after >= 300 << 20, "{before} {after}");
    }
}
