//! Nearest neighbours, found by blocked matrix products and exact nevertheless.
//!
//! Products only choose candidates: all rows whose distance may still be among
//! the k smallest, given the bound on the products' error. These are measured
//! anew by summing squared differences. Products of pixels are whole numbers
//! without an error. 10,000 against 60,000 images of 784 pixels stay far below
//! 2 GiB.

use mnist_io::Images;

use crate::Result;
use crate::error::{at_least, same_size};
use crate::features::{Features, blocks};
use crate::products::{QUERIES, REFERENCES, Screen};
use crate::rows::Rows;

/// The nearest row to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor {
    /// Its place, counted from 0.
    pub index: usize,
    /// Euclidean distance, in the units of the values compared.
    pub distance: f64,
}

/// For each forgery, the training image nearest to it: the one with the least
/// Euclidean distance of pixels, in grey levels of 0 to 255; of several, the
/// first. Squared distances are exact whole numbers.
///
/// # Errors
/// [`Error::ImageSize`](crate::Error::ImageSize) where sizes differ;
/// [`Error::TooFew`](crate::Error::TooFew) without training
/// images.
pub fn nearest(forgeries: &Images, training: &Images) -> Result<Vec<Neighbor>> {
    same_size(forgeries, training)?;
    let metric = "the search for the nearest image";
    at_least(1, training.len(), metric, "training images")?;
    Ok(firsts(search(forgeries, training, 1, false)))
}

/// The same in any feature space: for each row of `queries`, the nearest row
/// of `references`; of several, the first.
///
/// # Errors
/// [`Error::Width`](crate::Error::Width);
/// [`Error::TooFew`](crate::Error::TooFew) without references.
pub fn nearest_features(queries: &Features, references: &Features) -> Result<Vec<Neighbor>> {
    queries.same_width(references)?;
    references.at_least(1, "the search for the nearest row", "references")?;
    Ok(firsts(search(queries, references, 1, false)))
}

/// For each row, the squared distance to its k-th nearest other row; `k` must
/// be at least 1, and less than the number of rows.
pub(crate) fn squared_radii(rows: &Features, k: usize) -> Vec<f64> {
    search(rows, rows, k, true)
        .iter()
        .filter_map(|found| found.last())
        .map(|&(squared, _)| squared)
        .collect()
}

fn firsts(found: Vec<Vec<(f64, usize)>>) -> Vec<Neighbor> {
    found
        .iter()
        .filter_map(|found| found.first())
        .map(|&(squared, index)| Neighbor {
            index,
            distance: squared.sqrt(),
        })
        .collect()
}

/// For each query, its k nearest references as (squared distance, index), the
/// nearest first; with `not_itself`, reference i is no neighbour of query i.
fn search<R: Rows>(
    queries: &R,
    references: &R,
    k: usize,
    not_itself: bool,
) -> Vec<Vec<(f64, usize)>> {
    let mut screen = Screen::new(queries, references);
    let mut found = Vec::with_capacity(queries.count());
    for some_queries in blocks(queries.count(), QUERIES) {
        let mut candidates: Vec<Candidates> = some_queries
            .clone()
            .map(|query| Candidates::new(k, screen.error(query)))
            .collect();
        for some_references in blocks(references.count(), REFERENCES) {
            let lines = screen.block(some_queries.clone(), some_references);
            for (candidates, (query, line)) in candidates.iter_mut().zip(lines) {
                line.each_within(candidates.limit, |index, squared| {
                    if !(not_itself && index == query) {
                        candidates.add(squared, index);
                    }
                    candidates.limit
                });
            }
        }
        found.extend(some_queries.zip(candidates).map(|(query, candidates)| {
            candidates.settle(|index| queries.squared_distance(query, references, index))
        }));
    }
    found
}

/// The rows that may be among the k nearest to a query.
struct Candidates {
    k: usize,
    error: f64,
    /// The k smallest approximate squared distances so far, ascending.
    smallest: Vec<f64>,
    /// The largest approximate squared distance of a row that may belong to
    /// the k nearest. Their true ones are at most `error` above `smallest`,
    /// and a row's approximation is at most `error` above its true one.
    limit: f64,
    rows: Vec<(f64, usize)>,
    /// The number of rows at which it pays to drop those beyond the limit.
    crowded: usize,
}

impl Candidates {
    fn new(k: usize, error: f64) -> Candidates {
        Candidates {
            k,
            error,
            smallest: Vec::with_capacity(k + 1),
            limit: f64::INFINITY,
            rows: Vec::new(),
            crowded: 64 + 2 * k,
        }
    }

    fn add(&mut self, squared: f64, index: usize) {
        let place = self.smallest.partition_point(|&s| s <= squared);
        self.smallest.insert(place, squared);
        self.smallest.truncate(self.k);
        if let Some(&kth) = self.smallest.get(self.k - 1) {
            self.limit = if self.error > 0.0 {
                kth + 2.0 * self.error
            } else {
                // Rows come in order: a later one at the same distance loses.
                kth.next_down()
            };
        }
        self.rows.push((squared, index));
        if self.rows.len() >= self.crowded {
            self.drop_hopeless();
            self.crowded = 64 + 2 * self.rows.len();
        }
    }

    fn drop_hopeless(&mut self) {
        if let Some(&kth) = self.smallest.get(self.k - 1) {
            let limit = kth + 2.0 * self.error;
            self.rows.retain(|&(squared, _)| squared <= limit);
        }
    }

