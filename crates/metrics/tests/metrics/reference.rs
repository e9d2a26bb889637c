//! Agreement with published programs on the same arrays; see
//! `tests/reference/README.md`.

use gan_metrics::density::{self, density_coverage};
use gan_metrics::fid::{Gaussian, fid, frechet_distance};
use gan_metrics::kid::{KidOptions, kid};
use gan_metrics::novelty::{Novelty, NoveltyOptions, c_t, distances_in_cells};
use gan_metrics::parzen::{default_bandwidths, parzen};
use gan_metrics::precision::{self, precision_recall};
use gan_metrics::{Fake, Features, Real, Validation};
use mnist_io::Images;
use serde::Deserialize;

use crate::arrays::{changed, features, first, lattice, uniform};

#[derive(Deserialize)]
struct Expected {
    first_uniform: Vec<f32>,
    fid: Fid,
    squared_mmd: f64,
    precision_recall: Both<PrecisionRecall>,
    density_coverage: Both<DensityCoverage>,
    novelty: NoveltyCases,
    parzen: Parzen,
}

#[derive(Deserialize)]
struct Fid {
    pytorch_fid: f64,
    nuclear_norm: f64,
    few_rows: f64,
    constant_columns: f64,
}

#[derive(Deserialize)]
struct Both<T> {
    smooth: T,
    lattice: T,
}

#[derive(Deserialize)]
struct PrecisionRecall {
    precision: f64,
    recall: f64,
}

#[derive(Deserialize)]
struct DensityCoverage {
    density: f64,
    coverage: f64,
}

#[derive(Deserialize)]
struct NoveltyCases {
    fresh: NoveltyCase,
    copies: NoveltyCase,
    ties: NoveltyCase,
}

#[derive(Deserialize)]
struct NoveltyCase {
    c_t: f64,
    z: [Option<f64>; 4],
}

#[derive(Deserialize)]
struct Parzen {
    sigma: f64,
    mean: f64,
    standard_error: f64,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../reference/expected.json")).unwrap()
}

fn real() -> Features {
    features(1, 1200, 16, 1.0, 0.0)
}

fn fake() -> Features {
    features(2, 1000, 16, 0.9, 0.1)
}

fn close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= relative * expected.abs(),
        "found {found}, expected {expected}, off by {error:e}"
    );
}

#[test]
fn arrays_equal_those_of_the_script() {
    assert_eq!(uniform(1, 4), expected().first_uniform);
}

#[test]
fn frechet_distance_agrees_with_pytorch_fid() {
    let found = fid(Real(&real()), Fake(&fake())).unwrap();
    close(found, expected().fid.pytorch_fid, 1e-9);
    close(found, expected().fid.nuclear_norm, 1e-9);
}

#[test]
fn frechet_distance_agrees_with_fewer_images_than_features() {
    let real = features(4, 40, 64, 1.0, 0.0);
    let fake = features(5, 50, 64, 1.1, 0.0);
    let found = fid(Real(&real), Fake(&fake)).unwrap();
    close(found, expected().fid.few_rows, 1e-9);
}

#[test]
fn frechet_distance_agrees_with_constant_features() {
    let real = changed(&real(), |row| {
        row[0] = 0.5;
        row[5] = 0.5;
    });
    let fake = changed(&fake(), |row| row[5] = 0.5);
    let found = fid(Real(&real), Fake(&fake)).unwrap();
    close(found, expected().fid.constant_columns, 1e-9);
}

#[test]
fn frechet_distance_to_itself_is_zero_for_any_rank() {
    for (n, d) in [(300, 8), (20, 64)] {
        let rows = features(10, n, d, 50.0, 1000.0);
        let found = fid(Real(&rows), Fake(&rows)).unwrap();
        assert!(found.abs() < 1e-7, "{found:e} for {n} rows of {d}");
    }
}

