//! Cells of a feature space by k-means.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::Tensor;

use crate::rows::squared_distance;
use crate::{Error, Features, Result, Training};

const MOST_ROUNDS: usize = 100;
/// Rounds end when the sum of squared distances falls by less than this share.
const LEAST_GAIN: f64 = 1e-4;

/// A partition of feature space: a row belongs to the cell with the nearest center. Each cell
/// holds at least one of the images of the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    width: usize,
    /// `[cells, width]`.
    centers: Vec<f64>,
}

impl Cells {
    /// Fits at most `cells` centers to features `[n, d]` by Lloyd's algorithm, from centers
    /// drawn by k-means++ (Arthur and Vassilvitskii 2007). Equal images may leave fewer
    /// cells.
    ///
    /// # Errors
    /// [`Error::Cells`] for 0 cells, or more cells than images.
    pub fn fit(training: Training<'_>, cells: usize, seed: u64) -> Result<Cells> {
        let Training(training) = training;
        if cells == 0 || cells > training.len() {
            return Err(Error::Cells { cells, images: training.len() });
        }
        let values = training.tensor();
        let norms = training.squared_norms();
        let mut fitted = Cells::draw_centers(training, cells, seed);
        let mut last_sum = f64::INFINITY;
        for _ in 0..MOST_ROUNDS {
            let assigned = fitted.assign_rows(&values)?;
            fitted.move_to_means(training, &assigned, &norms);
            let sum =
                assigned.iter().zip(&norms).map(|(&(_, score), norm)| score + norm).sum::<f64>();
            if sum >= last_sum * (1.0 - LEAST_GAIN) {
                break;
            }
            last_sum = sum;
        }
        let assigned = fitted.assign_rows(&values)?;
        fitted.drop_empty(&assigned);
        Ok(fitted)
    }

    /// The number of cells.
    pub fn count(&self) -> usize {
        self.centers.len() / self.width
    }

    /// The cell, counted from 0, of each row of features `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Width`].
    pub fn assign(&self, features: &Features) -> Result<Vec<usize>> {
        let (left, right) = (self.width, features.width());
        if left != right {
            return Err(Error::Width { left, right });
        }
        let assigned = self.assign_rows(&features.tensor())?;
        Ok(assigned.into_iter().map(|(cell, _)| cell).collect())
    }

    /// Draws centers among the rows, each with a probability proportional to its squared
    /// distance from the centers drawn before.
    fn draw_centers(rows: &Features, cells: usize, seed: u64) -> Cells {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = random.random_range(0..rows.len());
        let mut nearest = vec![f64::INFINITY; rows.len()];
        let mut centers = Vec::with_capacity(cells * rows.width());
        for _ in 0..cells {
            let row = &rows.values()[drawn * rows.width()..][..rows.width()];
            centers.extend(row.iter().copied().map(f64::from));
            for (at, nearest) in nearest.iter_mut().enumerate() {
                *nearest = nearest.min(squared_distance(rows.row(at), rows.row(drawn)));
            }
            let mut remaining = nearest.iter().sum::<f64>() * random.random::<f64>();
            drawn = nearest
                .iter()
                .position(|squared| {
                    remaining -= squared;
                    remaining < 0.0
                })
                .unwrap_or(drawn);
        }
        Cells { width: rows.width(), centers }
    }

    /// For each row x of f64 `[n, d]`, its cell and ‖c‖² − 2 x·c for the center c of the cell:
    /// the squared distance less ‖x‖².
    fn assign_rows(&self, values: &Tensor) -> Result<Vec<(usize, f64)>> {
        let shape = [self.count() as i64, self.width as i64];
        let centers = Tensor::from_slice(&self.centers).view(shape);
        let norms = (&centers * &centers).sum_dim_intlist([1i64].as_slice(), false, None);
        let (scores, cells) = (values.matmul(&centers.tr()) * -2.0 + norms).min_dim(1, false);
        let scores = Vec::<f64>::try_from(&scores)?;
        let cells = Vec::<i64>::try_from(&cells)?;
        Ok(cells.into_iter().zip(scores).map(|(cell, score)| (cell as usize, score)).collect())
    }

