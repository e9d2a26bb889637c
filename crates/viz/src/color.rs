//! An RGB picture: smooth lines go onto it, a PNG comes out.

use std::convert::Infallible;
use std::path::Path;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use run_dir::write_atomic;

use crate::Result;
use crate::canvas::{checked_pixels, encode_png};

/// A picture of RGB pixels, 8 bits a channel, at least 1×1.
///
/// It is a [`DrawTarget`], so whatever `embedded-graphics` draws can be drawn
/// onto it; what falls outside is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColorCanvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl ColorCanvas {
    /// A canvas filled with `background`, which is red, green, blue.
    ///
    /// # Errors
    /// As [`Canvas::new`](crate::Canvas::new), with the same limit.
    pub fn new(width: usize, height: usize, background: [u8; 3]) -> Result<ColorCanvas> {
        let pixels = checked_pixels(width, height)?;
        Ok(ColorCanvas {
            width,
            height,
            pixels: background.repeat(pixels),
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row from the top, `[height, width, 3]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Writes the canvas to `path` as an 8-bit RGB PNG, whole or not at all;
    /// missing parent folders are made.
    ///
    /// # Errors
    /// [`Error::Run`](crate::Error::Run) with the path where it cannot be
    /// written.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let size = (self.width, self.height);
        Ok(write_atomic(path, |w| {
            encode_png(w, size, png::ColorType::Rgb, &self.pixels)
        })?)
    }

    /// Lays `color` over the pixel at (`x`, `y`), which shows through where
    /// `alpha`, 0 to 1, is below 1.
    pub(crate) fn blend(&mut self, x: i32, y: i32, color: [u8; 3], alpha: f64) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x >= self.width || y >= self.height {
            return;
        }
        let (pixels, _) = self.pixels.as_chunks_mut::<3>();
        if let Some(pixel) = pixels.get_mut(y * self.width + x) {
            for (old, new) in pixel.iter_mut().zip(color) {
                let (from, to) = (f64::from(*old), f64::from(new));
                *old = (from + alpha * (to - from)).round() as u8;
            }
        }
    }

    /// Draws a line of `width` pixels through the pixels of `path`, its ends
    /// and corners round and its edges smooth; where it crosses itself it is no
    /// stronger than elsewhere.
    pub(crate) fn stroke(&mut self, path: &[(i32, i32)], width: f64, color: [u8; 3], alpha: f64) {
        let reach = (width / 2.0).ceil() as i32;
        let whole = self.area_around(path, reach);
        // How much of each pixel the line covers, 0 to 1.
        let mut shares = vec![0.0_f64; whole.width() * whole.height()];
        for (&from, &to) in path.iter().zip(path.iter().skip(1)) {
            let near = self.area_around(&[from, to], reach);
            for y in near.top..near.bottom {
                for x in near.left..near.right {
                    let inside = width / 2.0 + 0.5 - distance((x, y), from, to);
                    let (column, line) = (x - whole.left, y - whole.top);
                    if let Some(share) =
                        shares.get_mut(line as usize * whole.width() + column as usize)
                    {
                        *share = share.max(inside.min(1.0));
                    }
                }
            }
        }
        for (y, line) in (whole.top..).zip(shares.chunks(whole.width().max(1))) {
            for (x, share) in (whole.left..).zip(line) {
                if *share > 0.0 {
                    self.blend(x, y, color, alpha * share);
                }
            }
        }
    }

    /// The pixels of the canvas within `reach` of the box around `points`.
    fn area_around(&self, points: &[(i32, i32)], reach: i32) -> Area {
        let span = |side: usize, at: fn(&(i32, i32)) -> i32| {
            let end = i32::try_from(side).unwrap_or(i32::MAX);
            let low = points.iter().map(at).min().unwrap_or(0);
            let high = points.iter().map(at).max().unwrap_or(0);
            (
                low.saturating_sub(reach).clamp(0, end),
                high.saturating_add(reach + 1).clamp(0, end),
            )
        };
        let (left, right) = span(self.width, |point| point.0);
        let (top, bottom) = span(self.height, |point| point.1);
        Area {
            left,
            right,
            top,
            bottom,
        }
    }
}

/// Pixels of a canvas; `right` and `bottom` are the first ones outside.
struct Area {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl Area {
    fn width(&self) -> usize {
        (self.right - self.left) as usize
    }

    fn height(&self) -> usize {
        (self.bottom - self.top) as usize
    }
}

/// Distance from a pixel's center to the line between two others'.
fn distance(pixel: (i32, i32), from: (i32, i32), to: (i32, i32)) -> f64 {
    let vector = |a: (i32, i32), b: (i32, i32)| {
        (
            f64::from(b.0) - f64::from(a.0),
            f64::from(b.1) - f64::from(a.1),
        )
    };
    let (along, out) = (vector(from, to), vector(from, pixel));
    let squared = along.0 * along.0 + along.1 * along.1;
    let share = if squared > 0.0 {
        ((along.0 * out.0 + along.1 * out.1) / squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (x, y) = (out.0 - share * along.0, out.1 - share * along.1);
    (x * x + y * y).sqrt()
}

impl OriginDimensions for ColorCanvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for ColorCanvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, color) in pixels {
            self.blend(at.x, at.y, [color.r(), color.g(), color.b()], 1.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The red channel after a black line on white.
    fn stroked(path: &[(i32, i32)], width: f64, alpha: f64) -> Vec<u8> {
        let mut canvas = ColorCanvas::new(5, 4, [255; 3]).unwrap();
        canvas.stroke(path, width, [0; 3], alpha);
        canvas.pixels().iter().copied().step_by(3).collect()
    }

    #[test]
    fn a_straight_line_of_odd_width_has_sharp_edges() {
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
    fn a_slanted_line_covers_pixels_by_their_distance() {
        // (1, 0) lies 1 / sqrt(2) from the diagonal: 1 - 0.7071 covered.
        let pixels = stroked(&[(0, 0), (9, 9)], 1.0, 1.0);
        assert_eq!(pixels[..3], [0, 180, 255]);
        let wide = stroked(&[(0, 0), (9, 9)], 2.0, 1.0);
        assert_eq!(wide[..3], [0, 53, 233]);
    }

    #[test]
    fn a_translucent_line_is_no_stronger_where_it_meets_itself() {
        let there_and_back = stroked(&[(0, 1), (4, 1), (0, 1), (4, 1)], 1.0, 0.2);
        assert_eq!(there_and_back[5..10], [204; 5]);
    }

    #[test]
    fn lines_outside_and_lines_without_points_leave_the_canvas() {
        for path in [&[][..], &[(1, 1)], &[(9, 9), (20, 9)], &[(-9, -9), (-2, 9)]] {
            assert_eq!(stroked(path, 3.0, 1.0), [255; 20], "{path:?}");
        }
    }
}
