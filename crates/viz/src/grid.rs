//! Many images as the tiles of one picture.

use mnist_io::Images;

use crate::{Canvas, Error, Result};

/// How a grid looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridStyle {
    /// Side of the square that one image pixel becomes, in pixels, at least 1.
    pub scale: usize,
    /// Distance between neighboring tiles, in pixels.
    pub gap: usize,
    /// Distance from the outer tiles to the picture's edge, in pixels.
    pub margin: usize,
    /// Gray of gaps, margin and unused cells, 0 black to 255 white.
    pub background: u8,
}

impl Default for GridStyle {
    fn default() -> Self {
        GridStyle {
            scale: 2,
            gap: 4,
            margin: 4,
            background: 40,
        }
    }
}

/// Lays all of `images` out row by row, `columns` in a row.
///
/// At least one column is used and no more than there are images. Where the
/// last row is not full, its remaining cells show the background.
///
/// # Errors
/// [`Error::Empty`] where there are no images; [`Error::TooLarge`] where the
/// picture would have more than [`Canvas::MAX_PIXELS`].
pub fn grid(images: &Images, columns: usize, style: &GridStyle) -> Result<Canvas> {
    grids(&[images], images.len(), columns, style)
}

/// The grids of the first `count` of each of `blocks`, below each other.
///
/// # Errors
/// As [`grid`], and [`Error::Empty`] where any block has no images.
pub(crate) fn grids(
    blocks: &[&Images],
    count: usize,
    columns: usize,
    style: &GridStyle,
) -> Result<Canvas> {
    let layout = |images| Layout::new(images, count, columns, style);
    let layouts: Vec<Layout> = blocks.iter().copied().map(layout).collect();
    let sizes: Vec<(usize, usize)> = layouts.iter().map(Layout::size).collect();
    if sizes.iter().any(|(width, _)| *width == 0) {
        return Err(Error::Empty);
    }
    let side = |tiles: usize| tiles.saturating_add(style.margin.saturating_mul(2));
    let width = sizes.iter().map(|(width, _)| *width).max().unwrap_or(0);
    let height = sizes
        .iter()
        .fold(0_usize, |sum, (_, height)| sum.saturating_add(*height));
    let height = height.saturating_add(span(sizes.len(), 0, style.gap));
    let mut canvas = Canvas::new(side(width), side(height), style.background)?;
    let mut top = style.margin;
    for (layout, (_, height)) in layouts.iter().zip(sizes) {
        layout.draw(&mut canvas, style.margin, top);
        top = top.saturating_add(height).saturating_add(style.gap);
    }
    Ok(canvas)
}

/// The fewest columns that make a grid of `count` images no taller than wide.
pub fn square_columns(count: usize) -> usize {
    let root = count.isqrt();
    root + usize::from(root * root < count)
}

/// Where the tiles of one grid go, without its margin.
pub(crate) struct Layout<'a> {
    images: &'a Images,
    count: usize,
    columns: usize,
    scale: usize,
    gap: usize,
}

impl<'a> Layout<'a> {
    /// The first `count` of `images`, or all where there are fewer.
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

    /// Width and height in pixels; both 0 without images, and `usize::MAX`
    /// for a side that cannot be counted.
    pub fn size(&self) -> (usize, usize) {
        let tile = |pixels: usize| pixels.saturating_mul(self.scale);
        let columns = self.columns.min(self.count);
        let rows = self.count.div_ceil(self.columns);
        (
            span(columns, tile(self.images.cols()), self.gap),
            span(rows, tile(self.images.rows()), self.gap),
        )
    }

    /// Draws the tiles from (`left`, `top`) on.
    pub fn draw(&self, canvas: &mut Canvas, left: usize, top: usize) {
        let (rows, cols, scale) = (self.images.rows(), self.images.cols(), self.scale);
        for (i, image) in self.images.iter().take(self.count).enumerate() {
            let x = left + offset(i % self.columns, cols * scale, self.gap);
            let y = top + offset(i / self.columns, rows * scale, self.gap);
            canvas.draw_image(image, cols, x, y, scale);
        }
    }
}

/// Length of `count` pieces of length `side` with gaps between them; stays at
/// `usize::MAX` where it would be more.
pub(crate) fn span(count: usize, side: usize, gap: usize) -> usize {
    let gaps = gap.saturating_mul(count.saturating_sub(1));
    side.saturating_mul(count).saturating_add(gaps)
}

/// Where the piece of this index starts in a [`span`] that fits a canvas.
pub(crate) fn offset(index: usize, side: usize, gap: usize) -> usize {
    // Apart, because the gap of a single piece may be any number.
    index * side + index * gap
}
