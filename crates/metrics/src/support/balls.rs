//! Counts rows inside balls: the common part of precision, recall, density and coverage.

use tch::Kind;

use super::distances::Distances;
use super::features::Features;

/// The counts for each row and each ball.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BallCounts {
    /// The number of balls that contain each row.
    pub(crate) balls_of_row: Vec<u32>,
    /// The number of rows inside each ball.
    pub(crate) rows_of_ball: Vec<u32>,
}

/// Counts `rows` inside the balls around `centers`. Both must have the same width, and each
/// center has a squared radius. `is_inside` compares a squared distance with a squared radius:
/// `f64::le` includes the surface of a ball, `f64::lt` excludes it.
pub(crate) fn count_inside(
    rows: &Features,
    centers: &Features,
    squared_radii: &[f64],
    is_inside: fn(&f64, &f64) -> bool,
) -> BallCounts {
    let distances = Distances::new(rows, centers, Kind::Float);
    let mut counts =
        BallCounts { balls_of_row: vec![0; rows.len()], rows_of_ball: vec![0; centers.len()] };
    distances.for_each_query(|row, approximate| {
        let bound = distances.error_bound(row);
        let exact = |center| distances.exact_squared_distance(row, center);
        for (center, (&squared, &radius)) in approximate.iter().zip(squared_radii).enumerate() {
            if squared > radius + bound {
                continue;
            }
            let squared = if squared < radius - bound { squared } else { exact(center) };
            if is_inside(&squared, &radius) {
                counts.balls_of_row[row] += 1;
                counts.rows_of_ball[center] += 1;
            }
        }
    });
    counts
}

/// The share of `counts` above 0.
pub(crate) fn share_above_zero(counts: &[u32]) -> f64 {
    counts.iter().filter(|&&count| count > 0).count() as f64 / counts.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::distances::QUERIES;
    use super::super::neighbors::squared_radii;
    use super::super::rows::{Rows, squared_distance};
    use super::*;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// Multiples of 1/16 far from 0, in more than one block: products are not exact, and
    /// many rows lie exactly on surfaces.
    #[test]
    fn counts_equal_those_of_a_naive_comparison_across_blocks() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut far = |n: usize| {
            let values = (0..n * 100).map(|i| {
                let sixteenths = random.random_range(0..9u8);
                3e5 + 16384.0 * (i % 100) as f32 + f32::from(sixteenths) / 16.0
            });
            Features::new(100, values.collect()).unwrap()
        };
        let (rows, centers) = (far(QUERIES + 9), far(4105));
        let (values, center_values) = (Rows::from(&rows), Rows::from(&centers));
        let radii: Vec<f64> = (0..centers.len())
            .map(|i| squared_distance(center_values.row(i), center_values.row(i / 2)))
            .collect();
        for is_inside in [f64::le as fn(&f64, &f64) -> bool, f64::lt] {
            let mut naive = BallCounts {
                balls_of_row: vec![0; rows.len()],
                rows_of_ball: vec![0; centers.len()],
            };
            for row in 0..rows.len() {
                for (center, &radius) in radii.iter().enumerate() {
                    let squared = squared_distance(values.row(row), center_values.row(center));
                    let inside = is_inside(&squared, &radius);
                    naive.balls_of_row[row] += u32::from(inside);
                    naive.rows_of_ball[center] += u32::from(inside);
                }
            }
            assert_eq!(count_inside(&rows, &centers, &radii, is_inside), naive);
        }
    }

    /// A collapsed generator: all rows are equal, and all radii are 0.
    #[test]
    fn balls_of_radius_zero_contain_equal_rows() {
        let rows = Features::new(3, [0.1, 0.7, 1e3].repeat(20)).unwrap();
        let radii = squared_radii(&rows, 3);
        let balls = |is_inside| count_inside(&rows, &rows, &radii, is_inside).balls_of_row;
        assert_eq!(balls(f64::le), [20; 20]);
        assert_eq!(balls(f64::lt), [0; 20]);
    }
}
