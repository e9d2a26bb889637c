//! Bitmaps, gray or RGB: drawing images and text, and encoding as PNG.

use std::convert::Infallible;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::Path;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_9X18_BOLD;
use embedded_graphics::pixelcolor::raw::ToBytes;
use embedded_graphics::pixelcolor::{Gray8, Rgb888};
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use run_dir::write_atomic;

use crate::error::{Error, Result};

/// Height of a line of text at scale 1, in pixels.
pub(crate) const TEXT_HEIGHT: usize = 18;
/// Width of one character at scale 1, in pixels.
const CHARACTER_WIDTH: usize = 9;

/// A bitmap of 8-bit gray pixels, 0 black to 255 white.
pub type Canvas = Bitmap<Gray8>;

/// A bitmap of RGB pixels with 8 bits per channel.
pub type ColorCanvas = Bitmap<Rgb888>;

/// A bitmap of at least 1x1 pixels: a [`Canvas`] or a [`ColorCanvas`].
///
/// It is a [`DrawTarget`], so `embedded-graphics` can draw on it. Pixels
/// outside the bitmap are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap<C> {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    color: PhantomData<C>,
}

/// A color that a [`Bitmap`] stores with one byte per channel.
pub trait Color: PixelColor + ToBytes<Bytes: AsRef<[u8]>> {
    /// The PNG color type with the same channels.
    const PNG: png::ColorType;
}

impl Color for Gray8 {
    const PNG: png::ColorType = png::ColorType::Grayscale;
}

impl Color for Rgb888 {
    const PNG: png::ColorType = png::ColorType::Rgb;
}

impl<C: Color> Bitmap<C> {
    /// The largest number of pixels of a bitmap, 2²⁸. Each side fits in an `i32`.
    pub const MAX_PIXELS: usize = 1 << 28;

    fn filled(width: usize, height: usize, background: &[u8]) -> Result<Self> {
        let pixels = background.repeat(Self::count_pixels(width, height)?);
        Ok(Bitmap { width, height, pixels, color: PhantomData })
    }

    /// The number of pixels of a bitmap with these sides.
    ///
    /// # Errors
    /// [`Error::Empty`] if a side is 0, [`Error::TooLarge`] above [`Bitmap::MAX_PIXELS`].
    pub(crate) fn count_pixels(width: usize, height: usize) -> Result<usize> {
        match width.checked_mul(height) {
            Some(0) => Err(Error::Empty),
            Some(pixels) if pixels <= Self::MAX_PIXELS => Ok(pixels),
            _ => Err(Error::TooLarge { width, height }),
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels in row-major order: `[height, width]` gray values, or
    /// `[height, width, 3]` red, green and blue.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Returns the channels of one pixel, `None` outside the bitmap.
    pub(crate) fn pixel_mut(&mut self, x: i32, y: i32) -> Option<&mut [u8]> {
        let x = usize::try_from(x).ok().filter(|x| *x < self.width)?;
        let y = usize::try_from(y).ok().filter(|y| *y < self.height)?;
        let mut pixels = self.pixels.chunks_exact_mut(C::PNG.samples());
        pixels.nth(y * self.width + x)
    }

    /// Encodes the bitmap as a PNG with 8 bits per channel.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn encode_png(&self, writer: impl Write) -> io::Result<()> {
        let mut encoder = png::Encoder::new(writer, self.width as u32, self.height as u32);
        encoder.set_color(C::PNG);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        Ok(writer.finish()?)
    }

    /// Writes the bitmap to `path` as a PNG, atomically. Missing parent folders
    /// are created.
    ///
    /// # Errors
    /// [`Error::Run`] with the path if the file cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        Ok(write_atomic(path, |w| self.encode_png(w))?)
    }
}

impl ColorCanvas {
    /// Creates a canvas filled with `background`: red, green, blue.
    ///
    /// # Errors
    /// [`Error::Empty`] if a side is 0, [`Error::TooLarge`] above
    /// [`Bitmap::MAX_PIXELS`].
    pub fn new(width: usize, height: usize, background: [u8; 3]) -> Result<ColorCanvas> {
        Self::filled(width, height, &background)
    }
}

impl Canvas {
    /// Creates a canvas filled with `background`.
    ///
    /// # Errors
    /// [`Error::Empty`] if a side is 0, [`Error::TooLarge`] above
    /// [`Bitmap::MAX_PIXELS`].
    pub fn new(width: usize, height: usize, background: u8) -> Result<Canvas> {
        Self::filled(width, height, &[background])
    }

    /// The canvases one below the other, and `background` beside the narrower ones.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`Bitmap::MAX_PIXELS`].
    pub(crate) fn stack(canvases: &[Canvas], background: u8) -> Result<Canvas> {
        let width = canvases.iter().map(Canvas::width).max().unwrap_or(0);
        let height = canvases.iter().map(Canvas::height).fold(0, usize::saturating_add);
        let mut stacked = Canvas::new(width, height, background)?;
        let mut top = 0;
        for canvas in canvases {
            stacked.draw_image(&canvas.pixels, canvas.width, 0, top, 1);
            top += canvas.height;
        }
        Ok(stacked)
    }

    /// Draws an image `[rows, cols]` with its upper left corner at
    /// (`left`, `top`). Each image pixel becomes a square of side `scale`.
    pub fn draw_image(&mut self, image: &[u8], cols: usize, left: usize, top: usize, scale: usize) {
        if cols == 0 || scale == 0 || left >= self.width || top >= self.height {
            return;
        }
        let lines = self.pixels.chunks_exact_mut(self.width).skip(top);
        let stretched = image.chunks_exact(cols).flat_map(|row| std::iter::repeat_n(row, scale));
        for (line, row) in lines.zip(stretched) {
            let squares = line.iter_mut().skip(left);
            let values = row.iter().flat_map(|v| std::iter::repeat_n(v, scale));
            for (pixel, value) in squares.zip(values) {
                *pixel = *value;
            }
        }
    }

    /// Draws one line of text with its upper left corner at (`left`, `top`).
    /// A character has 9x18 pixels times `scale`.
    ///
    /// Characters outside Latin-1 become `?`, control characters spaces.
    pub fn draw_text(&mut self, text: &str, left: usize, top: usize, scale: usize, gray: u8) {
        let Ok(mut mask) = Canvas::new(text_width(text), TEXT_HEIGHT, 0) else {
            return;
        };
        let style = MonoTextStyle::new(&FONT_9X18_BOLD, Gray8::WHITE);
        let line = text.replace(char::is_control, " ");
        let Ok(_) = Text::with_baseline(&line, Point::zero(), style, Baseline::Top).draw(&mut mask);
        for (i, _) in mask.pixels.iter().enumerate().filter(|(_, ink)| **ink > 0) {
            let x = left.saturating_add((i % mask.width).saturating_mul(scale));
            let y = top.saturating_add((i / mask.width).saturating_mul(scale));
            self.draw_image(&[gray], 1, x, y, scale);
        }
    }
}

/// Width of `text` at scale 1, in pixels.
pub(crate) fn text_width(text: &str) -> usize {
    text.chars().count().saturating_mul(CHARACTER_WIDTH)
}

impl<C: Color> OriginDimensions for Bitmap<C> {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl<C: Color> DrawTarget for Bitmap<C> {
    type Color = C;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(
        &mut self,
        pixels: I,
    ) -> std::result::Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            if let Some(pixel) = self.pixel_mut(at.x, at.y) {
                pixel.copy_from_slice(color.to_be_bytes().as_ref());
            }
        }
        Ok(())
    }
}
