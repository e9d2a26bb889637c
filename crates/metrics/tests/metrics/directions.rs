//! How each metric changes on good, bad and copied images of MNIST.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use gan_metrics::density::{self, density_coverage};
use gan_metrics::duplicates::{Duplicates, near_duplicates};
use gan_metrics::fid::fid;
use gan_metrics::kid::{KidOptions, kid};
use gan_metrics::modes::{Modes, modes};
use gan_metrics::neighbors::nearest;
use gan_metrics::novelty::{Novelty, NoveltyOptions, novelty};
use gan_metrics::parzen::{default_bandwidths, parzen};
use gan_metrics::precision::{self, precision_recall};
use gan_metrics::{Fake, Features, Real, Training, Validation};
use mnist_io::{Dataset, Images, Split};

use crate::arrays::uniform;

/// Images in each set of a comparison.
const N: usize = 1000;

struct Mnist {
    training: Images,
    test: Images,
    /// Other test images.
    held_out: Images,
    held_out_labels: Vec<u8>,
    noise: Images,
    /// One image, repeated.
    repeated: Images,
}

/// The first 4,000 training images, and 2,000 test images split into two sets.
static MNIST: LazyLock<Mnist> = LazyLock::new(|| {
    let folder = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    let open = |split| {
        Dataset::open(&folder, split).unwrap_or_else(|e| {
            panic!("{e}\nfetch the images with `cargo xtask fetch`, or name their folder in the variable MNIST")
        })
    };
    let pick = |from: &Dataset, places: &[usize]| from.images().select(places).unwrap();
    let (training, test) = (open(Split::Train), open(Split::Test));
    let set = |first: usize| (first..2 * N).step_by(2).collect::<Vec<_>>();
    let noise = uniform(11, N * 784).iter().map(|u| (u * 256.0) as u8).collect();
    Mnist {
        training: pick(&training, &(0..4 * N).collect::<Vec<_>>()),
        test: pick(&test, &set(0)),
        held_out: pick(&test, &set(1)),
        held_out_labels: set(1).iter().map(|&at| test.labels()[at]).collect(),
        noise: Images::new(28, 28, noise).unwrap(),
        repeated: pick(&test, &vec![1; N]),
    }
});

/// The mean of each 4 by 4 square of pixels, from 0 to 1: `[n, 49]`.
fn squares(images: &Images) -> Features {
    let mut values = Vec::new();
    for image in images.iter() {
        for (top, left) in (0..28).step_by(4).flat_map(|y| (0..28).step_by(4).map(move |x| (y, x)))
        {
            let rows = image.chunks_exact(28).skip(top).take(4);
            let sum: u32 = rows.flat_map(|row| &row[left..left + 4]).map(|&p| u32::from(p)).sum();
            values.push(sum as f32 / (16.0 * 255.0));
        }
    }
    Features::new(49, values).unwrap()
}

/// FID, KID, precision, recall, density, coverage against the test images.
#[derive(Debug)]
struct Quality {
    fid: f64,
    kid: f64,
    precision: f64,
    recall: f64,
    density: f64,
    coverage: f64,
}

fn quality(fake: &Images) -> Quality {
    let (real, fake) = (squares(&MNIST.test), squares(fake));
    let (o, f) = (|| Real(&real), || Fake(&fake));
    let options = KidOptions { subsets: 10, size: 500, seed: 0 };
    let pr = precision_recall(o(), f(), precision::NEIGHBORS).unwrap();
    let dc = density_coverage(o(), f(), density::NEIGHBORS).unwrap();
    Quality {
        fid: fid(o(), f()).unwrap(),
        kid: kid(o(), f(), &options).unwrap().mean,
        precision: pr.precision,
        recall: pr.recall,
        density: dc.density,
        coverage: dc.coverage,
    }
}

fn copying(fake: &Images) -> Novelty {
    let options = NoveltyOptions { cells: 10, permutations: 200, ..NoveltyOptions::default() };
    novelty(
        Real(&squares(&MNIST.test)),
        Fake(&squares(fake)),
        Training(&squares(&MNIST.training)),
        &options,
    )
    .unwrap()
}

fn duplicates(fake: &Images) -> Duplicates {
    let distances = |images| {
        let found = nearest(images, &MNIST.training).unwrap();
        found.iter().map(|n| n.distance).collect::<Vec<_>>()
    };
    near_duplicates(Real(&distances(&MNIST.test)), Fake(&distances(fake))).unwrap()
}

#[test]
fn held_out_images_get_good_values() {
    let found = quality(&MNIST.held_out);
    assert!(found.fid < 0.05, "{found:?}");
    assert!(found.kid.abs() < 0.001, "{found:?}");
    assert!(found.precision > 0.8 && found.recall > 0.8, "{found:?}");
    assert!((found.density - 1.0).abs() < 0.15, "{found:?}");
    assert!(found.coverage > 0.9, "{found:?}");
}

