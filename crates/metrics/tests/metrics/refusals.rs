//! A test for each rule that data must keep, and counts small enough to check by hand.

use gan_metrics::density::density_coverage;
use gan_metrics::duplicates::near_duplicates;
use gan_metrics::fid::{Gaussian, fid};
use gan_metrics::kid::{KidOptions, kid};
use gan_metrics::modes::{modes, predictions};
use gan_metrics::novelty::{CellDistance, NoveltyOptions, c_t, distances_in_cells, novelty};
use gan_metrics::parzen::parzen;
use gan_metrics::precision::precision_recall;
use gan_metrics::{Error, Fake, Features, Real, Training, Validation};
use mnist_io::Images;
use tch::{Kind, Tensor};

use crate::arrays::features;

fn rows(n: usize, d: usize) -> Features {
    features(1, n, d, 1.0, 0.0)
}

#[test]
fn rejects_features_that_are_not_finite() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let found = Features::new(2, vec![0.0, 1.0, 2.0, value]).unwrap_err();
        assert!(matches!(found, Error::OutOfRange { row: 1, column: 1, .. }));
        let text = found.to_string();
        assert!(text.contains("row 1, column 1"), "{text}");
    }
}

#[test]
fn rejects_features_too_large_to_square() {
    let found = Features::new(1, vec![1e18, -1e20]).unwrap_err();
    assert!(matches!(found, Error::OutOfRange { row: 1, column: 0, .. }));
    assert_eq!(
        found.to_string(),
        "the features hold -1e20 at row 1, column 0, but only finite numbers up to 1e18 in size can \
         be measured: check the images and the network that they came from"
    );
}

#[test]
fn rejects_values_that_do_not_fill_rows() {
    for (width, values) in [(0, 0), (0, 4), (3, 4)] {
        let found = Features::new(width, vec![0.0; values]);
        assert!(matches!(found, Err(Error::RowLength { .. })));
    }
}

#[test]
fn rejects_tensors_without_two_dimensions() {
    for shape in [vec![6], vec![2, 3, 1], vec![2, 0], vec![]] {
        let tensor = Tensor::zeros(&shape, (Kind::Float, tch::Device::Cpu));
        let found = Features::from_tensor(&tensor);
        assert!(matches!(found, Err(Error::NotFeatures { shape: s, .. }) if s == shape));
    }
}

#[test]
fn rejects_integer_tensors() {
    let tensor = Tensor::from_slice(&[1i64, 2]).view([1, 2]);
    let found = Features::from_tensor(&tensor);
    assert!(matches!(found, Err(Error::NotFeatures { kind: Kind::Int64, .. })));
    for kind in [Kind::Double, Kind::Float, Kind::Half, Kind::BFloat16] {
        let tensor = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0]).view([2, 2]);
        let turned = tensor.to_kind(kind).tr();
        let found = Features::from_tensor(&turned).unwrap();
        assert_eq!(found.values(), [1.0, 3.0, 2.0, 4.0]);
    }
}

#[test]
fn accepts_empty_features_but_not_for_novelty() {
    let empty = Tensor::zeros([0, 4], (Kind::Float, tch::Device::Cpu));
    let none = Features::from_tensor(&empty).unwrap();
    assert!(none.is_empty());
    let images = rows(30, 4);
    let options = NoveltyOptions { cells: 2, ..NoveltyOptions::default() };
    let training = Training(&images);
    let found = novelty(Real(&images), Fake(&none), training, &options);
    assert!(matches!(found, Err(Error::NoCell { .. })), "{found:?}");
    let found = novelty(Real(&images), Fake(&images), Training(&none), &options);
    assert!(matches!(found, Err(Error::Cells { images: 0, .. })), "{found:?}");
}

#[test]
fn rejects_sides_with_different_widths() {
    let (a, b) = (rows(30, 4), rows(30, 5));
    let refused = |found: Result<(), Error>| {
        let found = found.unwrap_err();
        assert!(matches!(found, Error::Width { .. }), "{found:?}");
    };
    refused(fid(Real(&a), Fake(&b)).map(drop));
    let options = KidOptions { subsets: 1, size: 6, seed: 0 };
    refused(kid(Real(&a), Fake(&b), &options).map(drop));
    refused(precision_recall(Real(&a), Fake(&b), 3).map(drop));
    refused(density_coverage(Real(&a), Fake(&b), 3).map(drop));
    let options = NoveltyOptions::default();
    refused(novelty(Real(&a), Fake(&a), Training(&b), &options).map(drop));
    refused(novelty(Real(&b), Fake(&a), Training(&b), &options).map(drop));
    refused(distances_in_cells(&a, &[0; 30], &b, &[0; 30]).map(drop));
}

