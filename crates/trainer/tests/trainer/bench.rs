//! The benchmark's steps and its count of their operations.

use gan_trainer::bench::{StepBench, step_flops};
use gan_trainer::networks::{Network, wide_modern};
use gan_trainer::plan::Plan;
use gan_trainer::train::train;
use tch::{Device, Kind};

use crate::training::{Counter, keeper, run_in};
use crate::{bars, exhibits, settings, take_turns, values};

/// A plan of a few steps of `preset`.
fn plan(preset: &str, steps: u64) -> Plan {
    let mut settings = settings(preset);
    settings.batch = 10;
    settings.images = 10 * steps;
    settings.train_images = 0;
    settings.evaluate_every = 0;
    settings.snapshot_every = 1000;
    Plan {
        settings,
        seed: 3,
        seconds: None,
        device: Device::Cpu,
        kind: Kind::Float,
    }
}

#[test]
fn benchmark_steps_and_training_leave_the_same_weights() {
    let _turn = take_turns();
    // modern has penalties and averaged weights; golbin shares the latents of both updates.
    for (preset, steps) in [("modern", 5), ("golbin", 4)] {
        let mut plan = plan(preset, steps);
        plan.settings.schedule = gan_trainer::schedule::Schedule::Constant;
        let dir = tempfile::tempdir().unwrap();
        let run = run_in(&dir, "run");
        let (exhibits, mut watch) = (exhibits(64), Counter::default());
        train(&plan, Some(&exhibits), &mut keeper(&run), &mut watch).unwrap();

        let pair = plan.settings.network.build(None);
        let mut bench = StepBench::new(&plan, pair, &bars(64)).unwrap();
        for _ in 0..steps {
            bench.step();
        }
        let (_, checkpoint) = run.newest_checkpoint().unwrap().unwrap();
        for (name, layout, flat) in bench.game().state() {
            let file = checkpoint.join(format!("{name}.safetensors"));
            let trained = gan_trainer::checkpoint::load(&file, layout, Device::Cpu).unwrap();
            assert!(values(&trained) == values(&flat), "{preset}: {name}");
        }
    }
}

#[test]
fn period_is_the_interval_of_the_penalties() {
    let _turn = take_turns();
    for (preset, period) in [("modern", 16), ("golbin", 1)] {
        let plan = plan(preset, 1);
        let pair = plan.settings.network.build(None);
        let bench = StepBench::new(&plan, pair, &bars(8)).unwrap();
        assert_eq!(bench.period(), period);
    }
}

#[test]
fn rejects_an_empty_training_set() {
    let _turn = take_turns();
    let plan = plan("golbin", 1);
    let pair = plan.settings.network.build(None);
    assert!(StepBench::new(&plan, pair, &bars(0)).is_err());
}

/// Operations that oneDNN 3.12 reports for a step in bf16: the sum over all convolutions and
/// matrix products of `ONEDNN_VERBOSE=profile_exec forger bench steps --preset …`. Two kinds of
/// work are subtracted: making 4×4 kernels of 3×3 ones, and in `dcgan` the gradient of D at the
/// real images, which nothing uses.
const ONEDNN_FLOPS: [(&str, f64); 4] = [
    ("modern", 4_272_099_328.0),
    ("dcgan", 20_712_521_728.0 - 14_155_776.0 - 118_030_336.0),
    ("oshea", 111_846_599_680.0 - 17_280_000.0),
    ("golbin", 374_784_000.0),
];

#[test]
fn step_flops_equal_those_that_onednn_reports() {
    for (preset, flops) in ONEDNN_FLOPS {
        let settings = settings(preset);
        let pair = settings.network.build(None);
        assert_eq!(step_flops(&settings, &pair), Some(flops), "{preset}");
    }
    let other = settings("goodfellow");
    assert_eq!(step_flops(&other, &other.network.build(None)), None);
}

#[test]
fn twice_the_width_needs_about_four_times_the_flops() {
    let settings = settings("modern");
    let layouts = |pair: gan_trainer::networks::Pair| {
        (
            pair.generator.layout().clone(),
            pair.discriminator.layout().clone(),
        )
    };
    let plain = layouts(Network::Modern.build(None));
    assert_eq!(layouts(wide_modern(1)), plain);
    let flops = |width| step_flops(&settings, &wide_modern(width)).unwrap();
    let ratio = flops(2) / flops(1);
    assert!((3.5..4.0).contains(&ratio), "{ratio}");
}
