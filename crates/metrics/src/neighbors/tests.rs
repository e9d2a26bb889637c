//! Distances and neighbors beside naive sums.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::Error;

fn images(n: usize, seed: u64, pixel: std::ops::RangeInclusive<u8>) -> Images {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let pixels = (0..n * 784).map(|_| random.random_range(pixel.clone())).collect();
    Images::new(28, 28, pixels).unwrap()
}

fn all_squared(queries: &Rows, references: &Rows) -> Vec<Vec<f64>> {
    let blocks = queries.squared_distances(references);
    blocks.flat_map(|block| Vec::<Vec<f64>>::try_from(block).unwrap()).collect()
}

/// Sums of squared differences, one by one.
fn naive_squared(queries: &Rows, references: &Rows) -> Vec<Vec<f64>> {
    let rows = |rows: &Rows| Vec::<Vec<f64>>::try_from(rows.values()).unwrap();
    let squared = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    let references = rows(references);
    let line = |q: &Vec<f64>| references.iter().map(|r| squared(q, r)).collect();
    rows(queries).iter().map(line).collect()
}

/// Checks all distances, and the indices of the `k` nearest.
#[track_caller]
fn assert_exact(queries: impl Into<Rows>, references: impl Into<Rows>, k: usize) {
    let (queries, references) = (queries.into(), references.into());
    let nearest = |line: &[f64]| {
        let mut indices: Vec<usize> = (0..line.len()).collect();
        indices.sort_by(|&a, &b| line[a].total_cmp(&line[b]).then(a.cmp(&b)));
        indices.truncate(k);
        indices
    };
    let (found, naive) = (all_squared(&queries, &references), naive_squared(&queries, &references));
    assert_eq!(found.len(), naive.len());
    for (found, naive) in found.iter().zip(&naive) {
        match queries {
            Rows::Pixels(_) => assert_eq!(found, naive),
            Rows::Features(_) => {
                let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-13 * b.abs();
                assert!(found.iter().zip(naive).all(close), "{found:?} {naive:?}");
            }
        }
        assert_eq!(nearest(found), nearest(naive));
    }
}

#[test]
fn distances_of_images_equal_naive_sums_across_blocks() {
    let training = images(1000, 1, 0..=255);
    let fake = images(BLOCK + 9, 2, 0..=255);
    assert_exact(&fake, &training, 4);
}

/// Products of uncentered white images reach 51 million, where f32 has steps of 4.
#[test]
fn tells_nearly_white_images_apart() {
    let training = images(1000, 3, 250..=255);
    let fake = images(100, 4, 250..=255);
    assert_exact(&fake, &training, 3);
}

#[test]
fn squared_distances_of_pixels_are_exact_whole_numbers() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for side in [1, 2, 8, 28, 32, 50] {
        let mut images = |n: usize, pixel: &mut dyn FnMut(&mut ChaCha8Rng, usize) -> u8| {
            let pixels = (0..n * side * side).map(|i| pixel(&mut random, i)).collect();
            Images::new(side, side, pixels).unwrap()
        };
        let any = images(70, &mut |random, _| random.random());
        let extreme = images(70, &mut |_, i| if i % 3 == 0 { 255 } else { 0 });
        let white = images(40, &mut |_, i| 255 - u8::from(i % 7 == 0));
        let black = images(2, &mut |_, _| 0);
        for a in [&any, &extreme, &white, &black] {
            for b in [&any, &extreme, &white, &black] {
                assert_exact(a, b, 1);
            }
        }
    }
}

#[test]
fn takes_the_first_of_equally_near_images() {
    let training = images(50, 5, 0..=255).pixels().repeat(3);
    let training = Images::new(28, 28, training).unwrap();
    let found = nearest(&training, &training).unwrap();
    for (i, neighbor) in found.iter().enumerate() {
        assert_eq!((neighbor.index, neighbor.distance), (i % 50, 0.0));
    }
}

#[test]
fn distances_are_euclidean_in_gray_levels() {
    let training = Images::new(1, 2, vec![0, 0, 200, 100]).unwrap();
    let fake = Images::new(1, 2, vec![203, 104]).unwrap();
    assert_eq!(nearest(&fake, &training).unwrap(), [Neighbor { index: 1, distance: 5.0 }]);
}

#[test]
fn orders_features_far_from_zero_and_close_together() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let values =
        (0..300 * 200).map(|_| 1e6 + f32::from(random.random_range(0..9u8)) / 16.0).collect();
    let rows = Features::new(200, values).unwrap();
    assert_exact(&rows, &rows, 4);
}

#[test]
fn distances_of_tiny_and_huge_features_equal_naive_sums() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut any = |scale: f32, offset: f32| {
        let values = (0..60 * 37).map(|_| offset + scale * random.random_range(-1.0..1.0f32));
        Features::new(37, values.collect()).unwrap()
    };
    let (near, far) = (any(1.0, 0.0), any(1.0, 1e6));
    let (tiny, huge) = (any(1e-30, 0.0), any(1e18, 0.0));
    for a in [&near, &far, &tiny, &huge] {
        for b in [&near, &far, &tiny, &huge] {
            assert_exact(a, b, 0);
        }
    }
}

/// Equal rows, and rows that differ in the last bit of f32.
#[test]
fn distances_near_zero_equal_naive_sums() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let one: Vec<f32> = (0..40 * 128).map(|i| (i % 128) as f32 * 1e3).collect();
    let nearly = one.iter().map(|v| f32::from_bits(v.to_bits() + (random.next_u32() & 1)));
    let nearly = Features::new(128, nearly.collect()).unwrap();
    let one = Features::new(128, one).unwrap();
    for (a, b) in [(&one, &one), (&one, &nearly), (&nearly, &nearly)] {
        assert_exact(a, b, 1);
    }
}

