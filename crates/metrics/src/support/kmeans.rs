//! Cells of a feature space by k-means.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

use crate::{Error, Features, Result, Training};

const MAX_ROUNDS: usize = 100;
/// Rounds end when the sum of squared distances falls by less than this share.
const MIN_GAIN: f64 = 1e-4;

/// A partition of feature space: a row belongs to the cell with the nearest center. Each cell
/// holds at least one of the images of the fit.
#[derive(Debug, PartialEq)]
pub(crate) struct Cells {
    /// f64 `[cells, width]`.
    centers: Tensor,
}

impl Cells {
    /// Fits at most `cells` centers to features `[n, d]` by Lloyd's algorithm, from centers
    /// drawn by k-means++ (Arthur and Vassilvitskii 2007). Equal images may leave fewer
    /// cells.
    pub(crate) fn fit(Training(training): Training<'_>, cells: usize, seed: u64) -> Result<Cells> {
        if cells == 0 || cells > training.len() {
            return Err(Error::Cells { cells, images: training.len() });
        }
        let rows = training.tensor();
        let norms = rows.square().sum_dim_intlist(1, false, Kind::Double);
        let mut fitted = Cells { centers: draw_centers(&rows, cells, seed)? };
        let mut last_sum = f64::INFINITY;
        for _ in 0..MAX_ROUNDS {
            let (scores, assigned) = fitted.scores(&rows).min_dim(1, false);
            let counts = assigned.bincount::<Tensor>(None, fitted.count() as i64);
            let sums = fitted.centers.zeros_like().index_add_(0, &assigned, &rows);
            let used = counts.nonzero().view([-1]);
            fitted.centers = (sums / counts.unsqueeze(1)).index_select(0, &used);
            let sum = (scores + &norms).sum(Kind::Double).double_value(&[]);
            if sum >= last_sum * (1.0 - MIN_GAIN) {
                break;
            }
            last_sum = sum;
        }
        let used = fitted.scores(&rows).argmin(1, false).bincount::<Tensor>(None, 0).nonzero();
        Ok(Cells { centers: fitted.centers.index_select(0, &used.view([-1])) })
    }

    /// The number of cells.
    pub(crate) fn count(&self) -> usize {
        self.centers.size()[0] as usize
    }

    /// The cell, counted from 0, of each row of features `[n, d]` of the fit's width.
    pub(crate) fn assign(&self, features: &Features) -> Result<Vec<usize>> {
        let cells = Vec::<i64>::try_from(self.scores(&features.tensor()).argmin(1, false))?;
        Ok(cells.into_iter().map(|cell| cell as usize).collect())
    }

    /// For each row x of f64 `[n, d]` and each center c, ‖c‖² − 2 x·c: the squared distance
    /// less ‖x‖².
    fn scores(&self, rows: &Tensor) -> Tensor {
        let norms = self.centers.square().sum_dim_intlist(1, false, Kind::Double);
        norms.addmm(&(rows * -2.0), &self.centers.tr())
    }
}

/// Draws centers among the rows, each with a probability proportional to its squared
/// distance from the centers drawn before.
fn draw_centers(rows: &Tensor, cells: usize, seed: u64) -> Result<Tensor> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let n = rows.size()[0];
    let mut last = random.random_range(0..n as usize) as i64;
    let mut drawn = vec![last];
    let mut nearest = Tensor::full([n], f64::INFINITY, (Kind::Double, rows.device()));
    while drawn.len() < cells {
        let squared = (rows - rows.get(last)).square();
        nearest = nearest.minimum(&squared.sum_dim_intlist(1, false, Kind::Double));
        let sums = nearest.cumsum(0, Kind::Double);
        let target = sums.get(n - 1) * random.random::<f64>();
        let next = sums.le_tensor(&target).sum(Kind::Int64).int64_value(&[]);
        // No row is left if all have distance 0.
        last = if next < n { next } else { last };
        drawn.push(last);
    }
    Ok(rows.index_select(0, &Tensor::from_slice(&drawn)))
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
            let centers = Vec::<f64>::try_from(cells.centers.view([-1])).unwrap();
            let all: Vec<f64> = centers.chunks_exact(2).map(squared).collect();
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