#[test]
fn each_metric_names_the_number_of_images_that_it_needs() {
    let (many, few, none) = (rows(30, 4), rows(5, 4), rows(0, 4));
    let refused = |found: Result<(), Error>, least: usize, there: usize| {
        let found = found.unwrap_err();
        assert!(
            matches!(found, Error::TooFew { needed, found, .. } if (needed, found) == (least, there)),
            "{found:?}"
        );
    };
    let one = rows(1, 4);
    refused(fid(Real(&one), Fake(&many)).map(drop), 2, 1);
    refused(fid(Real(&many), Fake(&one)).map(drop), 2, 1);
    let options = KidOptions { subsets: 1, size: 6, seed: 0 };
    refused(kid(Real(&few), Fake(&many), &options).map(drop), 6, 5);
    refused(kid(Real(&many), Fake(&few), &options).map(drop), 6, 5);
    refused(precision_recall(Real(&few), Fake(&many), 5).map(drop), 6, 5);
    refused(precision_recall(Real(&many), Fake(&few), 5).map(drop), 6, 5);
    refused(density_coverage(Real(&few), Fake(&many), 5).map(drop), 6, 5);
    refused(density_coverage(Real(&many), Fake(&none), 5).map(drop), 1, 0);
    refused(modes(Fake(&rows(0, 10))).map(drop), 1, 0);
    refused(near_duplicates(Real(&[]), Fake(&[1.0])).map(drop), 1, 0);
    refused(near_duplicates(Real(&[1.0]), Fake(&[])).map(drop), 1, 0);
}

#[test]
fn rejects_k_of_zero() {
    let rows = rows(5, 2);
    let found = precision_recall(Real(&rows), Fake(&rows), 0);
    assert!(matches!(found, Err(Error::Neighbors)));
    let found = density_coverage(Real(&rows), Fake(&rows), 0);
    assert!(matches!(found, Err(Error::Neighbors)));
}

#[test]
fn rejects_subsets_of_fewer_than_two_images() {
    let rows = rows(5, 2);
    for (subsets, size) in [(0, 3), (2, 1)] {
        let options = KidOptions { subsets, size, seed: 0 };
        let found = kid(Real(&rows), Fake(&rows), &options);
        assert!(matches!(found, Err(Error::Subsets { .. })));
    }
}

#[test]
fn rejects_inconsistent_statistics() {
    let fine = Gaussian::from_parts(vec![0.0; 2], vec![1.0, 0.5, 0.5, 1.0]).unwrap();
    assert_eq!(fine.covariance(), [1.0, 0.5, 0.5, 1.0]);
    for (mean, covariance) in [
        (vec![], vec![]),
        (vec![0.0; 2], vec![1.0; 3]),
        (vec![0.0, f64::NAN], vec![1.0; 4]),
        (vec![0.0; 2], vec![1.0, 0.5, 0.4, 1.0]),
    ] {
        let found = Gaussian::from_parts(mean, covariance);
        assert!(matches!(found, Err(Error::Statistics)));
    }
}

#[test]
fn rejects_logits_for_one_class_or_more_than_a_byte_holds() {
    for width in [1, 257] {
        let found = modes(Fake(&rows(3, width)));
        assert!(matches!(found, Err(Error::Predictions { width: w }) if w == width));
    }
}

#[test]
fn predicts_the_smaller_class_for_equal_logits() {
    let mut logits = [-1.0f32; 20];
    (logits[3], logits[8], logits[19]) = (2.0, 2.0, 5.0);
    let logits = Features::new(10, logits.to_vec()).unwrap();
    assert_eq!(predictions(&logits).unwrap(), [3, 9]);
    let last: Vec<f32> = (0..512u16).map(|i| f32::from(i % 256)).collect();
    assert_eq!(predictions(&Features::new(256, last).unwrap()).unwrap(), [255, 255]);
}

#[test]
fn counts_only_distances_below_the_threshold() {
    let test: Vec<f64> = (1..=2000).rev().map(f64::from).collect();
    // 0.1% of 2,000 test distances are two, and the second smallest is 2.
    let found = near_duplicates(Real(&test), Fake(&[0.0, 1.9, 2.0, 7.0])).unwrap();
    assert_eq!((found.count, found.total, found.threshold), (2, 4, 2.0));
}

/// Test images at distance 0 are training images. They neither set the threshold nor hide copies.
#[test]
fn identical_images_count_whatever_the_test_images() {
    let mut test: Vec<f64> = (1..=2000).map(f64::from).collect();
    test.extend([0.0; 12]);
    let found = near_duplicates(Real(&test), Fake(&[0.0, 0.0, 1.9, 2.0])).unwrap();
    assert_eq!((found.count, found.identical, found.threshold), (3, 2, 2.0));
    assert_eq!(found.test_in_training, 12);
    let none_new = near_duplicates(Real(&[0.0; 5]), Fake(&[0.0, 0.1])).unwrap();
    assert_eq!((none_new.count, none_new.expected, none_new.test_in_training), (1, 0.0, 5));
}