/// Rows on spheres around the first query whose radii differ in the eighth digit, some
/// twice: f32 cannot represent the difference.
#[test]
fn orders_distances_that_differ_in_the_eighth_digit() {
    const WIDTH: usize = 128;
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for scale in [1e-20f32, 1.0, 1e15] {
        let mut values = Vec::new();
        for i in 0..400 {
            let row: Vec<f64> = (0..WIDTH).map(|_| random.random_range(-1.0..1.0)).collect();
            let norm = row.iter().map(|v| v * v).sum::<f64>().sqrt();
            let radius = (1.0 + f64::from(i % 50) * 1e-8) / norm;
            values.extend(row.iter().map(|v| (v * radius) as f32 * scale));
        }
        values.extend_from_within(..100 * WIDTH);
        let references = Features::new(WIDTH, values).unwrap();
        let mut queries = vec![0.0; WIDTH];
        queries.extend_from_slice(&references.values()[..20 * WIDTH]);
        let queries = Features::new(WIDTH, queries).unwrap();
        assert_exact(&queries, &references, 60);
        assert_exact(&references, &references, 6);
    }
}

/// One pixel differs by one gray level, and every image occurs three times.
#[test]
fn orders_images_that_differ_in_one_gray_level() {
    for side in [28, 40] {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let image: Vec<u8> = (0..side * side).map(|_| random.random()).collect();
        let mut pixels = image.repeat(60);
        for (i, pixel) in pixels.iter_mut().step_by(side * side + 1).enumerate() {
            *pixel = pixel.wrapping_add((i % 3) as u8);
        }
        let training = Images::new(side, side, pixels.repeat(3)).unwrap();
        assert_exact(&training, &training, 180);
    }
}

fn squared_radii(rows: &Features, k: usize) -> Vec<f64> {
    Vec::try_from(Balls::new(rows, k).squared_radii).unwrap()
}

#[test]
fn radii_are_distances_to_the_kth_nearest_other_row() {
    let rows = Features::new(1, vec![0.0, 1.0, 3.0, 3.0, 7.0]).unwrap();
    assert_eq!(squared_radii(&rows, 1), [1.0, 1.0, 0.0, 0.0, 16.0]);
    assert_eq!(squared_radii(&rows, 2), [9.0, 4.0, 4.0, 4.0, 16.0]);
    assert_eq!(squared_radii(&rows, 4), [49.0, 36.0, 16.0, 16.0, 49.0]);
}

/// Multiples of 1/16 far from 0, in more than one block: many rows lie exactly on surfaces.
#[test]
fn counts_equal_those_of_a_naive_comparison_across_blocks() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut far = |n: usize| {
        let values = (0..n * 20).map(|i| {
            let sixteenths = random.random_range(0..9u8);
            3e5 + 16384.0 * (i % 20) as f32 + f32::from(sixteenths) / 16.0
        });
        Features::new(20, values.collect()).unwrap()
    };
    let (rows, centers) = (far(BLOCK + 9), far(1000));
    let balls = Balls::new(&centers, 3);
    let radii = Vec::<f64>::try_from(&balls.squared_radii).unwrap();
    let squared = naive_squared(&(&rows).into(), &(&centers).into());
    // Whole multiples of 1/256 within rounding.
    let whole = |squared: f64| (squared * 256.0).round();
    let compare: [fn(&Tensor, &Tensor) -> Tensor; 2] = [Tensor::le_tensor, Tensor::lt_tensor];
    let naive: [fn(&f64, &f64) -> bool; 2] = [f64::le, f64::lt];
    for (compare, naive) in compare.into_iter().zip(naive) {
        let inside =
            |row: usize, ball: usize| naive(&whole(squared[row][ball]), &whole(radii[ball])) as i64;
        let (balls_of_row, rows_of_ball) = balls.count(&rows, compare);
        let of_row = |row| (0..centers.len()).map(|ball| inside(row, ball)).sum::<i64>();
        let of_ball = |ball| (0..rows.len()).map(|row| inside(row, ball)).sum::<i64>();
        let counts = |t: &Tensor| Vec::<i64>::try_from(t).unwrap();
        assert_eq!(counts(&balls_of_row), (0..rows.len()).map(of_row).collect::<Vec<_>>());
        assert_eq!(counts(&rows_of_ball), (0..centers.len()).map(of_ball).collect::<Vec<_>>());
    }
}

/// A collapsed generator: all rows are equal, and all radii are 0.
#[test]
fn balls_of_radius_zero_contain_equal_rows() {
    let rows = Features::new(3, [0.1, 0.7, 1e3].repeat(20)).unwrap();
    let counts = |compare| {
        let (balls_of_row, _) = Balls::new(&rows, 3).count(&rows, compare);
        Vec::<i64>::try_from(balls_of_row).unwrap()
    };
    assert_eq!(counts(Tensor::le_tensor), [20; 20]);
    assert_eq!(counts(Tensor::lt_tensor), [0; 20]);
}

#[test]
fn rejects_other_sizes_and_empty_references() {
    let image = Images::new(2, 3, vec![0; 6]).unwrap();
    let turned = Images::new(3, 2, vec![0; 6]).unwrap();
    let none = Images::new(2, 3, Vec::new()).unwrap();
    assert!(matches!(
        nearest(&image, &turned),
        Err(Error::ImageSize { left: (2, 3), right: (3, 2) })
    ));
    assert!(matches!(nearest(&image, &none), Err(Error::TooFew { needed: 1, found: 0, .. })));
    assert_eq!(nearest(&none, &image).unwrap(), []);
}
