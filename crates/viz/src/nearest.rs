//! Samples beside their nearest training images.

use mnist_io::Images;

use crate::canvas::{Canvas, TEXT_HEIGHT, text_width};
use crate::error::{Error, Result};
use crate::grid::{GridStyle, TileLayout, offset, span};

/// Pairs in a line, if a row has one sample.
const PAIRS: usize = 8;
/// The largest number of lines.
const MAX_LINES: usize = 8;
/// Space between two pairs of a line, in pixels.
const SPACING: usize = 20;
/// Width of the frame around a training image, in pixels.
const FRAME: usize = 2;
/// Gray of the frame.
const FRAME_GRAY: u8 = 190;
/// Gray of the caption.
const TEXT_GRAY: u8 = 230;

/// The caption of pairs with samples.
const SAMPLES: &str = "sample | nearest training image";
/// The caption of pairs with real images.
const REAL: &str = "real test image | nearest training image";

/// Draws rows of `per_row` samples. Each row ends with the training image
/// nearest to its last sample, in a frame.
///
/// `nearest` contains the nearest image of each sample, in the same order. With
/// `per_row` 1, each line has eight pairs. The picture has up to eight lines;
/// the remaining samples and an incomplete row are omitted. Goodfellow et al.
/// 2014, figure 2, shows rows of five.
///
/// # Errors
/// [`Error::Empty`] without images, [`Error::SizesDiffer`] for images of
/// different sizes, [`Error::TooLarge`] above [`Canvas::MAX_PIXELS`].
pub fn nearest(samples: &Images, nearest: &Images, per_row: usize) -> Result<Canvas> {
    let caption = match per_row.clamp(1, samples.len().min(nearest.len()).max(1)) {
        1 => SAMPLES.to_owned(),
        per_row => format!("{per_row} samples | the training image nearest to the last"),
    };
    draw(samples, nearest, per_row, &caption)
}

/// Draws the same of samples, and below it pairs of real test images and of the training
/// images nearest to these: real images have such neighbors too.
///
/// # Errors
/// Those of [`nearest()`].
pub fn nearest_beside_real(
    (samples, nearest_to_samples): (&Images, &Images),
    (real, nearest_to_real): (&Images, &Images),
    per_row: usize,
) -> Result<Canvas> {
    let above = nearest(samples, nearest_to_samples, per_row)?;
    let below = draw(real, nearest_to_real, 1, REAL)?;
    Canvas::stack(&[above, below], GridStyle::default().background)
}

fn draw(samples: &Images, nearest: &Images, per_row: usize, caption: &str) -> Result<Canvas> {
    let count = samples.len().min(nearest.len());
    let per_row = per_row.clamp(1, count.max(1));
    let pairs = if per_row == 1 { PAIRS } else { 1 };
    let groups = (count / per_row).min(MAX_LINES * pairs);
    if groups == 0 {
        return Err(Error::Empty);
    }
    let size = |images: &Images| (images.cols(), images.rows());
    if size(samples) != size(nearest) {
        return Err(Error::SizesDiffer { first: size(samples), other: size(nearest) });
    }
    let style =
        GridStyle { scale: if per_row == 1 { 2 } else { 3 }, margin: 24, ..GridStyle::default() };

    // A group is a row of samples, a gap, and a framed training image.
    let tile = |side: usize| side.saturating_mul(style.scale);
    let (tile_width, tile_height) = (tile(samples.cols()), tile(samples.rows()));
    let row_width = span(per_row, tile_width, style.gap);
    let framed = row_width.saturating_add(style.gap + FRAME);
    let group_width = framed.saturating_add(tile_width).saturating_add(FRAME);
    let line_height = tile_height.saturating_add(2 * FRAME);
    let (columns, lines) = (groups.min(pairs), groups.div_ceil(pairs));

    let head = TEXT_HEIGHT + style.margin / 2;
    let width = span(columns, group_width, SPACING).max(text_width(caption));
    let height = span(lines, line_height, style.gap).saturating_add(head);
    let side = |inside: usize| inside.saturating_add(2 * style.margin);
    let mut canvas = Canvas::new(side(width), side(height), style.background)?;
    canvas.draw_text(caption, style.margin, style.margin, 1, TEXT_GRAY);
    let row_layout = TileLayout::new(per_row, (samples.rows(), samples.cols()), per_row, &style);
    for group in 0..groups {
        let left = style.margin + offset(group % pairs, group_width, SPACING);
        let top = style.margin + head + offset(group / pairs, line_height, style.gap);
        let row: Vec<usize> = (group * per_row..(group + 1) * per_row).collect();
        let (row_images, last) = (samples.select(&row), nearest.get(row[per_row - 1]));
        let (Some(row_images), Some(last)) = (row_images, last) else {
            continue;
        };
        row_layout.draw(&row_images, &mut canvas, left, top + FRAME);
        let (x, frame_width) = (left + framed, tile_width + 2 * FRAME);
        let frame = vec![FRAME_GRAY; frame_width * line_height];
        canvas.draw_image(&frame, frame_width, x - FRAME, top, 1);
        canvas.draw_image(last, nearest.cols(), x, top + FRAME, style.scale);
    }
    Ok(canvas)
}