/// A new image takes each rank among the test images equally often.
#[test]
fn expected_count_equals_the_count_over_all_ranks() {
    for n in [1, 10, 1000, 1001, 2500] {
        let test: Vec<f64> = (1..=n).map(f64::from).collect();
        let between: Vec<f64> = (0..=n).map(|i| f64::from(i) + 0.5).collect();
        let found = near_duplicates(Real(&test), Fake(&between)).unwrap();
        let wanted = found.count as f64;
        assert!((found.expected - wanted).abs() < 1e-9, "{found:?}");
    }
}

#[test]
fn rejects_invalid_distances() {
    for wrong in [f64::NAN, f64::INFINITY, -1.0] {
        let found = near_duplicates(Real(&[1.0]), Fake(&[1.0, wrong]));
        assert!(matches!(found, Err(Error::Distance { row: 1, .. })));
        let placed = [0.5, wrong].map(|distance| CellDistance { cell: 0, distance });
        let found = c_t(Real(&placed), Fake(&placed[..1]), &NoveltyOptions::default());
        assert!(matches!(found, Err(Error::Distance { row: 1, .. })));
    }
}

#[test]
fn rejects_invalid_bandwidths() {
    let images = Images::new(1, 2, vec![9; 10]).unwrap();
    let measure =
        |sigmas: &[f64]| parzen(Real(&images), Validation(&images), Fake(&images), sigmas);
    for wrong in [0.0, -1.0, 1e-155, 1e-200, 1e200, f64::NAN, f64::INFINITY] {
        let found = measure(&[0.5, wrong]);
        assert!(matches!(found, Err(Error::Bandwidth { bandwidth: Some(_) })));
    }
    let found = measure(&[]);
    assert!(matches!(found, Err(Error::Bandwidth { bandwidth: None })));
}

#[test]
fn rejects_windows_around_images_of_another_size() {
    let images = |rows, cols, n: usize| Images::new(rows, cols, vec![9; n * 6]).unwrap();
    let (wide, high) = (images(2, 3, 4), images(3, 2, 4));
    let measure = |real, validation, fake| {
        let sets = (Real(real), Validation(validation));
        parzen(sets.0, sets.1, Fake(fake), &[0.5])
    };
    assert!(measure(&wide, &wide, &wide).is_ok());
    for (real, validation) in [(&high, &wide), (&wide, &high)] {
        let found = measure(real, validation, &wide);
        assert!(matches!(found, Err(Error::ImageSize { .. })));
    }
    let none = images(2, 3, 0);
    for (real, validation, fake) in
        [(&none, &wide, &wide), (&wide, &none, &wide), (&wide, &wide, &none)]
    {
        let found = measure(real, validation, fake);
        assert!(matches!(found, Err(Error::TooFew { needed: 1, .. })));
    }
}

#[test]
fn leaves_out_cells_with_too_few_fake_or_no_test_images() {
    let at = |cell: usize, distances: &[f64]| -> Vec<CellDistance> {
        let placed = |&distance: &f64| CellDistance { cell, distance };
        distances.iter().map(placed).collect()
    };
    let test = [at(0, &[1.0, 2.0]), at(1, &[1.0])].concat();
    let fake = [at(0, &[0.5, 3.0]), at(1, &[9.0]), at(2, &[1.0, 1.0])].concat();
    let options = NoveltyOptions { min_fake: 2, ..NoveltyOptions::default() };
    let found = c_t(Real(&test), Fake(&fake), &options).unwrap();
    let kept: Vec<_> = found.cells.iter().map(|cell| cell.z.is_some()).collect();
    assert_eq!(kept, [true, false, false]);
    // In two of four pairs the fake image is farther away: U − nm/2 is 0.
    let z = 0.5 / (4.0f64 * 5.0 / 12.0).sqrt();
    assert!((found.c_t - z).abs() < 1e-12, "{found:?}");
    let options = NoveltyOptions { min_fake: 3, ..options };
    let found = c_t(Real(&test), Fake(&fake), &options);
    assert!(matches!(found, Err(Error::NoCell { cells: 3, needed: 3 })));
}

#[test]
fn rejects_cells_without_training_images() {
    let rows = rows(3, 2);
    let found = distances_in_cells(&rows, &[0, 0], &rows, &[0, 0, 0]);
    assert!(matches!(found, Err(Error::CellCount { cells: 2, images: 3 })));
    let found = distances_in_cells(&rows, &[0, 4, 0], &rows, &[0, 0, 0]);
    assert!(matches!(found, Err(Error::EmptyCell { cell: 4 })));
}
