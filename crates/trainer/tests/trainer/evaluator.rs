//! Which way the evaluator's numbers move, that they are kept, and that a run is
//! the same whether it is evaluated or not.

use std::fs;
use std::path::{Path, PathBuf};

use gan_metrics::parzen::{parzen_of_pixels, usual_widths};
use gan_metrics::{Forgeries, Originals, Validation};
use gan_trainer::Error;
use gan_trainer::evaluator::{Cache, Evaluator, Metric, Quality, Unfit};
use gan_trainer::plan::Exhibits;
use gan_trainer::train::train;
use mnist_io::{Dataset, Images, Split};

use crate::training::{Counter, keeper, plan, run_in, without_times};
use crate::{bars, settings, take_turns};

/// Some of MNIST, from where `cargo xtask fetch` puts it or from the folder that
/// the variable `MNIST` names.
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
fn copies_new_digits_and_noise_are_told_apart() {
    let training = digits(Split::Train, 0..4000);
    let test = digits(Split::Test, 0..1000);
    let evaluator = evaluator(&training, &test, None);
    assert_eq!(evaluator.unfit().unwrap(), None);
    let measure = |images: &Images, asked: Option<&[u8]>| -> Quality {
        let metrics = Metric::ALL;
        evaluator
            .measure(images, asked, &metrics, &mut |_| ())
            .unwrap()
    };

    // Training images in the forgeries' place: as good as can be, and copied.
    let copies = digits(Split::Train, 0..1000);
    let copied = measure(copies.images(), Some(copies.labels()));
    let floor = copied.fid_floor.unwrap();
    assert!(copied.fid.unwrap() < 2.0 * floor, "{copied:?}");
    assert!(copied.precision > Some(0.8) && copied.recall > Some(0.8));
    assert_eq!(copied.near_duplicates, Some(1000));
    assert!(copied.c_t.unwrap() < -5.0, "{copied:?}");
    assert!(copied.asked_digit.unwrap() > 0.98);
    assert_eq!((copied.forgeries, copied.originals), (1000, 1000));

    // Digits that were never trained on: no copies, and no strangers.
    let new = digits(Split::Test, 1000..2000);
    let new = measure(new.images(), None);
    assert!(new.near_duplicates.unwrap() < 20, "{new:?}");
    let chance = 4.0 * new.c_t_null_std.unwrap();
    assert!(new.c_t.unwrap().abs() < chance, "{new:?}");
    assert_eq!(new.asked_digit, None);

    let noise = (0..1000 * 784u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let noise = measure(&Images::new(28, 28, noise.collect()).unwrap(), None);
    assert!(noise.fid.unwrap() > 20.0 * floor, "{noise:?}");
    assert!(noise.kid.unwrap() > 10.0 * copied.kid.unwrap().abs());
    // Precision is 1 here: one odd test image's ball holds all of the noise.
    let below = |found: Option<f64>, bound: f64| found.unwrap() < bound;
    assert!(
        below(noise.recall, 0.05) && below(noise.coverage, 0.05),
        "{noise:?}"
    );
    assert!(
        below(noise.density, 0.5) && below(noise.confidence, 0.5),
        "{noise:?}"
    );
    assert_eq!(noise.near_duplicates, Some(0));
    assert!(below(noise.parzen, copied.parzen.unwrap()), "{noise:?}");
    assert!(
        below(copied.digits_kl, noise.digits_kl.unwrap()),
        "{noise:?}"
    );

    // One digit, again and again.
    let seven = digits(Split::Test, 0..1);
    assert_eq!(seven.labels(), [7]);
    let repeated = seven.images().select(&[0; 1000]).unwrap();
    let repeated = measure(&repeated, None);
    assert!(
        below(repeated.recall, 0.01) && below(repeated.coverage, 0.01),
        "{repeated:?}"
    );
    let mut sevens = [0.0; 10];
    sevens[7] = 1.0;
    assert_eq!(repeated.digit_shares, Some(sevens));
}

#[test]
fn what_was_found_out_of_a_data_set_is_kept_and_gives_the_same_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..1200), digits(Split::Test, 0..200));
    let forgeries = digits(Split::Test, 500..700);
    // All but those that need a thousand images.
    let mut metrics = Metric::ALL.to_vec();
    metrics.retain(|metric| !matches!(metric, Metric::Kid | Metric::Novelty));
    let [first, second] = [0, 1].map(|_| {
        let evaluator = evaluator(&training, &test, Some(dir.path()));
        let forgeries = forgeries.images();
        evaluator
            .measure(forgeries, None, &metrics, &mut |_| ())
            .unwrap()
    });
    assert_eq!(first, second);
    assert!(first.fid_floor.is_some() && first.parzen_floor.is_some());
    // One folder for one data set.
    let folders: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(folders.len(), 1);
    let kept = fs::read_dir(folders[0].as_ref().unwrap().path()).unwrap();
    assert_eq!(kept.count(), 6);
}

