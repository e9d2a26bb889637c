//! Exact nearest neighbors by Euclidean distance.
//!
//! Matrix products give approximate distances with a bound on their error. All rows that
//! may be among the k nearest within this bound are measured again, by summing squared
//! differences. 10,000 against 60,000 images of 784 pixels stay below 1 GiB.

use mnist_io::Images;
use tch::Kind;

use super::distances::Distances;
use super::error::{at_least, same_size};
use super::features::Features;
use crate::Result;

/// The nearest row to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Index of the row, counted from 0.
    pub index: usize,
    /// Euclidean distance, in the units of the values compared.
    pub distance: f64,
}

/// For each query image, the nearest reference image: the one with the smallest Euclidean
/// distance of pixels, in gray levels of 0 to 255. Among equally near images the first one
/// counts. Squared distances are exact whole numbers.
///
/// # Errors
/// [`Error::ImageSize`](crate::Error::ImageSize) for images of different sizes;
/// [`Error::TooFew`](crate::Error::TooFew) without reference images.
pub fn nearest(queries: &Images, references: &Images) -> Result<Vec<Neighbor>> {
    same_size(queries, references)?;
    let metric = "the search for the nearest image";
    at_least(1, references.len(), metric, "reference images")?;
    Ok(nearest_of_each(search(&Distances::new(queries, references, Kind::Float), 1, false)))
}

/// The same for features: for each row of `queries`, the nearest row of `references`.
/// Among equally near rows the first one counts.
///
/// # Errors
/// [`Error::Width`](crate::Error::Width);
/// [`Error::TooFew`](crate::Error::TooFew) without references.
pub fn nearest_features(queries: &Features, references: &Features) -> Result<Vec<Neighbor>> {
    queries.same_width(references)?;
    at_least(1, references.len(), "the search for the nearest row", "references")?;
    Ok(nearest_of_each(search(&Distances::new(queries, references, Kind::Float), 1, false)))
}

/// For each row, the squared distance to its k-th nearest other row. `k` must be at least
/// 1, and less than the number of rows.
pub(crate) fn squared_radii(rows: &Features, k: usize) -> Vec<f64> {
    let found = search(&Distances::new(rows, rows, Kind::Float), k, true);
    let kth = found.iter().filter_map(|found| found.last());
    kth.map(|&(squared, _)| squared).collect()
}

fn nearest_of_each(found: Vec<Vec<(f64, usize)>>) -> Vec<Neighbor> {
    let first = found.iter().filter_map(|found| found.first());
    first.map(|&(squared, index)| Neighbor { index, distance: squared.sqrt() }).collect()
}

/// For each query, its k nearest references as (squared distance, index), the nearest
/// first. With `exclude_self`, reference i is no neighbor of query i.
fn search(distances: &Distances<'_>, k: usize, exclude_self: bool) -> Vec<Vec<(f64, usize)>> {
    let mut found = Vec::with_capacity(distances.queries.len());
    distances.for_each_query(|query, approximate| {
        if exclude_self {
            approximate[query] = f64::INFINITY;
        }
        // A row among the k nearest is at most this far: its own distance and the k-th
        // smallest one are each off by at most the error bound.
        let limit = kth_smallest(approximate, k) + 2.0 * distances.error_bound(query);
        let candidates = approximate.iter().enumerate();
        let mut near: Vec<(f64, usize)> = candidates
            .filter(|&(index, &squared)| squared <= limit && !(exclude_self && index == query))
            .map(|(index, _)| (distances.exact_squared_distance(query, index), index))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(k);
        found.push(near);
    });
    found
}

/// Infinity if there are fewer than k values.
fn kth_smallest(values: &[f64], k: usize) -> f64 {
    let mut smallest = vec![f64::INFINITY; k];
    for chunk in values.chunks(32) {
        let worst = smallest[k - 1];
        // Without a branch, so that the processor compares several values at once.
        if !chunk.iter().fold(false, |any, &v| any | (v < worst)) {
            continue;
        }
        for &value in chunk {
            if value < smallest[k - 1] {
                let place = smallest.partition_point(|&s| s <= value);
                smallest[place..].rotate_right(1);
                smallest[place] = value;
            }
        }
    }
    smallest[k - 1]
}

#[cfg(test)]
mod tests {
    use super::super::distances::QUERIES;
    use super::*;
    use crate::Error;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn images(n: usize, seed: u64, pixel_values: std::ops::RangeInclusive<u8>) -> Images {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pixels = (0..n * 28 * 28).map(|_| random.random_range(pixel_values.clone())).collect();
        Images::new(28, 28, pixels).unwrap()
    }

    /// Sorts all references of each query by squared distance and index.
    fn naive(distances: &Distances<'_>, k: usize, exclude_self: bool) -> Vec<Vec<(f64, usize)>> {
        let (queries, references) = (distances.queries.len(), distances.references.len());
        (0..queries)
            .map(|query| {
                let mut all: Vec<(f64, usize)> = (0..references)
                    .filter(|&index| !(exclude_self && index == query))
                    .map(|index| (distances.exact_squared_distance(query, index), index))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                all.truncate(k);
                all
            })
            .collect()
    }

    #[track_caller]
    fn assert_exact(distances: &Distances<'_>, k: usize, exclude_self: bool) {
        let found = search(distances, k, exclude_self);
        assert_eq!(found, naive(distances, k, exclude_self));
    }

    #[test]
    fn nearest_images_equal_those_of_a_naive_search_across_blocks() {
        let training = images(4396, 1, 0..=255);
        let fake = images(QUERIES + 9, 2, 0..=255);
        for k in [1, 4] {
            assert_exact(&Distances::new(&fake, &training, Kind::Float), k, false);
        }
    }

    /// Products of uncentered white images reach 51 million, where f32 has steps of 4.
    #[test]
    fn tells_nearly_white_images_apart() {
        let training = images(1000, 3, 250..=255);
        let fake = images(100, 4, 250..=255);
        assert_exact(&Distances::new(&fake, &training, Kind::Float), 3, false);
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
        assert_exact(&Distances::new(&rows, &rows, Kind::Float), 3, true);
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
            for k in [1, 3, 60] {
                assert_exact(&Distances::new(&queries, &references, Kind::Float), k, false);
            }
            assert_exact(&Distances::new(&references, &references, Kind::Float), 5, true);
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
            for (k, not_itself) in [(1, false), (5, false), (5, true), (179, true)] {
                assert_exact(&Distances::new(&training, &training, Kind::Float), k, not_itself);
            }
        }
    }

    #[test]
    fn radii_are_distances_to_the_kth_nearest_other_row() {
        let rows = Features::new(1, vec![0.0, 1.0, 3.0, 3.0, 7.0]).unwrap();
        assert_eq!(squared_radii(&rows, 1), [1.0, 1.0, 0.0, 0.0, 16.0]);
        assert_eq!(squared_radii(&rows, 2), [9.0, 4.0, 4.0, 4.0, 16.0]);
        assert_eq!(squared_radii(&rows, 4), [49.0, 36.0, 16.0, 16.0, 49.0]);
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
}
