//! Smooth lines and translucent pixels on an RGB canvas.

use std::collections::HashMap;

use crate::canvas::ColorCanvas;

type Point = (i32, i32);

impl ColorCanvas {
    /// Blends the pixel at (`x`, `y`) with `color`. `alpha` is the share of
    /// `color`, 0 to 1.
    pub(crate) fn blend(&mut self, (x, y): Point, color: [u8; 3], alpha: f64) {
        for (old, new) in self.pixel_mut(x, y).into_iter().flatten().zip(color) {
            let (from, to) = (f64::from(*old), f64::from(new));
            *old = (from + alpha * (to - from)).round() as u8;
        }
    }

    /// Draws an antialiased line of `width` pixels through the points of `path`,
    /// with round ends and corners. A translucent line has the same opacity
    /// where it crosses itself.
    pub(crate) fn stroke(&mut self, path: &[Point], width: f64, color: [u8; 3], alpha: f64) {
        let reach = width / 2.0 + 0.5;
        let span = |a: i32, b: i32, side: usize| {
            let last = i32::try_from(side).unwrap_or(i32::MAX) - 1;
            let reach = reach as i32;
            a.min(b).saturating_sub(reach).max(0)..=a.max(b).saturating_add(reach).min(last)
        };
        // The share of each pixel that the line covers, 0 to 1.
        let mut coverage: HashMap<Point, f64> = HashMap::new();
        for (&from, &to) in path.iter().zip(path.iter().skip(1)) {
            for y in span(from.1, to.1, self.height()) {
                for x in span(from.0, to.0, self.width()) {
                    let share = (reach - distance((x, y), from, to)).min(1.0);
                    if share > 0.0 {
                        let old = coverage.entry((x, y)).or_default();
                        *old = old.max(share);
                    }
                }
            }
        }
        for (point, share) in coverage {
            self.blend(point, color, alpha * share);
        }
    }
}

/// Distance between a point and the line segment from `from` to `to`.
fn distance(point: Point, from: Point, to: Point) -> f64 {
    let difference = |a: i32, b: i32| f64::from(b) - f64::from(a);
    let vector = |end: Point| (difference(from.0, end.0), difference(from.1, end.1));
    let (line, offset) = (vector(to), vector(point));
    let squared = line.0 * line.0 + line.1 * line.1;
    // Position of the nearest point on the segment: 0 at `from`, 1 at `to`.
    let t = if squared > 0.0 {
        ((line.0 * offset.0 + line.1 * offset.1) / squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (offset.0 - t * line.0).hypot(offset.1 - t * line.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws a black line on white and returns the red channel.
    fn stroked(path: &[(i32, i32)], width: f64, alpha: f64) -> Vec<u8> {
        let mut canvas = ColorCanvas::new(5, 4, [255; 3]).unwrap();
        canvas.stroke(path, width, [0; 3], alpha);
        canvas.pixels().iter().copied().step_by(3).collect()
    }

    #[test]
    fn straight_line_of_odd_width_has_sharp_edges() {
        let row = |y: usize| {
            let mut pixels = [255; 20];
            pixels[5 * y..5 * (y + 1)].fill(0);
            pixels
        };
        assert_eq!(stroked(&[(-9, 1), (99, 1)], 1.0, 1.0), row(1));
        assert_eq!(stroked(&[(i32::MIN, 3), (i32::MAX, 3)], 1.0, 1.0), row(3));
        let three = stroked(&[(-9, 1), (99, 1)], 3.0, 1.0);
        assert_eq!(three[..15], [0; 15]);
        assert_eq!(three[15..], [255; 5]);
    }

    #[test]
    fn slanted_line_covers_pixels_by_distance() {
        // (1, 0) lies 1 / sqrt(2) from the diagonal: 1 - 0.7071 covered.
        let pixels = stroked(&[(0, 0), (9, 9)], 1.0, 1.0);
        assert_eq!(pixels[..3], [0, 180, 255]);
        let wide = stroked(&[(0, 0), (9, 9)], 2.0, 1.0);
        assert_eq!(wide[..3], [0, 53, 233]);
    }

    #[test]
    fn translucent_line_has_the_same_opacity_where_it_meets_itself() {
        let there_and_back = stroked(&[(0, 1), (4, 1), (0, 1), (4, 1)], 1.0, 0.2);
        assert_eq!(there_and_back[5..10], [204; 5]);
    }

    #[test]
    fn lines_outside_or_without_points_change_nothing() {
        for path in [&[][..], &[(1, 1)], &[(9, 9), (20, 9)], &[(-9, -9), (-2, 9)]] {
            assert_eq!(stroked(path, 3.0, 1.0), [255; 20], "{path:?}");
        }
    }
}
