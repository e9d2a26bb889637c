//! The figures that ask what G has learned: the nearest training images, the
//! ways between latents, and one latent as every digit.

use mnist_io::Images;
use run_dir::RunDir;

use super::Figure;
use super::samples::Samples;
use crate::canvas::text_width;
use crate::{Error, GridStyle, Result, StripStyle, nearest, strip};

/// Width that `latent_walk.png` and `digits.png` are brought near to by their
/// scale, in pixels.
const WIDTH: usize = 600;
/// Size of their labels, in multiples of 9×18 pixels a character.
const LABEL_SCALE: usize = 1;

pub fn draw_nearest(run: &RunDir, samples: &Samples) -> Result<Option<Figure>> {
    let Some(originals) = run.nearest()? else {
        return Ok(None);
    };
    samples.check(run.nearest_path(), &originals, true)?;
    let per_row = usize::try_from(samples.pictures.nearest_row).unwrap_or(usize::MAX);
    let path = run.figures_dir().join("nearest.png");
    nearest(&samples.last_images, &originals, per_row)?.write_png(&path)?;
    Ok(Some(Figure {
        path,
        shows: "forgeries, and the training images nearest to them",
    }))
}

pub fn draw_walk(run: &RunDir, samples: &Samples) -> Result<Option<Figure>> {
    let Some(walks) = run.walk()? else {
        return Ok(None);
    };
    let all = joined(&walks)?;
    samples.check(run.walk_path(), &all, false)?;
    let columns = walks.first().map_or(0, Images::len);
    let style = StripStyle {
        columns,
        rows: walks.len(),
        ..style(samples, columns)
    };
    let path = run.figures_dir().join("latent_walk.png");
    strip(&[("each row: from one latent to another", &all)], &style)?.write_png(&path)?;
    Ok(Some(Figure {
        path,
        shows: "forgeries on the way from one latent to another",
    }))
}

pub fn draw_digits(run: &RunDir, samples: &Samples) -> Result<Option<Figure>> {
    let Some(latents) = run.digits()? else {
        return Ok(None);
    };
    let digits = latents.first().map_or(0, Images::len);
    let style = style(samples, digits);
    let columns = (0..digits)
        .map(|digit| {
            joined(
                &latents
                    .iter()
                    .filter_map(|row| row.select(&[digit]))
                    .collect::<Vec<_>>(),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    if let Some(column) = columns.first() {
        samples.check(run.digits_path(), column, false)?;
    }
    // Characters that fit in a tile, so that its digit stands in the middle.
    let fit = samples.last_images.cols() * style.grid.scale / (LABEL_SCALE * text_width(" "));
    let labels: Vec<String> = (0..digits).map(|digit| format!("{digit:^fit$}")).collect();
    let blocks: Vec<(&str, &Images)> = labels.iter().map(String::as_str).zip(&columns).collect();
    let style = StripStyle {
        columns: 1,
        rows: latents.len(),
        spacing: style.grid.gap,
        ..style
    };
    let path = run.figures_dir().join("digits.png");
    strip(&blocks, &style)?.write_png(&path)?;
    Ok(Some(Figure {
        path,
        shows: "each row one latent, as every digit",
    }))
}

/// A strip's style with tiles of which `columns` make a picture.
fn style(samples: &Samples, columns: usize) -> StripStyle {
    StripStyle {
        grid: GridStyle {
            scale: samples.scale(columns, WIDTH),
            ..StripStyle::default().grid
        },
        label_scale: LABEL_SCALE,
        ..StripStyle::default()
    }
}

/// All images of all rows, in their order.
fn joined(rows: &[Images]) -> Result<Images> {
    let first = rows.first().ok_or(Error::Empty)?;
    let pixels: Vec<u8> = rows.iter().flat_map(Images::pixels).copied().collect();
    Ok(Images::new(first.rows(), first.cols(), pixels)?)
}
