//! How the evaluator's values move, and what it caches and rejects.

use std::fs;
use std::path::{Path, PathBuf};

use gan_metrics::parzen::{default_bandwidths, parzen};
use gan_metrics::{
    Cache, Error, Evaluator, Fake, METRICS, Metric, Needs, Real, UnreliableFeatures, Validation,
    parse_list,
};
use mnist_io::{Dataset, Images, Split};
use run_dir::QualityRow;

/// Rows of MNIST, from `data/mnist` or the folder in the variable `MNIST`.
fn digits(split: Split, rows: std::ops::Range<usize>) -> Dataset {
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

fn evaluator(training: &Dataset, test: &Dataset, cache: Option<&Path>) -> Evaluator {
    let cache = Cache::new(cache.map(Path::to_owned), training, test);
    Evaluator::new(training.clone(), test.clone(), cache).unwrap()
}

/// `n` images of bars, labeled 0 to 9 in turn, which the classifier cannot read.
fn bars(n: usize) -> Dataset {
    let pixel = |i: usize| (i % 28).abs_diff(i / 784 % 28) < 3;
    let pixels = (0..n * 784).map(|i| if pixel(i) { 255 } else { 0 });
    let images = Images::new(28, 28, pixels.collect()).unwrap();
    Dataset::new(images, (0..n).map(|i| (i % 10) as u8).collect()).unwrap()
}

/// Every metric but that of InceptionV3.
fn metrics() -> Vec<&'static Metric> {
    let metrics = METRICS.iter();
    metrics.filter(|m| m.needs != Needs::Inception).collect()
}

fn value(row: &QualityRow, name: &str) -> f64 {
    row.value(name).unwrap()
}

#[test]
fn tells_copies_new_digits_and_noise_apart() {
    let training = digits(Split::Train, 0..4000);
    let test = digits(Split::Test, 0..1000);
    let evaluator = evaluator(&training, &test, None);
    assert_eq!(evaluator.unreliable_reason().unwrap(), None);
    let measure = |images: &Images, requested: Option<&[u8]>| {
        let measured = evaluator.measure(images, requested, &metrics(), &mut |_| ()).unwrap();
        assert!(measured.skipped.is_empty(), "{measured:?}");
        measured.row
    };

    // Training images: as good as possible, and copies.
    let copies = digits(Split::Train, 0..1000);
    let copied = measure(copies.images(), Some(copies.labels()));
    let reference = copied.reference("fid").unwrap();
    assert!(value(&copied, "fid") < 2.0 * reference, "{copied:?}");
    assert!(value(&copied, "precision") > 0.8 && value(&copied, "recall") > 0.8);
    assert_eq!(value(&copied, "duplicates"), 1000.0);
    assert!(value(&copied, "novelty") < -5.0, "{copied:?}");
    assert!(value(&copied, "requested_digit") > 0.98);
    assert_eq!((copied.samples, copied.test_images), (1000, 1000));

    // Digits outside the training set: neither copies nor far away.
    let new = digits(Split::Test, 1000..2000);
    let new = measure(new.images(), None);
    assert!(value(&new, "duplicates") < 20.0, "{new:?}");
    let chance = 4.0 * new.metrics["novelty"].error.unwrap();
    assert!(value(&new, "novelty").abs() < chance, "{new:?}");
    assert_eq!(new.value("requested_digit"), None);

    let noise = (0..1000 * 784u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let noise = measure(&Images::new(28, 28, noise.collect()).unwrap(), None);
    assert!(value(&noise, "fid") > 20.0 * reference, "{noise:?}");
    assert!(value(&noise, "kid") > 10.0 * value(&copied, "kid").abs());
    // Precision is 1 here: the ball of one unusual test image holds all of the noise.
    let below = |row: &QualityRow, name: &str, bound: f64| value(row, name) < bound;
    assert!(below(&noise, "recall", 0.05) && below(&noise, "coverage", 0.05), "{noise:?}");
    assert!(below(&noise, "density", 0.5) && below(&noise, "confidence", 0.5), "{noise:?}");
    assert_eq!(value(&noise, "duplicates"), 0.0);
    assert!(below(&noise, "parzen", value(&copied, "parzen")), "{noise:?}");
    assert!(below(&copied, "digits_kl", value(&noise, "digits_kl")), "{noise:?}");

    // One digit, repeated.
    let seven = digits(Split::Test, 0..1);
    assert_eq!(seven.labels(), [7]);
    let repeated = seven.images().select(&[0; 1000]).unwrap();
    let repeated = measure(&repeated, None);
    assert!(below(&repeated, "recall", 0.01) && below(&repeated, "coverage", 0.01), "{repeated:?}");
    let mut sevens = [0.0; 10];
    sevens[7] = 1.0;
    assert_eq!(repeated.metrics["digits_kl"].details["shares"], sevens);
}

#[test]
fn cached_statistics_give_the_same_values() {
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..1200), digits(Split::Test, 0..200));
    let samples = digits(Split::Test, 500..700);
    let metrics = metrics();
    let [first, second] = [0, 1].map(|_| {
        let evaluator = evaluator(&training, &test, Some(dir.path()));
        evaluator.measure(samples.images(), None, &metrics, &mut |_| ()).unwrap().row
    });
    assert_eq!(first, second);
    assert!(first.reference("fid").is_some() && first.reference("parzen").is_some());
    // One folder per data set.
    let folders: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(folders.len(), 1);
    let kept = fs::read_dir(folders[0].as_ref().unwrap().path()).unwrap();
    let mut kept: Vec<String> =
        kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    kept.sort();
    let statistics = [
        "classifier-test",
        "classifier-training",
        "nearest-test",
        "reference-density-200",
        "reference-fid-200",
        "reference-parzen-200",
        "reference-precision-200",
    ];
    assert_eq!(kept, statistics.map(|name| format!("{name}.safetensors")));
}

