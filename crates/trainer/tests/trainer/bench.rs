//! What is measured is what is trained, and its arithmetic is counted right.

use gan_trainer::bench::{Bout, MEASURED, step_flops};
use gan_trainer::networks::{Network, wide_modern};
use gan_trainer::plan::Plan;
use gan_trainer::train::train;
use tch::{Device, Kind};

use crate::training::{Counter, keeper, run_in};
use crate::{bars, exhibits, settings, take_turns, values};

/// A few steps of `preset`, early in a schedule that is long enough for its first
/// rates to hold.
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
fn the_steps_that_are_measured_leave_what_the_loop_leaves() {
    let _turn = take_turns();
    // Penalties and an average; both networks from one pass.
    for (preset, steps) in [("modern", 5), ("golbin", 4)] {
        let mut plan = plan(preset, steps);
        plan.settings.schedule = gan_trainer::schedule::Schedule::Constant;
        let dir = tempfile::tempdir().unwrap();
        let run = run_in(&dir, "run");
        let (exhibits, mut watch) = (exhibits(64), Counter::default());
        train(&plan, Some(&exhibits), &mut keeper(&run), &mut watch).unwrap();

        let pair = plan.settings.network.build(None);
        let mut bout = Bout::new(&plan, pair, &bars(64)).unwrap();
        for _ in 0..steps {
            bout.play();
        }
        let (_, checkpoint) = run.newest_checkpoint().unwrap().unwrap();
        for (name, layout, flat) in bout.game().state() {
            let file = checkpoint.join(format!("{name}.safetensors"));
            let trained = gan_trainer::checkpoint::load(&file, layout, Device::Cpu).unwrap();
            assert!(values(&trained) == values(&flat), "{preset}: {name}");
        }
    }
}

#[test]
fn a_period_is_as_long_as_from_one_penalty_to_the_next() {
    let _turn = take_turns();
    for (preset, period) in [("modern", 16), ("golbin", 1)] {
        let plan = plan(preset, 1);
        let pair = plan.settings.network.build(None);
        assert_eq!(Bout::new(&plan, pair, &bars(8)).unwrap().period(), period);
    }
    let plan = plan("golbin", 1);
    let pair = plan.settings.network.build(None);
    assert!(Bout::new(&plan, pair, &bars(0)).is_err());
}

/// What oneDNN 3.12 is asked to compute in a step in bf16, added up over
/// `ONEDNN_VERBOSE=profile_exec forger bench steps --preset …`: multiplications and
/// additions of all its convolutions and matrix products. Left out are those that
/// make 4×4 kernels of 3×3 ones, and of `dcgan` a gradient of D at the originals
/// that nothing depends on.
const ASKED_OF_ONEDNN: [(&str, f64); 4] = [
    ("modern", 4_272_099_328.0),
    ("dcgan", 20_712_521_728.0 - 14_155_776.0 - 118_030_336.0),
    ("oshea", 111_846_599_680.0 - 17_280_000.0),
    ("golbin", 374_784_000.0),
];

#[test]
fn the_arithmetic_of_a_step_is_what_the_library_is_asked_for() {
    for (preset, flops) in ASKED_OF_ONEDNN {
        let settings = settings(preset);
        assert!(MEASURED.contains(&settings.network));
        let pair = settings.network.build(None);
        assert_eq!(step_flops(&settings, &pair), Some(flops), "{preset}");
    }
    let other = settings("goodfellow");
    assert_eq!(step_flops(&other, &other.network.build(None)), None);
}

#[test]
fn a_network_twice_as_wide_has_about_four_times_the_arithmetic() {
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
