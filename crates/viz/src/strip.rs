//! Strips: labeled grids side by side.

use mnist_io::Images;

use crate::canvas::{Canvas, TEXT_HEIGHT, text_width};
use crate::error::{Error, Result};
use crate::grid::{GridStyle, TileLayout, offset, span};

/// The look of a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripStyle {
    /// The look of each block's tiles. The margin surrounds the whole strip.
    pub grid: GridStyle,
    /// Tiles in a row of a block.
    pub columns: usize,
    /// The largest number of rows in a block. A block shows its first images.
    pub rows: usize,
    /// Space between blocks, in pixels.
    pub spacing: usize,
    /// Size of the labels: a character has 9x18 pixels times this number.
    pub label_scale: usize,
    /// Gray of the labels, 0 black to 255 white.
    pub label_gray: u8,
}

impl Default for StripStyle {
    fn default() -> Self {
        StripStyle {
            grid: GridStyle { margin: 24, ..GridStyle::default() },
            columns: 4,
            rows: 4,
            spacing: 24,
            label_scale: 2,
            label_gray: 230,
        }
    }
}

/// Draws blocks of tiles from left to right, each below its label. All blocks
/// have the width of the widest block or label.
///
/// # Errors
/// [`Error::Empty`] without blocks or if a block has no images,
/// [`Error::TooLarge`] above [`Canvas::MAX_PIXELS`].
pub fn strip(blocks: &[(&str, &Images)], style: &StripStyle) -> Result<Canvas> {
    let cells = style.columns.max(1).saturating_mul(style.rows.max(1));
    let layout = |images: &Images| {
        let count = images.len().min(cells);
        TileLayout::new(count, (images.rows(), images.cols()), style.columns, &style.grid)
    };
    let layouts: Vec<TileLayout> = blocks.iter().map(|(_, images)| layout(images)).collect();
    if layouts.is_empty() || layouts.iter().any(|layout| layout.size() == (0, 0)) {
        return Err(Error::Empty);
    }
    let labels =
        blocks.iter().map(|(label, _)| text_width(label).saturating_mul(style.label_scale));
    let grids = layouts.iter().map(|layout| layout.size().0);
    let width = labels.chain(grids).max().unwrap_or(0);
    let heights = layouts.iter().map(|layout| layout.size().1);
    let height = heights.max().unwrap_or(0);

    let margin = style.grid.margin;
    let label_height = TEXT_HEIGHT.saturating_mul(style.label_scale);
    let head = label_height.saturating_add(label_height / 4);
    let sum = |parts: [usize; 4]| parts.into_iter().fold(0, usize::saturating_add);
    let mut canvas = Canvas::new(
        sum([margin, span(blocks.len(), width, style.spacing), margin, 0]),
        sum([margin, head, height, margin]),
        style.grid.background,
    )?;
    for (i, ((label, images), layout)) in blocks.iter().zip(&layouts).enumerate() {
        let left = margin + offset(i, width, style.spacing);
        canvas.draw_text(label, left, margin, style.label_scale, style.label_gray);
        layout.draw(images, &mut canvas, left, margin + head);
    }
    Ok(canvas)
}

/// Draws labeled real images at the left and equally many labeled fake images at
/// the right.
///
/// # Errors
/// Those of [`strip`].
pub fn real_vs_fake(
    real: (&str, &Images),
    fake: (&str, &Images),
    style: &StripStyle,
) -> Result<Canvas> {
    let count = real.1.len().min(fake.1.len());
    strip(&[(real.0, &real.1.first(count)), (fake.0, &fake.1.first(count))], style)
}
