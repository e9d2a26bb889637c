//! Evaluation during training: its schedule, and that it changes nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use gan_metrics::{Cache, Evaluator};
use gan_trainer::plan::Exhibits;
use gan_trainer::train::train;
use mnist_io::{Dataset, Split};

use crate::training::{Counter, keeper, plan, run_in, without_times};
use crate::{bars, settings, take_turns};

/// Rows of MNIST, from `data/mnist` or the folder in the variable `MNIST`.
pub fn digits(split: Split, rows: std::ops::Range<usize>) -> Dataset {
    let dir = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    let all = Dataset::open(&dir, split)
        .unwrap_or_else(|e| panic!("{e}; `cargo xtask fetch` puts MNIST there"));
    let labels = all.labels()[rows.clone()].to_vec();
    let rows: Vec<usize> = rows.collect();
    Dataset::new(all.images().select(&rows).unwrap(), labels).unwrap()
}

pub fn evaluator(training: &Dataset, test: &Dataset, cache: Option<&Path>) -> Evaluator {
    let cache = Cache::new(cache.map(Path::to_owned), training.images(), test.images());
    Evaluator::new(training.clone(), test.clone(), cache).unwrap()
}

#[test]
fn evaluates_at_early_steps_and_then_regularly() {
    let mut settings = settings("modern");
    let steps: Vec<u64> = (1..=3000).filter(|&s| settings.evaluates_at(s)).collect();
    assert_eq!(steps, [100, 300, 1000, 2000, 3000]);
    settings.evaluate_every = 3;
    let steps: Vec<u64> = (1..=9).filter(|&s| settings.evaluates_at(s)).collect();
    assert_eq!(steps, [3, 6, 9]);
    settings.evaluate_every = 0;
    assert!(!(1..=3000).any(|s| settings.evaluates_at(s)));
}

#[test]
fn evaluation_does_not_change_a_run() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..64), digits(Split::Test, 0..100));
    let mut plan = plan(20);
    plan.settings.evaluate_every = 20;
    let [with, without] = ["with", "without"].map(|name| {
        let run = run_in(&dir, name);
        let evaluator = (name == "with").then(|| evaluator(&training, &test, None));
        let exhibits = Exhibits {
            training: training.clone().into(),
            shown: test.clone(),
            evaluator,
        };
        let mut watch = Counter::default();
        train(&plan, Some(&exhibits), &mut keeper(&run), &mut watch).unwrap();
        assert_eq!(watch.evaluations, run.quality().unwrap());
        run
    });
    let rows = with.quality().unwrap();
    let steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [2, 6, 20]);
    for row in &rows {
        assert_eq!((row.images_seen, row.samples), (row.step * 10, 2500));
        assert!(row.value("fid") > Some(0.0) && row.value("precision").is_some());
        assert!(row.evaluation_seconds > 0.0);
    }
    // Evaluations do not count as training time.
    let evaluating: f64 = rows.iter().map(|row| row.evaluation_seconds).sum();
    assert!(rows[2].seconds < evaluating, "{rows:?}");
    assert_eq!(without.quality().unwrap(), []);
    assert_eq!(
        without_times(&with.metrics().unwrap()),
        without_times(&without.metrics().unwrap())
    );
    for file in [
        "samples/000020.idx3",
        "checkpoints/000020/generator.safetensors",
        "checkpoints/000020/discriminator.safetensors",
    ] {
        let read = |run: &run_dir::RunDir| fs::read(run.root().join(file)).unwrap();
        assert!(read(&with) == read(&without), "{file}");
    }
}

#[test]
fn trains_without_a_quality_curve_on_images_that_the_classifier_cannot_read() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(3);
    plan.settings.evaluate_every = 1;
    let exhibits = Exhibits {
        training: bars(64).into(),
        shown: bars(12),
        evaluator: Some(evaluator(&bars(64), &bars(20), None)),
    };
    let mut watch = Counter::default();
    let outcome = train(&plan, Some(&exhibits), &mut keeper(&run), &mut watch).unwrap();
    assert!(outcome.finished && watch.evaluations.is_empty());
    assert_eq!(run.quality().unwrap(), []);
}
