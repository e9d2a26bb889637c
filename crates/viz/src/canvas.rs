//! An 8-bit gray picture: image tiles and text go onto it, a PNG comes out.

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::Path;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_9X18_BOLD;
use embedded_graphics::pixelcolor::{Gray8, GrayColor as _};
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use run_dir::write_atomic;

use crate::{Error, Result};

/// Height of a line of text at scale 1, in pixels.
pub(crate) const TEXT_HEIGHT: usize = 18;
/// Width of one character at scale 1, in pixels.
const CHARACTER_WIDTH: usize = 9;

/// A picture of 8-bit gray pixels, 0 black to 255 white, at least 1×1.
///
/// It is a [`DrawTarget`], so whatever `embedded-graphics` draws can be drawn
/// onto it; what falls outside is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// The most pixels a canvas holds, 2²⁸; hence each side fits in an `i32`.
    pub const MAX_PIXELS: usize = 1 << 28;

    /// A canvas filled with `background`.
    ///
    /// # Errors
    /// [`Error::Empty`] where a side is 0, [`Error::TooLarge`] beyond
    /// [`Canvas::MAX_PIXELS`].
    pub fn new(width: usize, height: usize, background: u8) -> Result<Canvas> {
        let pixels = checked_pixels(width, height)?;
        Ok(Canvas {
            width,
            height,
            pixels: vec![background; pixels],
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

    /// The pixels, row by row from the top, `[height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Draws an image `[rows, cols]` with its upper left corner at
    /// (`left`, `top`), each of its pixels as a square of side `scale`.
    ///
    /// What falls outside the canvas is left out.
    pub fn draw_image(&mut self, image: &[u8], cols: usize, left: usize, top: usize, scale: usize) {
        if cols == 0 || scale == 0 || left >= self.width || top >= self.height {
            return;
        }
        let lines = self.pixels.chunks_exact_mut(self.width).skip(top);
        let stretched = image
            .chunks_exact(cols)
            .flat_map(|row| std::iter::repeat_n(row, scale));
        for (line, row) in lines.zip(stretched) {
            let squares = line.iter_mut().skip(left);
            let values = row.iter().flat_map(|v| std::iter::repeat_n(v, scale));
            for (pixel, value) in squares.zip(values) {
                *pixel = *value;
            }
        }
    }

    /// Writes one line of text with its upper left corner at (`left`, `top`),
    /// in characters of 9×18 pixels times `scale`.
    ///
    /// Latin-1 characters are drawn, others appear as `?`.
    pub fn draw_text(&mut self, text: &str, left: usize, top: usize, scale: usize, gray: u8) {
        let style = MonoTextStyle::new(&FONT_9X18_BOLD, Gray8::new(gray));
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let mut target = Magnified {
            canvas: self,
            left,
            top,
            scale,
        };
        let Ok(_) =
            Text::with_baseline(&line, Point::zero(), style, Baseline::Top).draw(&mut target);
    }

    /// Encodes the canvas as an 8-bit gray PNG.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn encode_png(&self, writer: impl Write) -> io::Result<()> {
        let size = (self.width, self.height);
        encode_png(writer, size, png::ColorType::Grayscale, &self.pixels)
    }

    /// Writes the canvas to `path` as a PNG, whole or not at all; missing
    /// parent folders are made.
    ///
    /// # Errors
    /// [`Error::Run`] with the path where it cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        Ok(write_atomic(path, |w| self.encode_png(w))?)
    }
}

/// The number of pixels of a picture that may be made.
pub(crate) fn checked_pixels(width: usize, height: usize) -> Result<usize> {
    match width.checked_mul(height) {
        Some(0) => Err(Error::Empty),
        Some(pixels) if pixels <= Canvas::MAX_PIXELS => Ok(pixels),
        _ => Err(Error::TooLarge { width, height }),
    }
}

/// Encodes a picture of one frame.
pub(crate) fn encode_png(
    writer: impl Write,
    size: (usize, usize),
    color: png::ColorType,
    pixels: &[u8],
) -> io::Result<()> {
    let mut writer = png_encoder(writer, size, color).write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}

/// An encoder of 8 bits a channel that prefers speed to the last per cent.
pub(crate) fn png_encoder<W: Write>(
    writer: W,
    (width, height): (usize, usize),
    color: png::ColorType,
) -> png::Encoder<'static, W> {
    let mut encoder = png::Encoder::new(writer, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder
}

/// Width of `text` at scale 1, in pixels.
pub(crate) fn text_width(text: &str) -> usize {
    text.chars().count().saturating_mul(CHARACTER_WIDTH)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Gray8>>,
    {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) {
                self.draw_image(&[color.luma()], 1, x, y, 1);
            }
        }
        Ok(())
    }
}

/// A view of a canvas from (`left`, `top`) on, on which every pixel is a
/// square of side `scale`.
struct Magnified<'a> {
    canvas: &'a mut Canvas,
    left: usize,
    top: usize,
    scale: usize,
}

impl Dimensions for Magnified<'_> {
    fn bounding_box(&self) -> embedded_graphics::primitives::Rectangle {
        self.canvas.bounding_box()
    }
}

impl DrawTarget for Magnified<'_> {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> std::result::Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Gray8>>,
    {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) {
                let left = x.saturating_mul(self.scale).saturating_add(self.left);
                let top = y.saturating_mul(self.scale).saturating_add(self.top);
                self.canvas
                    .draw_image(&[color.luma()], 1, left, top, self.scale);
            }
        }
        Ok(())
    }
}