#[test]
fn a_floor_needs_as_many_training_images() {
    let (training, test) = (digits(Split::Train, 0..100), digits(Split::Test, 0..150));
    let forgeries = digits(Split::Test, 150..300);
    let quality = evaluator(&training, &test, None)
        .quick(forgeries.images())
        .unwrap();
    assert!(quality.fid.is_some() && quality.precision.is_some());
    assert_eq!((quality.fid_floor, quality.precision_floor), (None, None));
}

/// The last thousand training images choose the width.
#[test]
fn the_floor_of_windows_leaves_out_the_images_that_choose_their_width() {
    let training = digits(Split::Train, 0..1200);
    let (test, forgeries) = (digits(Split::Test, 0..100), digits(Split::Test, 100..301));
    let evaluator = evaluator(&training, &test, None);
    let measure = |count: usize| {
        let forgeries = forgeries.images().select(&Vec::from_iter(0..count));
        let metrics = [Metric::Parzen];
        let found = evaluator.measure(&forgeries.unwrap(), None, &metrics, &mut |_| ());
        found.unwrap().parzen_floor
    };
    let validation = digits(Split::Train, 200..1200);
    let direct = |windows: std::ops::Range<usize>| {
        let windows = digits(Split::Train, windows);
        let sides = (Originals(test.images()), Validation(validation.images()));
        let windows = Forgeries(windows.images());
        parzen_of_pixels(sides.0, sides.1, windows, &usual_widths()).unwrap()
    };
    // All others are taken, whatever was drawn.
    let apart = direct(0..200);
    let floor = measure(200).unwrap();
    assert!(
        (floor - apart.log_likelihood.mean).abs() < 1e-9,
        "{floor} {apart:?}"
    );
    let overlapping = direct(1000..1200).log_likelihood.mean;
    assert!((floor - overlapping).abs() > 1.0, "{overlapping}");
    assert!(measure(199).is_some());
    assert_eq!(measure(201), None);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let refused = |evaluator: &Evaluator, images: &Images, metric| {
        let result = evaluator.measure(images, None, &[metric], &mut |_| ());
        result.unwrap_err()
    };
    let (training, test) = (digits(Split::Train, 0..100), digits(Split::Test, 0..100));
    let measured = evaluator(&training, &test, None);
    let few = refused(&measured, test.images(), Metric::Kid).to_string();
    assert!(few.contains("1000") && few.contains("100:"), "{few}");
    let large = Images::new(32, 32, vec![0; 1024]).unwrap();
    let large = refused(&measured, &large, Metric::Fid);
    assert!(
        matches!(large, Error::ImageSize { rows: 32, .. }),
        "{large}"
    );
    let unasked = measured.measure(test.images(), Some(&[7]), &[Metric::Modes], &mut |_| ());
    assert!(matches!(
        unasked,
        Err(Error::Asked {
            digits: 1,
            forgeries: 100
        })
    ));
    let none = Images::new(28, 28, Vec::new()).unwrap();
    let none = refused(&measured, &none, Metric::Duplicates);
    assert!(matches!(none, Error::NoImages), "{none}");

    let illegible = evaluator(&bars(20), &bars(20), None);
    let refused = refused(&illegible, bars(20).images(), Metric::Fid);
    assert!(
        matches!(refused, Error::Unfit(Unfit::Illegible { .. })),
        "{refused}"
    );
    let few = evaluator(&bars(20), &bars(3), None);
    assert_eq!(few.unfit().unwrap(), Some(Unfit::TooFew { found: 3 }));
    let found = few.duplicates(bars(5).images()).unwrap();
    assert_eq!((found.of, found.expected), (5, 5.0 / 4.0));
}

#[test]
fn a_list_of_metrics_names_each_once_and_its_first_stranger() {
    let list = Metric::parse_list("recall, fid,precision").unwrap();
    assert_eq!(list, [Metric::Fid, Metric::PrecisionRecall]);
    assert_eq!(Metric::parse_list("fid,fud,x"), Err("fud".to_owned()));
    assert_eq!(Metric::parse_list(""), Err(String::new()));
    let all: Vec<_> = Metric::names().collect();
    assert_eq!(Metric::parse_list(&all.join(",")).unwrap(), Metric::ALL);
}

#[test]
fn evaluations_come_early_then_regularly() {
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
fn a_run_is_the_same_whether_it_is_evaluated_or_not() {
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
        assert_eq!((row.images_seen, row.forgeries), (row.step * 10, 2500));
        assert!(row.fid > 0.0 && row.precision.is_some() && row.evaluation_seconds > 0.0);
    }
    // The clock of training stands still meanwhile.
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
fn images_that_the_judge_cannot_read_leave_the_curve_out_not_the_run() {
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