    /// The k nearest by the true squared distance, the nearest first; of
    /// several at one distance, the first.
    fn settle(mut self, squared_distance: impl Fn(usize) -> f64) -> Vec<(f64, usize)> {
        self.drop_hopeless();
        let mut rows = self.rows;
        for (squared, index) in &mut rows {
            *squared = squared_distance(*index);
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        rows.truncate(self.k);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn images(n: usize, seed: u64, ink: std::ops::RangeInclusive<u8>) -> Images {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let pixels = (0..n * 28 * 28)
            .map(|_| random.random_range(ink.clone()))
            .collect();
        Images::new(28, 28, pixels).unwrap()
    }

    fn naive<R: Rows>(
        queries: &R,
        references: &R,
        k: usize,
        not_itself: bool,
    ) -> Vec<Vec<(f64, usize)>> {
        (0..queries.count())
            .map(|query| {
                let mut all: Vec<(f64, usize)> = (0..references.count())
                    .filter(|&index| !(not_itself && index == query))
                    .map(|index| (queries.squared_distance(query, references, index), index))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                all.truncate(k);
                all
            })
            .collect()
    }

    #[test]
    fn the_nearest_image_is_the_one_that_a_naive_search_finds_across_blocks() {
        let training = images(REFERENCES + 300, 1, 0..=255);
        let forgeries = images(QUERIES / 8, 2, 0..=255);
        for k in [1, 4] {
            assert_eq!(
                search(&forgeries, &training, k, false),
                naive(&forgeries, &training, k, false)
            );
        }
    }

    /// Products of nearly white images reach 51 million, where f32 counts in
    /// steps of 4.
    #[test]
    fn nearly_white_images_are_told_apart() {
        let training = images(1000, 3, 250..=255);
        let forgeries = images(100, 4, 250..=255);
        assert_eq!(
            search(&forgeries, &training, 3, false),
            naive(&forgeries, &training, 3, false)
        );
    }

    #[test]
    fn of_several_nearest_images_the_first_is_taken() {
        let training = images(50, 5, 0..=255).pixels().repeat(3);
        let training = Images::new(28, 28, training).unwrap();
        let found = nearest(&training, &training).unwrap();
        for (i, neighbor) in found.iter().enumerate() {
            assert_eq!((neighbor.index, neighbor.distance), (i % 50, 0.0));
        }
    }

    #[test]
    fn distances_are_euclidean_in_grey_levels() {
        let training = Images::new(1, 2, vec![0, 0, 200, 100]).unwrap();
        let forgeries = Images::new(1, 2, vec![203, 104]).unwrap();
        assert_eq!(
            nearest(&forgeries, &training).unwrap(),
            [Neighbor {
                index: 1,
                distance: 5.0
            }]
        );
    }

    #[test]
    fn features_far_from_zero_and_close_together_keep_their_order() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let values = (0..300 * 200)
            .map(|_| 1e6 + f32::from(random.random_range(0..9u8)) / 16.0)
            .collect();
        let rows = Features::new(200, values).unwrap();
        assert_eq!(search(&rows, &rows, 3, true), naive(&rows, &rows, 3, true));
    }

    /// Rows on spheres round the first query whose radii differ in the eighth
    /// digit, some twice: products in f32 cannot tell which are nearer.
    #[test]
    fn distances_that_f32_cannot_tell_apart_keep_their_order() {
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
                assert_eq!(
                    search(&queries, &references, k, false),
                    naive(&queries, &references, k, false)
                );
            }
            assert_eq!(
                search(&references, &references, 5, true),
                naive(&references, &references, 5, true)
            );
        }
    }

    /// One pixel of one grey level decides, and every image is there thrice.
    #[test]
    fn images_that_differ_in_one_grey_level_keep_their_order() {
        for side in [28, 40] {
            let mut random = ChaCha8Rng::seed_from_u64(7);
            let image: Vec<u8> = (0..side * side).map(|_| random.random()).collect();
            let mut pixels = image.repeat(60);
            for (i, pixel) in pixels.iter_mut().step_by(side * side + 1).enumerate() {
                *pixel = pixel.wrapping_add((i % 3) as u8);
            }
            let training = Images::new(side, side, pixels.repeat(3)).unwrap();
            for (k, not_itself) in [(1, false), (5, false), (5, true), (179, true)] {
                assert_eq!(
                    search(&training, &training, k, not_itself),
                    naive(&training, &training, k, not_itself)
                );
            }
        }
    }

    #[test]
    fn a_radius_is_the_distance_to_the_kth_nearest_other_row() {
        let rows = Features::new(1, vec![0.0, 1.0, 3.0, 3.0, 7.0]).unwrap();
        assert_eq!(squared_radii(&rows, 1), [1.0, 1.0, 0.0, 0.0, 16.0]);
        assert_eq!(squared_radii(&rows, 2), [9.0, 4.0, 4.0, 4.0, 16.0]);
        assert_eq!(squared_radii(&rows, 4), [49.0, 36.0, 16.0, 16.0, 49.0]);
    }

    #[test]
    fn sizes_and_numbers_are_checked() {
        let image = Images::new(2, 3, vec![0; 6]).unwrap();
        let turned = Images::new(3, 2, vec![0; 6]).unwrap();
        let none = Images::new(2, 3, Vec::new()).unwrap();
        assert!(matches!(
            nearest(&image, &turned),
            Err(Error::ImageSize {
                left: (2, 3),
                right: (3, 2)
            })
        ));
        assert!(matches!(
            nearest(&image, &none),
            Err(Error::TooFew {
                needed: 1,
                found: 0,
                ..
            })
        ));
        assert_eq!(nearest(&none, &image).unwrap(), []);
    }
}
