//! Which rows lie in which balls: what precision, recall, density and coverage
//! have in common.

use crate::features::{Features, blocks};
use crate::products::{QUERIES, REFERENCES, Screen};
use crate::rows::Rows;

/// Whether a row on a ball's surface lies inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Inside,
    Outside,
}

/// How many balls hold each row, and how many rows each ball holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inside {
    pub(crate) balls_of_row: Vec<u32>,
    pub(crate) rows_of_ball: Vec<u32>,
}

/// Counts `rows` inside the balls round `centers`; both must be of one width,
/// with a squared radius for each centre.
pub(crate) fn count_inside(
    rows: &Features,
    centers: &Features,
    squared_radii: &[f64],
    surface: Surface,
) -> Inside {
    let mut screen = Screen::new(rows, centers);
    let mut inside = Inside {
        balls_of_row: vec![0; rows.len()],
        rows_of_ball: vec![0; centers.len()],
    };
    let errors: Vec<f64> = (0..rows.len()).map(|row| screen.error(row)).collect();
    for some_rows in blocks(rows.len(), QUERIES) {
        for some_centers in blocks(centers.len(), REFERENCES) {
            let radii = &squared_radii[some_centers.clone()];
            let first = some_centers.start;
            for (row, line) in screen.block(some_rows.clone(), some_centers) {
                let error = errors[row];
                line.each_within_own(radii, error, |center, screened| {
                    let radius = radii[center - first];
                    let squared = if screened < radius - error {
                        screened
                    } else {
                        rows.squared_distance(row, centers, center)
                    };
                    if squared < radius || (squared == radius && surface == Surface::Inside) {
                        inside.balls_of_row[row] += 1;
                        inside.rows_of_ball[center] += 1;
                    }
                });
            }
        }
    }
    inside
}

/// The share of `counts` that are not 0.
pub(crate) fn share_above_zero(counts: &[u32]) -> f64 {
    counts.iter().filter(|&&count| count > 0).count() as f64 / counts.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neighbors::squared_radii;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// Steps of a sixteenth far from 0, in more than a block of each: products are off
    /// by hundredths, and many rows lie exactly on surfaces.
    #[test]
    fn counts_are_those_of_a_naive_comparison_across_blocks() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut far = |n: usize| {
            let values = (0..n * 100).map(|i| {
                let sixteenths = random.random_range(0..9u8);
                3e5 + 16384.0 * (i % 100) as f32 + f32::from(sixteenths) / 16.0
            });
            Features::new(100, values.collect()).unwrap()
        };
        let (rows, centers) = (far(QUERIES + 9), far(REFERENCES + 9));
        let radii: Vec<f64> = (0..centers.len())
            .map(|i| centers.squared_distance(i, &centers, i / 2))
            .collect();
        for surface in [Surface::Inside, Surface::Outside] {
            let mut naive = Inside {
                balls_of_row: vec![0; rows.len()],
                rows_of_ball: vec![0; centers.len()],
            };
            for row in 0..rows.len() {
                for (center, &radius) in radii.iter().enumerate() {
                    let squared = rows.squared_distance(row, &centers, center);
                    let inside = match surface {
                        Surface::Inside => squared <= radius,
                        Surface::Outside => squared < radius,
                    };
                    naive.balls_of_row[row] += u32::from(inside);
                    naive.rows_of_ball[center] += u32::from(inside);
                }
            }
            assert_eq!(count_inside(&rows, &centers, &radii, surface), naive);
        }
    }

    /// A collapsed generator: all radii are 0, and every row is a surface.
    #[test]
    fn balls_without_extent_hold_what_coincides_with_them() {
        let rows = Features::new(3, [0.1, 0.7, 1e3].repeat(20)).unwrap();
        let radii = squared_radii(&rows, 3);
        let inside = |surface| count_inside(&rows, &rows, &radii, surface).balls_of_row;
        assert_eq!(inside(Surface::Inside), [20; 20]);
        assert_eq!(inside(Surface::Outside), [0; 20]);
    }
}