    /// Moves each center to the mean of its rows. A center without rows moves to the row
    /// farthest from its own center.
    fn move_to_means(&mut self, rows: &Features, assigned: &[(usize, f64)], norms: &[f64]) {
        let counts = self.counts(assigned);
        let mut sums = vec![0.0; self.centers.len()];
        for (row, &(cell, _)) in rows.rows().zip(assigned) {
            for (sum, &value) in sums[cell * self.width..].iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        let mut farthest: Vec<(f64, usize)> = Vec::new();
        if counts.contains(&0) {
            let squared = assigned.iter().zip(norms).map(|(assigned, norm)| assigned.1 + norm);
            farthest = squared.zip(0..).collect();
            farthest.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let centers = self.centers.chunks_exact_mut(self.width);
        for ((center, sums), count) in centers.zip(sums.chunks_exact(self.width)).zip(counts) {
            if count > 0 {
                for (value, sum) in center.iter_mut().zip(sums) {
                    *value = sum / count as f64;
                }
            } else if let Some(row) = farthest.pop().and_then(|(_, at)| rows.rows().nth(at)) {
                for (value, &feature) in center.iter_mut().zip(row) {
                    *value = f64::from(feature);
                }
            }
        }
    }

    fn drop_empty(&mut self, assigned: &[(usize, f64)]) {
        let counts = self.counts(assigned);
        let kept = self.centers.chunks_exact(self.width).zip(counts);
        self.centers = kept
            .filter(|&(_, count)| count > 0)
            .flat_map(|(center, _)| center.iter().copied())
            .collect();
    }

    fn counts(&self, assigned: &[(usize, f64)]) -> Vec<usize> {
        let mut counts = vec![0; self.count()];
        for &(cell, _) in assigned {
            counts[cell] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine clusters of 30 points on a grid of spacing 10.
    fn clusters() -> Features {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let values = (0..270)
            .flat_map(|i| {
                let mut near = |at: usize| 10.0 * at as f32 + random.random_range(-1.0..1.0);
                [near(i % 3), near(i / 3 % 3)]
            })
            .collect();
        Features::new(2, values).unwrap()
    }

    #[test]
    fn finds_separate_clusters() {
        let clusters = clusters();
        let cells = Cells::fit(Training(&clusters), 9, 5).unwrap();
        let assigned = cells.assign(&clusters).unwrap();
        assert_eq!(cells.count(), 9);
        for (i, cell) in assigned.iter().enumerate() {
            assert_eq!(*cell, assigned[i % 9], "row {i}");
        }
        let distinct: std::collections::BTreeSet<_> = assigned.iter().collect();
        assert_eq!(distinct.len(), 9);
    }

    #[test]
    fn assigns_rows_to_the_nearest_center() {
        let clusters = clusters();
        let cells = Cells::fit(Training(&clusters), 5, 2).unwrap();
        for (row, cell) in clusters.rows().zip(cells.assign(&clusters).unwrap()) {
            let squared = |center: &[f64]| -> f64 {
                let pairs = center.iter().zip(row);
                pairs.map(|(c, &x)| (c - f64::from(x)).powi(2)).sum()
            };
            let all: Vec<f64> = cells.centers.chunks_exact(2).map(squared).collect();
            assert!(all.iter().all(|&other| all[cell] <= other + 1e-9));
        }
    }

    #[test]
    fn cells_depend_on_the_seed_alone() {
        let clusters = clusters();
        let fit = |seed| Cells::fit(Training(&clusters), 4, seed).unwrap();
        assert_eq!(fit(7), fit(7));
        assert_ne!(fit(7), fit(8));
    }

    #[test]
    fn equal_rows_share_a_cell() {
        let rows = Features::new(1, vec![2.0, 2.0, 2.0, 2.0, 9.0]).unwrap();
        let cells = Cells::fit(Training(&rows), 4, 0).unwrap();
        assert_eq!(cells.count(), 2);
    }

    #[test]
    fn rejects_more_cells_than_images() {
        let rows = Features::new(1, vec![1.0, 2.0]).unwrap();
        for cells in [0, 3] {
            let refused = Cells::fit(Training(&rows), cells, 0);
            assert!(matches!(refused, Err(Error::Cells { images: 2, .. })));
        }
    }
}
