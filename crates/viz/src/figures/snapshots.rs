//! The figures of snapshots: over time, beside originals, and each alone.

use std::path::PathBuf;

use mnist_io::Images;
use run_dir::{RunDir, Snapshot};

use super::samples::{Samples, step_label};
use super::{FRAMES, Figure, animations};
use crate::grid::grids;
use crate::moments::{moments, spread};
use crate::{
    Canvas, GridStyle, Result, Timing, originals_vs_forgeries, square_columns, strip, write_apng,
    write_gif,
};

/// Width that a block of tiles is brought near to by its scale, in pixels.
const BLOCK_WIDTH: usize = 230;
/// The same for a grid that has a picture of its own.
const GRID_WIDTH: usize = 500;

pub fn draw_strip(run: &RunDir, samples: &Samples) -> Result<Figure> {
    let steps: Vec<u64> = samples.snapshots.iter().map(|s| s.step).collect();
    let moments = samples.labeled(&moments(&steps))?;
    let blocks: Vec<(&str, &Images)> = moments.iter().map(|(l, i)| (l.as_str(), i)).collect();
    let path = run.figures_dir().join("progress.png");
    strip(&blocks, &samples.style(4, BLOCK_WIDTH))?.write_png(&path)?;
    Ok(Figure {
        path,
        shows: "the same latents as training goes on",
    })
}

pub fn draw_animations(run: &RunDir, samples: &Samples) -> Result<[Figure; 2]> {
    let moments = samples.labeled(&spread(samples.snapshots.len(), FRAMES))?;
    let style = samples.style(8, GRID_WIDTH);
    let frames: Vec<Canvas> = moments
        .iter()
        .map(|(label, images)| strip(&[(label, images)], &style))
        .collect::<Result<_>>()?;
    let timing = Timing::for_frames(frames.len());
    let gif = run.figures_dir().join("progress.gif");
    let png = run.figures_dir().join("progress-animated.png");
    write_gif(&gif, &frames, timing)?;
    write_apng(&png, &frames, timing)?;
    Ok(animations(gif, png))
}

pub fn draw_sides(run: &RunDir, samples: &Samples) -> Result<Figure> {
    let originals = samples.originals()?;
    let title = format!("forgeries, {}", step_label(samples.last.step));
    let path = run.figures_dir().join("originals_vs_forgeries.png");
    originals_vs_forgeries(
        ("originals", &originals),
        (&title, &samples.last_images),
        &samples.style(8, GRID_WIDTH),
    )?
    .write_png(&path)?;
    Ok(Figure {
        path,
        shows: "originals beside forgeries",
    })
}

pub fn draw_originals(run: &RunDir, samples: &Samples) -> Result<Figure> {
    let originals = samples.originals()?;
    let path = run.figures_dir().join("originals.png");
    laid_out(samples, &[&originals], samples.pictures.grid)?.write_png(&path)?;
    Ok(Figure {
        path,
        shows: "originals as a grid of their own",
    })
}

/// Every snapshot, the last one in a layout of its own.
pub fn draw_each(run: &RunDir, samples: &Samples) -> Result<Figure> {
    for snapshot in &samples.snapshots {
        let layout = if *snapshot == samples.last {
            samples.pictures.last_grid
        } else {
            samples.pictures.grid
        };
        draw_snapshot(run, samples, snapshot, layout)?;
    }
    Ok(Figure {
        path: run.pictures_dir(),
        shows: "each snapshot as a grid of its own",
    })
}

/// The newest snapshot, which need not be the run's last.
pub fn draw_newest(run: &RunDir, samples: &Samples) -> Result<Figure> {
    Ok(Figure {
        path: draw_snapshot(run, samples, &samples.last, samples.pictures.grid)?,
        shows: "the newest snapshot",
    })
}

fn draw_snapshot(
    run: &RunDir,
    samples: &Samples,
    snapshot: &Snapshot,
    layout: [u64; 2],
) -> Result<PathBuf> {
    let images = samples.read(snapshot)?;
    let path = run.picture_path(snapshot.step);
    let canvas = if samples.pictures.real_above {
        laid_out(samples, &[&samples.originals()?, &images], layout)?
    } else {
        laid_out(samples, &[&images], layout)?
    };
    canvas.write_png(&path)?;
    Ok(path)
}

/// The first of each of `blocks` in so many rows and columns, a block below the
/// other; fewer images than cells make a square grid, where it fits.
fn laid_out(samples: &Samples, blocks: &[&Images], layout: [u64; 2]) -> Result<Canvas> {
    let [rows, columns] = layout.map(|side| usize::try_from(side).unwrap_or(usize::MAX).max(1));
    let fewest = blocks.iter().map(|images| images.len()).min().unwrap_or(0);
    let shown = fewest.min(rows.saturating_mul(columns));
    let columns = square_columns(shown).clamp(shown.div_ceil(rows), columns);
    let style = GridStyle {
        scale: samples.scale(columns, GRID_WIDTH),
        ..GridStyle::default()
    };
    grids(blocks, shown, columns, &style)
}
