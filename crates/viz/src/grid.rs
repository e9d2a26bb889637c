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
    let shape = (images.rows(), images.cols());
    let (width, height) = grid_size(images.len(), shape, columns, style)?;
    let mut canvas = Canvas::new(width, height, style.background)?;
    let layout = TileLayout::new(images.len(), shape, columns, style);
    layout.draw(images, &mut canvas, style.margin, style.margin);
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
    let size = TileLayout::new(count, (rows, cols), columns, style).size();
    let with_margins = |side: usize| side.saturating_add(style.margin.saturating_mul(2));
    let (width, height) = (with_margins(size.0), with_margins(size.1));
    Canvas::count_pixels(width, height)?;
    Ok((width, height))
}

/// Returns the smallest number of columns for a grid of `count` images that is
/// not taller than wide.
pub fn square_columns(count: usize) -> usize {
    let root = count.isqrt();
    root + usize::from(root * root < count)
}

/// The positions of a grid's tiles, without the margin.
pub(crate) struct TileLayout {
    count: usize,
    columns: usize,
    /// Width and height of a tile in pixels, `usize::MAX` after an overflow.
    tile: (usize, usize),
    /// Side of the square for one image pixel.
    scale: usize,
    gap: usize,
}

impl TileLayout {
    /// A layout of `count` images of `rows` x `cols`.
    pub fn new(
        count: usize,
        (rows, cols): (usize, usize),
        columns: usize,
        style: &GridStyle,
    ) -> TileLayout {
        let scale = style.scale.max(1);
        TileLayout {
            count,
            columns: columns.min(count).max(1),
            tile: (cols.saturating_mul(scale), rows.saturating_mul(scale)),
            scale,
            gap: style.gap,
        }
    }

    /// Width and height in pixels: both 0 without images, `usize::MAX` after an
    /// overflow.
    pub fn size(&self) -> (usize, usize) {
        let columns = self.columns.min(self.count);
        let rows = self.count.div_ceil(self.columns);
        (span(columns, self.tile.0, self.gap), span(rows, self.tile.1, self.gap))
    }

    /// Draws the first images as tiles, with their upper left corner at (`left`, `top`).
    pub fn draw(&self, images: &Images, canvas: &mut Canvas, left: usize, top: usize) {
        for (i, image) in images.iter().take(self.count).enumerate() {
            let x = left + offset(i % self.columns, self.tile.0, self.gap);
            let y = top + offset(i / self.columns, self.tile.1, self.gap);
            canvas.draw_image(image, images.cols(), x, y, self.scale);
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
