//! Forgeries beside the training images nearest to them.

use mnist_io::Images;

use crate::canvas::{TEXT_HEIGHT, text_width};
use crate::grid::{Layout, offset, span};
use crate::{Canvas, Error, GridStyle, Result};

/// Pairs in a line, where each forgery has its nearest image beside it.
const PAIRS: usize = 8;
/// Most lines, for each to be looked at.
const LINES: usize = 8;
/// Distance between two groups of a line, in pixels.
const SPACING: usize = 20;
/// Thickness of the frame around a training image, in pixels.
const FRAME: usize = 2;
/// Gray of the frame.
const FRAME_GRAY: u8 = 190;
/// Gray of the caption.
const TEXT_GRAY: u8 = 230;

/// Draws rows of `per_row` forgeries, each row followed by the training image
/// nearest to its last, in a frame; where `per_row` is 1, eight such pairs
/// stand in a line. Of `nearest`, image i belongs to forgery i. Forgeries that
/// fill no row, and what comes after eight lines, are left out.
///
/// The form with five in a row is that of Goodfellow et al. 2014, figure 2.
///
/// # Errors
/// [`Error::Empty`] where either has no images; [`Error::SizesDiffer`] where
/// theirs are not of one size; [`Error::TooLarge`] where the picture would have
/// more than [`Canvas::MAX_PIXELS`].
pub fn nearest(forgeries: &Images, nearest: &Images, per_row: usize) -> Result<Canvas> {
    let count = forgeries.len().min(nearest.len());
    let per_row = per_row.clamp(1, count.max(1));
    let pairs = if per_row == 1 { PAIRS } else { 1 };
    let groups = (count / per_row).min(LINES * pairs);
    if groups == 0 {
        return Err(Error::Empty);
    }
    let size = |images: &Images| (images.rows(), images.cols());
    let (size_of_forgeries, size_of_nearest) = (size(forgeries), size(nearest));
    if size_of_forgeries != size_of_nearest {
        return Err(Error::SizesDiffer {
            forgeries: size_of_forgeries,
            nearest: size_of_nearest,
        });
    }
    let style = GridStyle {
        scale: if per_row == 1 { 2 } else { 3 },
        margin: 24,
        ..GridStyle::default()
    };
    let caption = if per_row == 1 {
        "forgery | nearest training image".to_owned()
    } else {
        format!("{per_row} forgeries | the training image nearest to the last")
    };

    // A group is a row of forgeries, a gap, and a framed training image.
    let tile = |side: usize| side.saturating_mul(style.scale);
    let (tile_width, tile_height) = (tile(forgeries.cols()), tile(forgeries.rows()));
    let row_width = span(per_row, tile_width, style.gap);
    let framed = row_width.saturating_add(style.gap + FRAME);
    let group_width = framed.saturating_add(tile_width).saturating_add(FRAME);
    let line_height = tile_height.saturating_add(2 * FRAME);
    let (columns, lines) = (groups.min(pairs), groups.div_ceil(pairs));

    let head = TEXT_HEIGHT + style.margin / 2;
    let width = span(columns, group_width, SPACING).max(text_width(&caption));
    let height = span(lines, line_height, style.gap).saturating_add(head);
    let side = |inside: usize| inside.saturating_add(2 * style.margin);
    let mut canvas = Canvas::new(side(width), side(height), style.background)?;
    canvas.draw_text(&caption, style.margin, style.margin, 1, TEXT_GRAY);
    for group in 0..groups {
        let left = style.margin + offset(group % pairs, group_width, SPACING);
        let top = style.margin + head + offset(group / pairs, line_height, style.gap);
        let row: Vec<usize> = (group * per_row..(group + 1) * per_row).collect();
        let (Some(row_images), Some(last)) = (
            forgeries.select(&row),
            row.last().and_then(|last| nearest.get(*last)),
        ) else {
            continue;
        };
        Layout::new(&row_images, per_row, per_row, &style).draw(&mut canvas, left, top + FRAME);
        let frame = vec![FRAME_GRAY; (tile_width + 2 * FRAME) * line_height];
        canvas.draw_image(
            &frame,
            tile_width + 2 * FRAME,
            left + framed - FRAME,
            top,
            1,
        );
        canvas.draw_image(
            last,
            nearest.cols(),
            left + framed,
            top + FRAME,
            style.scale,
        );
    }
    Ok(canvas)
}
