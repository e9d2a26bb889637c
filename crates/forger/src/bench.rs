//! `forger bench`: what `cargo xtask bench` measures in a process of its own, one
//! JSON object on standard output.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gan_cli::Paths;
use gan_trainer::bench::{Bout, Rounds, forge_rate, measure_peak, peak_memory, step_flops};
use gan_trainer::forging::Hand;
use gan_trainer::game::Game;
use gan_trainer::networks::{Network, wide_modern};
use gan_trainer::plan::Plan;
use gan_trainer::presets;
use mnist_io::{Dataset, Split};
use serde_json::{Value, json};

use crate::args::{BenchArgs, Measure, MeasureArgs, StepsArgs, SystemArgs};
use crate::{machine, output};

/// Forgeries in a round of `sampling`.
const FORGERIES: u64 = 1000;

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<ExitCode> {
    let mut found = match &args.measure {
        Measure::Steps(args) => steps(args)?,
        Measure::Peak(args) => peak(args)?,
        Measure::Sampling(args) => sampling(args)?,
    };
    found["peak_memory_bytes"] = json!(peak_memory());
    output::line(found)?;
    Ok(ExitCode::SUCCESS)
}

fn steps(args: &StepsArgs) -> Result<Value> {
    let system = &args.system;
    let (budget, threads, mut plan) = resolve(system)?;
    if let Some(batch) = args.batch {
        plan.settings.batch = batch;
    }
    let pair = match (args.width, plan.settings.network) {
        (1, network) => network.build(None),
        (width, Network::Modern) if (1..=16).contains(&width) => wide_modern(width),
        (width, _) => bail!("--width {width}: modern alone can be made wider, up to 16 times"),
    };
    let data = Paths::from_env().data(args.data.as_deref());
    let training =
        Dataset::open(&data, Split::Train).with_context(|| format!("--data {}", data.display()))?;
    // A smaller set than the preset's takes as long a step.
    let available = training.len() as u64;
    plan.settings.train_images = plan.settings.train_images.min(available);
    plan.settings.check(available)?;
    let flops = step_flops(&plan.settings, &pair);
    let mut bout = Bout::new(&plan, pair, &training)?;
    drop(training);
    let period = bout.period();
    let rounds = Rounds::time(budget, plan.device, || {
        for _ in 0..period {
            bout.play();
        }
    });
    let per_step = |seconds: f64| seconds / period as f64;
    Ok(json!({
        "system": system.preset.name(),
        "batch": plan.settings.batch,
        "width": args.width,
        "threads": threads,
        "precision": machine::kind_name(plan.kind),
        "device": machine::device_name(plan.device),
        "warm_up_steps": rounds.warm_up * period,
        "steps": rounds.seconds.len() as u64 * period,
        "ms_per_step": 1e3 * per_step(rounds.median()),
        "ms_mean": 1e3 * per_step(rounds.mean()),
        "images_per_second": plan.settings.batch as f64 / per_step(rounds.median()),
        "flops_per_step": flops,
    }))
}

fn peak(args: &MeasureArgs) -> Result<Value> {
    let (budget, threads) = (budget(args)?, machine::set_threads(args.threads)?);
    let device = machine::device(args.device)?;
    let kind = machine::kind(args.precision, device);
    let peak = measure_peak(kind, device, budget);
    Ok(json!({
        "threads": threads,
        "precision": machine::kind_name(kind),
        "device": machine::device_name(device),
        "convolution_forward": peak.convolution_forward,
        "convolution": peak.convolution,
        "matrix_product": peak.matrix_product,
    }))
}

fn sampling(args: &SystemArgs) -> Result<Value> {
    let (budget, threads, plan) = resolve(args)?;
    let pair = plan.settings.network.build(None);
    let game = Game::new(pair, &plan.settings, plan.seed, plan.device, plan.kind);
    let hand = Hand {
        generator: game.generator.as_ref(),
        parameters: game.sampling_parameters(),
        range: game.range,
        kind: plan.kind,
        batch: plan.settings.batch,
    };
    Ok(json!({
        "system": args.preset.name(),
        "batch": plan.settings.batch,
        "threads": threads,
        "precision": machine::kind_name(plan.kind),
        "device": machine::device_name(plan.device),
        "images_per_second": forge_rate(hand, FORGERIES, budget)?,
    }))
}

/// How long to measure, with how many threads, and what.
fn resolve(args: &SystemArgs) -> Result<(Duration, u64, Plan)> {
    let name = args.preset.name();
    let settings = presets::find(name)
        .with_context(|| format!("there is no preset {name}"))?
        .settings;
    let budget = budget(&args.measure)?;
    let threads = machine::set_threads(args.measure.threads)?;
    let device = machine::device(args.measure.device)?;
    let plan = Plan {
        settings,
        seed: 1,
        seconds: None,
        device,
        kind: machine::kind(args.measure.precision, device),
    };
    Ok((budget, threads, plan))
}

fn budget(args: &MeasureArgs) -> Result<Duration> {
    let seconds = args.seconds;
    if !(0.0..=3600.0).contains(&seconds) {
        bail!("--seconds {seconds}: it must be between 0 and 3600");
    }
    Ok(Duration::from_secs_f64(seconds))
}
