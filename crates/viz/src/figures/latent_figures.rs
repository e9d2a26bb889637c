//! Figures of what G learned: nearest training images, latent walk and classes.

use gan_config::Classes;
use mnist_io::Images;

use super::figure::{Figure, FigureKind};
use super::run_images::{Labeled, RunImages, labeled_strip};
use crate::canvas::{Canvas, text_width};
use crate::error::{Error, Result};
use crate::nearest::{nearest, nearest_beside_real};
use crate::strip::{StripStyle, strip};

/// The width of `latent_walk.png` and `digits.png`, approximately, in pixels.
const WIDTH: usize = 600;
/// The largest number of classes side by side in `digits.png`. Further classes go into more
/// rows.
const MAX_CLASSES_PER_ROW: usize = 16;
/// Size of their labels: a character has 9x18 pixels times this number.
const LABEL_SCALE: usize = 1;

pub fn draw_nearest(images: &RunImages) -> Result<Option<Figure>> {
    let Some(training) = images.run.nearest()? else {
        return Ok(None);
    };
    let path = images.run.nearest_path();
    images.check(&path, &training, true)?;
    let per_row = usize::try_from(images.layout.nearest_row).unwrap_or(usize::MAX);
    let samples = (&images.last_images, &training);
    let path = images.run.real_nearest_path();
    let canvas = match images.run.image_rows(&path, None)?.as_deref() {
        Some([real, neighbors]) => {
            images.check(&path, real, false)?;
            nearest_beside_real(samples, (real, neighbors), per_row)?
        }
        _ => nearest(samples.0, samples.1, per_row)?,
    };
    Figure::write(images.run, FigureKind::Nearest, |w| canvas.encode_png(w)).map(Some)
}

pub fn draw_walk(images: &RunImages) -> Result<Option<Figure>> {
    let path = images.run.latent_walk_path();
    let Some(rows) = images.run.image_rows(&path, None)? else {
        return Ok(None);
    };
    let all = concatenate(&rows)?;
    images.check(&path, &all, false)?;
    let columns = rows.first().map_or(0, Images::len);
    let style = StripStyle { label_scale: LABEL_SCALE, ..images.style(columns, rows.len(), WIDTH) };
    let canvas = strip(&[("each row: from one latent to another", &all)], &style)?;
    Figure::write(images.run, FigureKind::LatentWalk, |w| canvas.encode_png(w)).map(Some)
}

pub fn draw_digits(images: &RunImages) -> Result<Option<Figure>> {
    let classes = images.run.config()?.conditional_classes();
    let path = images.run.class_rows_path();
    let Some(rows) = images.run.image_rows(&path, Some(classes.len()))? else {
        return Ok(None);
    };
    let lines = classes.len().div_ceil(MAX_CLASSES_PER_ROW);
    let in_line = classes.len().div_ceil(lines);
    let style = images.style(in_line, rows.len(), WIDTH);
    // A label as wide as a tile puts the class in the middle.
    let width = images.last_images.cols() * style.grid.scale / (LABEL_SCALE * text_width(" "));
    let column = |(i, class): (usize, &u8)| -> Result<Labeled> {
        let column: Vec<Images> = rows.iter().filter_map(|row| row.select(&[i])).collect();
        Ok((format!("{class:^width$}"), concatenate(&column)?))
    };
    let columns = classes.as_slice().iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;
    if let Some((_, column)) = columns.first() {
        images.check(&path, column, false)?;
    }
    let style =
        StripStyle { columns: 1, spacing: style.grid.gap, label_scale: LABEL_SCALE, ..style };
    let strips = columns.chunks(in_line).map(|line| labeled_strip(line, &style));
    let canvas = Canvas::stack(&strips.collect::<Result<Vec<_>>>()?, style.grid.background)?;
    let kind = if classes == Classes::digits() { FigureKind::Digits } else { FigureKind::Classes };
    Figure::write(images.run, kind, |w| canvas.encode_png(w)).map(Some)
}

/// All images of all rows, in order.
fn concatenate(rows: &[Images]) -> Result<Images> {
    let first = rows.first().ok_or(Error::Empty)?;
    let pixels: Vec<u8> = rows.iter().flat_map(Images::pixels).copied().collect();
    Ok(Images::new(first.rows(), first.cols(), pixels)?)
}
