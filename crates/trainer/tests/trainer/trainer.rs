//! `Trainer` without the loop: its steps leave the same state as [`train`].

use gan_config::Schedule;
use gan_trainer::{Checkpoint, Error, TrainConfig, Trainer, train};

use crate::training::{Recorder, checkpointer, run_in, train_config};
use crate::{bars, lock_generator, settings, train_on_bars, values};

/// A few steps of `preset` in f32 on the CPU.
fn config(preset: &str, steps: u64) -> TrainConfig {
    let mut settings = settings(preset);
    settings.batch = 10;
    settings.images = 10 * steps;
    settings.train_images = None;
    settings.evaluate_every = None;
    settings.snapshot_every = 1000;
    settings.schedule = Schedule::Constant;
    TrainConfig { seed: 3, ..train_config(settings, preset) }
}

#[test]
fn steps_of_a_trainer_and_training_leave_the_same_state() {
    let _generator = lock_generator();
    // modern has penalties and averaged weights; golbin shares the latents of both updates.
    for (preset, steps) in [("modern", 5), ("golbin", 4)] {
        let config = config(preset, steps);
        let dir = tempfile::tempdir().unwrap();
        let run = run_in(&dir, "run");
        let (data, mut recorder) = (train_on_bars(64), Recorder::default());
        train(&config, &data, &mut checkpointer(&run), &mut recorder).unwrap();

        let mut trainer = Trainer::new(&config, &data).unwrap();
        for _ in 0..steps {
            assert!(!trainer.state.finished);
            trainer.step();
        }
        assert!(trainer.state.finished);
        let mut trained = Trainer::new(&config, &data).unwrap();
        let (_, path) = run.newest_checkpoint().unwrap().unwrap();
        Checkpoint::read(&run, &path).unwrap().restore(&mut trained.gan).unwrap();
        let state = trainer.gan.state_dict();
        assert_eq!(state.len(), trained.gan.state_dict().len());
        for ((name, _, flat), (_, _, other)) in state.iter().zip(trained.gan.state_dict()) {
            assert!(values(flat) == values(&other), "{preset}: {name}");
        }
    }
}

#[test]
fn a_trainer_refuses_an_empty_training_set() {
    let data = gan_trainer::TrainData::Images {
        training: bars(0).into(),
        figure_images: bars(1),
        evaluator: None,
    };
    let refused = Trainer::new(&config("golbin", 1), &data);
    assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
}
