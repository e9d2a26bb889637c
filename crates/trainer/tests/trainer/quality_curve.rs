//! The quality curve: when it has points, and that training does not depend on them.

use std::path::{Path, PathBuf};

use gan_metrics::{Cache, Evaluator, QUICK_SAMPLES};
use gan_trainer::{TrainData, train};
use mnist_io::{Dataset, Split};

use crate::training::{Recorder, assert_same_files, checkpointer, golbin, run_in, without_times};
use crate::{bars, lock_generator, settings};

/// Rows of MNIST, from the folder in the variable `MNIST` or from that of
/// `cargo xtask fetch`.
pub fn digits(split: Split, rows: std::ops::Range<usize>) -> Dataset {
    let dir = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    let all = Dataset::open(&dir, split)
        .unwrap_or_else(|e| panic!("{e}; run `cargo xtask fetch` to download MNIST"));
    let labels = all.labels()[rows.clone()].to_vec();
    let rows: Vec<usize> = rows.collect();
    Dataset::new(all.images().select(&rows).unwrap(), labels).unwrap()
}

/// Training on `training` with a quality curve against `test`.
pub fn train_with_curve(training: Dataset, test: Dataset) -> TrainData {
    let cache = Cache::new(None, &training, &test);
    let evaluator = Evaluator::new(training.clone(), test.clone(), cache).unwrap();
    TrainData::Images {
        training: training.into(),
        figure_images: test,
        evaluator: Some(Box::new(evaluator)),
    }
}

#[test]
fn points_come_early_then_regularly() {
    let mut settings = settings("modern");
    let steps: Vec<u64> = (1..=3000).filter(|&s| settings.evaluates_at(s)).collect();
    assert_eq!(steps, [100, 300, 1000, 2000, 3000]);
    settings.evaluate_every = Some(3);
    let steps: Vec<u64> = (1..=9).filter(|&s| settings.evaluates_at(s)).collect();
    assert_eq!(steps, [3, 6, 9]);
    settings.evaluate_every = None;
    assert!(!(1..=3000).any(|s| settings.evaluates_at(s)));
}

#[test]
fn a_run_is_the_same_with_and_without_evaluations() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..64), digits(Split::Test, 0..100));
    let mut config = golbin(20);
    config.settings.evaluate_every = Some(20);
    let [with, without] = ["with", "without"].map(|name| {
        let run = run_in(&dir, name);
        let data = match name {
            "with" => train_with_curve(training.clone(), test.clone()),
            _ => TrainData::Images {
                training: training.clone().into(),
                figure_images: test.clone(),
                evaluator: None,
            },
        };
        let mut recorder = Recorder::default();
        train(&config, &data, &mut checkpointer(&run), &mut recorder).unwrap();
        assert_eq!(recorder.evaluations, run.quality().unwrap());
        run
    });
    let rows = with.quality().unwrap();
    let steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [2, 6, 20]);
    for row in &rows {
        assert_eq!((row.images_seen, row.samples), (row.step * 10, 2500));
        assert_eq!((QUICK_SAMPLES, row.test_images), (2500, 100));
        assert!(row.value("fid").unwrap() > 0.0 && row.evaluation_seconds > 0.0);
        assert!(row.value("precision").is_some() && row.value("recall").is_some());
    }
    // Evaluations do not count as training time.
    let evaluating: f64 = rows.iter().map(|row| row.evaluation_seconds).sum();
    assert!(rows[2].seconds < evaluating, "{rows:?}");
    assert_eq!(without.quality().unwrap(), []);
    assert_eq!(without_times(&with.metrics().unwrap()), without_times(&without.metrics().unwrap()));
    assert_same_files(&with, &without, 20);
}

#[test]
fn images_that_the_classifier_cannot_read_have_no_curve_but_train() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(3);
    config.settings.evaluate_every = Some(1);
    let data = train_with_curve(bars(64), bars(20));
    let mut recorder = Recorder::default();
    let outcome = train(&config, &data, &mut checkpointer(&run), &mut recorder).unwrap();
    assert!(outcome.finished && recorder.evaluations.is_empty());
    assert_eq!(run.quality().unwrap(), []);
}
