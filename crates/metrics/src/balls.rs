//! Which rows lie in which balls: what precision, recall, density and coverage
//! have in common.

use crate::features::{Features, blocks};
use crate::rows::{QUERIES, REFERENCES, Rows, Screen};

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
            for (row, distances) in screen.block(some_rows.clone(), some_centers) {
                for (&radius, (center, screened)) in radii.iter().zip(distances) {
                    if screened > radius + errors[row] {
                        continue;
                    }
                    let squared = if screened < radius - errors[row] {
                        screened
                    } else {
                        rows.squared_distance(row, centers, center)
                    };
                    if squared < radius || (squared == radius && surface == Surface::Inside) {
                        inside.balls_of_row[row] += 1;
                        inside.rows_of_ball[center] += 1;
                    }
                }
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

    /// Whole numbers, so that many rows lie exactly on surfaces, and far from
    /// 0, so that products lose digits; more than a block of each.
    #[test]
    fn counts_are_those_of_a_naive_comparison_across_blocks() {
        let far = |i: usize| 1e6 + (i * i % 97) as f32;
        let all = |n: usize, from: usize| (from..from + 2 * n).map(far).collect();
        let rows = Features::new(2, all(QUERIES + 9, 1)).unwrap();
        let centers = Features::new(2, all(REFERENCES + 9, 0)).unwrap();
        let radii: Vec<f64> = (0..centers.len()).map(|i| (i % 40) as f64).collect();
        for surface in [Surface::Inside, Surface::Outside] {
            let mut naive = Inside {
                balls_of_row: vec![0; rows.len()],
                rows_of_ball: vec![0; centers.len()],
            };
            for (row, a) in rows.rows().enumerate() {
                for (center, b) in centers.rows().enumerate() {
                    let squared = f64::from((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2));
                    let inside = match surface {
                        Surface::Inside => squared <= radii[center],
                        Surface::Outside => squared < radii[center],
                    };
                    naive.balls_of_row[row] += u32::from(inside);
                    naive.rows_of_ball[center] += u32::from(inside);
                }
            }
            assert!(naive.balls_of_row.iter().any(|&count| count > 0));
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