/// 12 of the test images are training images, and all samples are copies.
#[test]
fn finds_copies_although_the_test_images_contain_training_images() {
    let training = digits(Split::Train, 0..3000);
    let (images, labels) = digits(Split::Test, 0..1000).into_parts();
    let pixels = [&training.images().pixels()[..12 * 784], images.pixels()].concat();
    let labels = [&training.labels()[..12], &labels].concat();
    let test = Dataset::new(Images::new(28, 28, pixels).unwrap(), labels).unwrap();
    let evaluator = evaluator(&training, &test, None);
    assert_eq!(evaluator.test_in_training(), 12);
    let copies = digits(Split::Train, 0..600);
    let metrics = parse_list("duplicates,novelty").unwrap();
    let row = evaluator.measure(copies.images(), None, &metrics, &mut |_| ()).unwrap().row;
    assert_eq!(value(&row, "duplicates"), 600.0);
    assert_eq!(row.metrics["duplicates"].details["identical"], [600.0]);
    assert_eq!(row.metrics["duplicates"].details["shared_test_images"], [12.0]);
    assert!(value(&row, "novelty") < -5.0, "{row:?}");
    let remark = metrics.iter().find(|m| m.name() == "duplicates").unwrap().remark.unwrap();
    let remark = remark(&row).unwrap();
    assert!(remark.contains("600 of them identical"), "{remark}");
    assert!(remark.contains("12 test images are training images"), "{remark}");
}

/// FID of noise is far above its reference value, but one unusual test image has a ball that
/// contains all of the noise.
#[test]
fn remarks_on_noise_do_not_praise_its_precision() {
    let training = digits(Split::Train, 0..4000);
    let evaluator = evaluator(&training, &digits(Split::Test, 0..1000), None);
    let remarks = |images: &Images| {
        let metrics = parse_list("fid,precision,density").unwrap();
        let row = evaluator.measure(images, None, &metrics, &mut |_| ()).unwrap().row;
        let remarks = metrics.iter().filter_map(|metric| metric.remark?(&row));
        (row.clone(), remarks.collect::<Vec<String>>())
    };
    let noise = (0..1000 * 784u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
    let (row, found) = remarks(&Images::new(28, 28, noise.collect()).unwrap());
    assert!(value(&row, "precision") > 0.9, "{row:?}");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found.iter().all(|text| text.contains("precision and density are unreliable: FID is ")),
        "{found:?}"
    );
    let (_, of_digits) = remarks(digits(Split::Test, 1000..2000).images());
    assert_eq!(of_digits, [""; 0]);
}

