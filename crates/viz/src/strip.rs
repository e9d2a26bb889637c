//! Labeled grids side by side: one per moment of a training run, or originals
//! beside forgeries.

use mnist_io::Images;

use crate::canvas::{TEXT_HEIGHT, text_width};
use crate::grid::{Layout, offset, span};
use crate::{Canvas, Error, GridStyle, Result};

/// How a strip looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripStyle {
    /// How each block's tiles look; the margin is that of the whole strip.
    pub grid: GridStyle,
    /// Tiles in a row of a block.
    pub columns: usize,
    /// Rows of a block at most; a block shows its first images.
    pub rows: usize,
    /// Distance between blocks, in pixels.
    pub spacing: usize,
    /// Size of the labels, in multiples of 9×18 pixels a character.
    pub label_scale: usize,
    /// Gray of the labels, 0 black to 255 white.
    pub label_gray: u8,
}

impl Default for StripStyle {
    fn default() -> Self {
        StripStyle {
            grid: GridStyle {
                margin: 24,
                ..GridStyle::default()
            },
            columns: 4,
            rows: 4,
            spacing: 24,
            label_scale: 2,
            label_gray: 230,
        }
    }
}

/// Draws one block of tiles after the other from left to right, each under its
/// label; all blocks get the width of the widest, label included.
///
/// # Errors
/// [`Error::Empty`] where there are no blocks or one of them has no images;
/// [`Error::TooLarge`] where the picture would have more than
/// [`Canvas::MAX_PIXELS`].
pub fn strip(blocks: &[(&str, &Images)], style: &StripStyle) -> Result<Canvas> {
    draw(blocks, usize::MAX, style)
}

/// Draws originals on the left and as many forgeries on the right, each under
/// its title; the longer of the two sets loses its last images.
///
/// # Errors
/// As [`strip`].
pub fn originals_vs_forgeries(
    originals: (&str, &Images),
    forgeries: (&str, &Images),
    style: &StripStyle,
) -> Result<Canvas> {
    let fewest = originals.1.len().min(forgeries.1.len());
    draw(&[originals, forgeries], fewest, style)
}

/// As [`strip`], with at most `most` images in a block.
fn draw(blocks: &[(&str, &Images)], most: usize, style: &StripStyle) -> Result<Canvas> {
    let cells = style.columns.max(1).saturating_mul(style.rows.max(1));
    let layouts: Vec<Layout> = blocks
        .iter()
        .map(|(_, images)| Layout::new(images, cells.min(most), style.columns, &style.grid))
        .collect();
    if layouts.is_empty() || layouts.iter().any(|layout| layout.size() == (0, 0)) {
        return Err(Error::Empty);
    }
    let labels = blocks
        .iter()
        .map(|(label, _)| text_width(label).saturating_mul(style.label_scale));
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
    for (i, ((label, _), layout)) in blocks.iter().zip(&layouts).enumerate() {
        let left = margin + offset(i, width, style.spacing);
        canvas.draw_text(label, left, margin, style.label_scale, style.label_gray);
        layout.draw(&mut canvas, left, margin + head);
    }
    Ok(canvas)
}