#[test]
fn noise_gets_bad_values() {
    let (noise, honest) = (quality(&MNIST.noise), quality(&MNIST.held_out));
    assert!(noise.fid > 100.0 * honest.fid, "{noise:?}");
    assert!(noise.kid > 0.1, "{noise:?}");
    assert_eq!(noise.precision, 0.0);
    assert_eq!(noise.recall, 0.0);
    assert_eq!(noise.density, 0.0);
    assert_eq!(noise.coverage, 0.0);
    let novelty = copying(&MNIST.noise);
    assert!(novelty.c_t > 10.0, "{novelty:?}");
    assert!(novelty.c_t > novelty.null.mean + 10.0 * novelty.null.std, "{novelty:?}");
    assert_eq!(duplicates(&MNIST.noise).count, 0);
}

#[test]
fn one_image_repeated_has_no_recall() {
    let found = quality(&MNIST.repeated);
    assert!(found.recall < 0.01, "{found:?}");
    assert!(found.coverage < 0.01, "{found:?}");
    assert!(found.fid > 1.0, "{found:?}");
}

#[test]
fn exchanging_the_sides_exchanges_precision_and_recall() {
    // Only ones: all good, but most real digits are missing.
    let ones: Vec<usize> = (0..N).filter(|&i| MNIST.held_out_labels[i] == 1).collect();
    let fake = squares(&MNIST.held_out.select(&ones).unwrap());
    let real = squares(&MNIST.test);
    let found = precision_recall(Real(&real), Fake(&fake), 3).unwrap();
    let turned = precision_recall(Real(&fake), Fake(&real), 3).unwrap();
    assert_eq!((found.precision, found.recall), (turned.recall, turned.precision));
    assert!(found.precision > 0.8 && found.recall < 0.3, "{found:?}");
}

#[test]
fn novelty_detects_copies_of_training_images() {
    let copies = MNIST.training.select(&(0..N).collect::<Vec<_>>()).unwrap();
    let found = copying(&copies);
    assert!(found.c_t < -5.0, "{found:?}");
    assert!(found.c_t < found.null.mean - 20.0 * found.null.std, "{found:?}");
    assert_eq!(duplicates(&copies).count, N);
}

#[test]
fn novelty_does_not_call_held_out_images_copies() {
    let found = copying(&MNIST.held_out);
    assert!((found.c_t - found.null.mean).abs() < 2.3 * found.null.std, "{found:?}");
    assert!(found.c_t.abs() < 4.0 * found.null.std, "{found:?}");
    assert!(duplicates(&MNIST.held_out).count <= 5);
}

#[test]
fn images_have_a_larger_likelihood_than_noise() {
    let first = |images: &Images| {
        let some: Vec<usize> = (0..N / 2).collect();
        images.select(&some).unwrap()
    };
    let (test, validation) = (first(&MNIST.test), first(&MNIST.training));
    let measure = |fake: &Images| {
        let windows = first(fake);
        let (o, v) = (Real(&test), Validation(&validation));
        parzen(o, v, Fake(&windows), &default_bandwidths()).unwrap()
    };
    let (honest, noise) = (measure(&MNIST.held_out), measure(&MNIST.noise));
    assert!(honest.log_likelihood.mean > 0.0, "{honest:?}");
    assert!(noise.log_likelihood.mean < -200.0, "{noise:?}");
}

#[test]
fn counts_one_mode_and_ten_modes() {
    let logits = |labels: &[u8]| {
        let rows = labels.iter().flat_map(|&label| {
            let mut row = [0.0; 10];
            row[usize::from(label)] = 5.0;
            row
        });
        Features::new(10, rows.collect()).unwrap()
    };
    let all = modes(Fake(&logits(&MNIST.held_out_labels))).unwrap();
    let one = modes(Fake(&logits(&[7; 50]))).unwrap();
    let occurring = |modes: &Modes| modes.shares.iter().filter(|&&share| share > 0.0).count();
    assert_eq!((occurring(&all), occurring(&one)), (10, 1));
    assert!(all.kl_to_uniform < 0.02, "{all:?}");
    assert!((one.kl_to_uniform - 10f64.ln()).abs() < 1e-12, "{one:?}");
    let letters =
        Features::new(26, (0..26 * 26).map(|i| f32::from(u8::from(i % 27 == 0))).collect());
    let letters = modes(Fake(&letters.unwrap())).unwrap();
    assert_eq!((occurring(&letters), letters.shares.len()), (26, 26));
    assert!(letters.kl_to_uniform < 1e-12, "{letters:?}");
    let confidence = 5f64.exp() / (5f64.exp() + 9.0);
    assert!((one.mean_confidence - confidence).abs() < 1e-12, "{one:?}");
}