#[test]
fn leaves_out_by_name_what_few_samples_cannot_give() {
    let (training, test) = (digits(Split::Train, 0..1200), digits(Split::Test, 0..1000));
    let evaluator = evaluator(&training, &test, None);
    let few = digits(Split::Test, 1000..1100);
    let measured = evaluator.measure(few.images(), None, &metrics(), &mut |_| ()).unwrap();
    let skipped: Vec<&str> = measured.skipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(skipped, ["kid", "novelty"]);
    let reasons: Vec<String> = measured.skipped.iter().map(|(_, e)| e.to_string()).collect();
    assert!(reasons[0].contains("1000 fake images are necessary"), "{reasons:?}");
    for name in ["fid", "recall", "coverage", "digits_kl", "duplicates", "parzen"] {
        assert!(measured.row.value(name).is_some(), "{name}: {measured:?}");
    }
}

/// Images alone: nothing tells which classes the classifier should find.
#[test]
fn images_without_labels_have_every_metric_but_those_of_classes() {
    let unlabeled = |set: Dataset| Dataset::unlabeled(set.into_parts().0);
    let (training, test) = (digits(Split::Train, 0..1200), digits(Split::Test, 0..1000));
    let samples = digits(Split::Test, 1000..2000);
    let labeled = evaluator(&training, &test, None);
    let alone = evaluator(&unlabeled(training), &unlabeled(test), None);
    assert_eq!(labeled.features_note(), None);
    let note = alone.features_note().unwrap();
    assert!(note.contains("classifier of MNIST") && note.contains("no labels"), "{note}");
    assert_eq!(alone.unreliable_reason().unwrap(), None);
    let measure = |evaluator: &Evaluator| {
        evaluator.measure(samples.images(), None, &metrics(), &mut |_| ()).unwrap()
    };
    let (expected, measured) = (measure(&labeled), measure(&alone));
    let of_classes: Vec<&Metric> = METRICS.iter().filter(|m| m.needs == Needs::Logits).collect();
    let skipped: Vec<&str> = measured.skipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(skipped, of_classes.iter().map(|metric| metric.name()).collect::<Vec<_>>());
    for (name, reason) in &measured.skipped {
        assert!(reason.to_string().contains("no labels"), "{name}: {reason}");
    }
    for (name, found) in &measured.row.metrics {
        assert_eq!(Some(found), expected.row.metrics.get(name), "{name}");
    }
    let values = of_classes.iter().flat_map(|metric| metric.values);
    let missing = values.filter(|value| expected.row.metrics.contains_key(value.name)).count();
    assert!(missing >= 2, "{missing}");
    assert_eq!(measured.row.metrics.len() + missing, expected.row.metrics.len());
    let quick = alone.measure_curve_point(samples.images()).unwrap();
    assert!(quick.reference("fid").is_some() && quick.value("digits_kl").is_none(), "{quick:?}");
}

/// Each metric works with the number of samples that it states, and not with one less.
#[test]
fn each_metric_states_the_least_number_of_samples() {
    let training = digits(Split::Train, 0..1200);
    let evaluator = evaluator(&training, &digits(Split::Test, 0..1000), None);
    for metric in metrics().into_iter().filter(|metric| metric.name() != "novelty") {
        let measure = |count: usize| {
            let samples = digits(Split::Test, 2000..2000 + count);
            evaluator.measure(samples.images(), None, &[metric], &mut |_| ())
        };
        assert!(measure(metric.min_samples).unwrap().skipped.is_empty(), "{metric:?}");
        if metric.min_samples > 1 {
            assert_eq!(measure(metric.min_samples - 1).unwrap().skipped.len(), 1, "{metric:?}");
        }
    }
}

