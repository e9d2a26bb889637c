//! Grids: many images as tiles of one picture.

use mnist_io::Images;

use crate::canvas::Canvas;
use crate::error::{Error, Result};

/// The look of a grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridStyle {
    /// Side of the square for one image pixel, in pixels, at least 1.
    pub scale: usize,
    /// Space between tiles, in pixels.
    pub gap: usize,
    /// Space around the grid, in pixels.
    pub margin: usize,
    /// Gray of gaps, margin and empty cells, 0 black to 255 white.
    pub background: u8,
}

impl Default for GridStyle {
    fn default() -> Self {
        GridStyle { scale: 2, gap: 4, margin: 4, background: 40 }
    }
}

/// Draws all `images` row by row in `columns` columns.
///
/// The grid has at least one column and at most one per image. Empty cells of
/// the last row show the background.
///
/// # Errors
/// [`Error::Empty`] without images, [`Error::TooLarge`] above
/// [`Canvas::MAX_PIXELS`].
pub fn grid(images: &Images, columns: usize, style: &GridStyle) -> Result<Canvas> {
    if images.is_empty() {
        return Err(Error::Empty);
    }
    let (width, height) = grid_size(images.len(), (images.rows(), images.cols()), columns, style)?;
    let layout = Layout::new(images, images.len(), columns, style);
    let mut canvas = Canvas::new(width, height, style.background)?;
    layout.draw(&mut canvas, style.margin, style.margin);
    Ok(canvas)
}

/// The size of the picture that [`grid`] draws of `count` images of `rows` x `cols`, without
/// the images: width and height in pixels.
///
/// # Errors
/// Those of [`grid`].
pub fn grid_size(
    count: usize,
    (rows, cols): (usize, usize),
    columns: usize,
    style: &GridStyle,
) -> Result<(usize, usize)> {
    if count == 0 {
        return Err(Error::Empty);
    }
    let columns = columns.min(count).max(1);
    let side = |tiles: usize, pixels: usize| {
        let tile = pixels.saturating_mul(style.scale.max(1));
        span(tiles, tile, style.gap).saturating_add(style.margin.saturating_mul(2))
    };
    let (width, height) = (side(columns, cols), side(count.div_ceil(columns), rows));
    match width.checked_mul(height) {
        Some(pixels) if pixels <= Canvas::MAX_PIXELS => Ok((width, height)),
        _ => Err(Error::TooLarge { width, height }),
    }
}

/// Returns the smallest number of columns for a grid of `count` images that is
/// not taller than wide.
pub fn square_columns(count: usize) -> usize {
    let root = count.isqrt();
    root + usize::from(root * root < count)
}

/// The positions of a grid's tiles, without the margin.
pub(crate) struct Layout<'a> {
    images: &'a Images,
    count: usize,
    columns: usize,
    scale: usize,
    gap: usize,
}

impl<'a> Layout<'a> {
    /// A layout of the first `count` of `images`, or of all if there are fewer.
    pub fn new(images: &'a Images, count: usize, columns: usize, style: &GridStyle) -> Self {
        let count = count.min(images.len());
        Layout {
            images,
            count,
            columns: columns.min(count).max(1),
            scale: style.scale.max(1),
            gap: style.gap,
        }
    }

    /// Width and height in pixels: both 0 without images, `usize::MAX` after an
    /// overflow.
    pub fn size(&self) -> (usize, usize) {
        let tile = |pixels: usize| pixels.saturating_mul(self.scale);
        let columns = self.columns.min(self.count);
        let rows = self.count.div_ceil(self.columns);
        (
            span(columns, tile(self.images.cols()), self.gap),
            span(rows, tile(self.images.rows()), self.gap),
        )
    }

    /// Draws the tiles with their upper left corner at (`left`, `top`).
    pub fn draw(&self, canvas: &mut Canvas, left: usize, top: usize) {
        let (rows, cols, scale) = (self.images.rows(), self.images.cols(), self.scale);
        for (i, image) in self.images.iter().take(self.count).enumerate() {
            let x = left + offset(i % self.columns, cols * scale, self.gap);
            let y = top + offset(i / self.columns, rows * scale, self.gap);
            canvas.draw_image(image, cols, x, y, scale);
        }
    }
}

/// Length of `count` pieces of length `side` with gaps between them, `usize::MAX`
/// after an overflow.
pub(crate) fn span(count: usize, side: usize, gap: usize) -> usize {
    let gaps = gap.saturating_mul(count.saturating_sub(1));
    side.saturating_mul(count).saturating_add(gaps)
}

/// Start of the piece `index` in a [`span`] that fits a canvas.
pub(crate) fn offset(index: usize, side: usize, gap: usize) -> usize {
    // `side + gap` could overflow: for a single piece, any gap is possible.
    index * side + index * gap
}