/// N(0, a²) against N(m, b²) in each of two independent features.
#[test]
fn frechet_distance_of_known_gaussians() {
    let a = Gaussian::from_parts(vec![0.0, 0.0], vec![4.0, 0.0, 0.0, 0.0]).unwrap();
    let b = Gaussian::from_parts(vec![3.0, 1.0], vec![25.0, 0.0, 0.0, 9.0]).unwrap();
    let found = frechet_distance(Real(&a), Fake(&b)).unwrap();
    close(found, 9.0 + 1.0 + (5.0f64 - 2.0).powi(2) + 9.0, 1e-14);
}

/// Subsets as large as the sets are the sets.
#[test]
fn kernel_distance_of_subsets_as_large_as_the_sets_agrees_with_torch_fidelity() {
    let (real, fake) = (first(&real(), 1000), fake());
    for subsets in [1, 3] {
        let options = KidOptions { subsets, ..KidOptions::default() };
        let found = kid(Real(&real), Fake(&fake), &options).unwrap();
        close(found.mean, expected().squared_mmd, 1e-9);
        assert!(found.std < 1e-12);
    }
}

#[test]
fn kernel_distance_of_subsets_estimates_that_of_the_sets() {
    let (real, fake) = (real(), fake());
    let measure = |seed| {
        let options = KidOptions { subsets: 50, size: 200, seed };
        kid(Real(&real), Fake(&fake), &options).unwrap()
    };
    let found = measure(1);
    assert_eq!(found, measure(1));
    assert_ne!(found, measure(2));
    let error = (found.mean - expected().squared_mmd).abs();
    assert!(error < 4.0 * found.std / 50f64.sqrt(), "off by {error}");
    assert!(found.std > 0.0);
}

#[test]
fn precision_and_recall_agree_with_torch_fidelity() {
    let cases = [
        (real(), fake(), expected().precision_recall.smooth),
        (lattice(6, 300, 3, 6.0), lattice(7, 250, 3, 5.0), expected().precision_recall.lattice),
    ];
    for (real, fake, expected) in cases {
        let found = precision_recall(Real(&real), Fake(&fake), precision::NEIGHBORS).unwrap();
        // torch-fidelity takes the means in f32.
        close(found.precision, expected.precision, 1e-7);
        close(found.recall, expected.recall, 1e-7);
    }
}

#[test]
fn density_and_coverage_agree_with_prdc() {
    let cases = [
        (real(), fake(), expected().density_coverage.smooth),
        (lattice(6, 300, 3, 6.0), lattice(7, 250, 3, 5.0), expected().density_coverage.lattice),
    ];
    for (real, fake, expected) in cases {
        let found = density_coverage(Real(&real), Fake(&fake), density::NEIGHBORS).unwrap();
        close(found.density, expected.density, 1e-12);
        close(found.coverage, expected.coverage, 1e-12);
    }
}

#[test]
fn novelty_agrees_with_the_published_definition() {
    let quadrant = |row: &[f32]| 2 * usize::from(row[0] > 0.9) + usize::from(row[1] > 0.9);
    let half = |row: &[f32]| usize::from(row[0] > 2.0);
    let training = features(3, 1500, 16, 1.0, 0.0);
    let copies = changed(&first(&training, 1000), |row| {
        row.iter_mut().for_each(|value| *value += 0.001);
    });
    let cases = expected().novelty;
    check(&measure(&real(), &fake(), &training, quadrant), &cases.fresh);
    check(&measure(&real(), &copies, &training, quadrant), &cases.copies);
    check(
        &measure(
            &lattice(6, 300, 3, 6.0),
            &lattice(7, 250, 3, 5.0),
            &lattice(9, 200, 3, 6.0),
            half,
        ),
        &cases.ties,
    );
}

fn measure(
    test: &Features,
    fake: &Features,
    training: &Features,
    cell: impl Fn(&[f32]) -> usize,
) -> Novelty {
    let cells = |images: &Features| images.rows().map(&cell).collect::<Vec<_>>();
    let place =
        |images| distances_in_cells(images, &cells(images), training, &cells(training)).unwrap();
    let options = NoveltyOptions::default();
    c_t(Real(&place(test)), Fake(&place(fake)), &options).unwrap()
}

