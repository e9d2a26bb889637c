//! The steps of the benchmark.

use gan_trainer::bench::StepBench;
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