#[test]
fn reference_values_need_as_many_training_images() {
    let (training, test) = (digits(Split::Train, 0..100), digits(Split::Test, 0..150));
    let samples = digits(Split::Test, 150..300);
    let quality = evaluator(&training, &test, None).measure_curve_point(samples.images()).unwrap();
    assert!(quality.value("fid").is_some() && quality.value("precision").is_some());
    let references = ["fid", "precision"].map(|name| quality.reference(name));
    assert_eq!(references, [None, None]);
}

/// The last thousand training images select the width.
#[test]
fn parzen_reference_excludes_the_validation_images() {
    let training = digits(Split::Train, 0..1200);
    let (test, samples) = (digits(Split::Test, 0..100), digits(Split::Test, 100..301));
    let evaluator = evaluator(&training, &test, None);
    let measure = |count: usize| {
        let samples = samples.images().select(&Vec::from_iter(0..count));
        let metrics = parse_list("parzen").unwrap();
        let found = evaluator.measure(&samples.unwrap(), None, &metrics, &mut |_| ());
        found.unwrap().row.reference("parzen")
    };
    let validation = digits(Split::Train, 200..1200);
    let direct = |windows: std::ops::Range<usize>| {
        let windows = digits(Split::Train, windows);
        let sets = (Real(test.images()), Validation(validation.images()));
        let windows = Fake(windows.images());
        parzen(sets.0, sets.1, windows, &default_bandwidths()).unwrap()
    };
    // All other training images are used, whatever the seed.
    let apart = direct(0..200);
    let reference = measure(200).unwrap();
    assert!((reference - apart.log_likelihood.mean).abs() < 1e-9, "{reference} {apart:?}");
    let overlapping = direct(1000..1200).log_likelihood.mean;
    assert!((reference - overlapping).abs() > 1.0, "{overlapping}");
    assert!(measure(199).is_some());
    assert_eq!(measure(201), None);
}

#[test]
fn rejects_what_cannot_be_measured() {
    let refused = |evaluator: &Evaluator, images: &Images, metric| {
        let metrics = parse_list(metric).unwrap();
        match evaluator.measure(images, None, &metrics, &mut |_| ()) {
            Ok(measured) => measured.skipped.into_iter().next().unwrap().1,
            Err(error) => error,
        }
    };
    let (training, test) = (digits(Split::Train, 0..100), digits(Split::Test, 0..100));
    let measured = evaluator(&training, &test, None);
    let few = refused(&measured, test.images(), "kid").to_string();
    assert!(few.contains("1000") && few.contains("100:"), "{few}");
    let large = Images::new(32, 32, vec![0; 1024]).unwrap();
    let large = refused(&measured, &large, "fid");
    assert!(matches!(large, Error::NotMnistSize { rows: 32, .. }), "{large}");
    let modes = parse_list("modes").unwrap();
    let mismatched = measured.measure(test.images(), Some(&[7]), &modes, &mut |_| ());
    assert!(matches!(mismatched, Err(Error::RequestedClasses { classes: 1, samples: 100 })));
    let none = Images::new(28, 28, Vec::new()).unwrap();
    let none = refused(&measured, &none, "duplicates");
    assert!(matches!(none, Error::NoImages), "{none}");

    let no_network = refused(&measured, test.images(), "inception");
    assert!(matches!(no_network, Error::NoInception), "{no_network}");

    let unreadable = evaluator(&bars(20), &bars(20), None);
    let refused = refused(&unreadable, bars(20).images(), "fid");
    assert!(
        matches!(refused, Error::UnreliableFeatures(UnreliableFeatures::Misclassified { .. })),
        "{refused}"
    );
    let few = evaluator(&bars(20), &digits(Split::Test, 0..3), None);
    let too_few = UnreliableFeatures::TooFew { found: 3 };
    assert_eq!(few.unreliable_reason().unwrap(), Some(too_few));
    let duplicates = parse_list("duplicates").unwrap();
    let found = few.measure(bars(5).images(), None, &duplicates, &mut |_| ()).unwrap().row;
    assert_eq!((found.samples, found.reference("duplicates")), (5, Some(5.0 / 4.0)));
}