fn check(found: &Novelty, expected: &NoveltyCase) {
    close(found.c_t, expected.c_t, 1e-12);
    for (cell, z) in expected.z.iter().enumerate() {
        let found = found.cells.iter().find(|score| score.cell == cell);
        match (found.and_then(|score| score.z), z) {
            (Some(found), &Some(z)) => close(found, z, 1e-12),
            (found, z) => assert_eq!(found, *z, "cell {cell}"),
        }
    }
}

#[test]
fn log_likelihood_agrees_with_a_sum_over_all_differences() {
    let expected = expected().parzen;
    let pixels: Vec<u8> = uniform(8, 200 * 36).iter().map(|u| (u * 256.0) as u8).collect();
    let images = |rows: std::ops::Range<usize>| {
        Images::new(6, 6, pixels[36 * rows.start..36 * rows.end].to_vec()).unwrap()
    };
    let (real, validation, windows) = (images(0..50), images(50..100), images(100..200));
    let found = parzen(Real(&real), Validation(&validation), Fake(&windows), &default_bandwidths())
        .unwrap();
    close(found.bandwidth, expected.sigma, 1e-12);
    close(found.log_likelihood.mean, expected.mean, 1e-10);
    close(found.log_likelihood.standard_error, expected.standard_error, 1e-10);
}

/// Every difference of pixels / 255 squared and summed, in f64.
fn naive_log_likelihood(images: &Images, windows: &Images, sigma: f64) -> f64 {
    let value = |&pixel: &u8| f64::from(pixel) / 255.0;
    let exponent = |a: &[u8], b: &[u8]| {
        let squares = a.iter().zip(b).map(|(a, b)| (value(a) - value(b)).powi(2));
        -squares.sum::<f64>() / (2.0 * sigma * sigma)
    };
    let of_image = |image: &[u8]| {
        let exponents: Vec<f64> = windows.iter().map(|w| exponent(image, w)).collect();
        let largest = exponents.iter().copied().fold(f64::MIN, f64::max);
        largest + exponents.iter().map(|e| (e - largest).exp()).sum::<f64>().ln()
    };
    let d = (images.rows() * images.cols()) as f64;
    let volume = 0.5 * d * (std::f64::consts::TAU * sigma * sigma).ln();
    let mean = images.iter().map(of_image).sum::<f64>() / images.len() as f64;
    mean - (windows.len() as f64).ln() - volume
}

#[test]
fn log_likelihood_of_pixels_agrees_with_a_sum_over_all_differences() {
    // Images of more than 1,024 pixels are multiplied in f64.
    for (side, tolerance) in [(28, 1e-12), (33, 1e-12)] {
        let images = |seed, n: usize| {
            let pixels = uniform(seed, n * side * side);
            let pixels = pixels.iter().map(|u| (u * 256.0) as u8).collect();
            Images::new(side, side, pixels).unwrap()
        };
        let (real, validation, windows) = (images(10, 30), images(11, 20), images(12, 40));
        let found =
            parzen(Real(&real), Validation(&validation), Fake(&windows), &default_bandwidths())
                .unwrap();
        let tried = default_bandwidths().map(|s| naive_log_likelihood(&validation, &windows, s));
        let best = tried.iter().copied().fold(f64::MIN, f64::max);
        let at = tried.iter().position(|&t| t == best).unwrap();
        assert_eq!(found.bandwidth, default_bandwidths()[at]);
        let expected = naive_log_likelihood(&real, &windows, found.bandwidth);
        close(found.log_likelihood.mean, expected, tolerance);
    }
}

/// Windows so narrow that every single exponential underflows.
#[test]
fn log_likelihood_of_windows_far_narrower_than_distances() {
    let image = Images::new(1, 2, vec![0, 0]).unwrap();
    let windows = Images::new(1, 2, vec![3, 4, 30, 40]).unwrap();
    let sigma = 0.01 / 255.0;
    let found = parzen(Real(&image), Validation(&image), Fake(&windows), &[sigma]).unwrap();
    let volume = (std::f64::consts::TAU * sigma * sigma).ln();
    close(found.log_likelihood.mean, -25.0 / 2e-4 - 2f64.ln() - volume, 1e-12);
}
