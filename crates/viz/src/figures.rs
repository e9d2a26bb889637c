//! All figures of a training run, drawn from its directory.

mod figure;
mod latent_figures;
mod run_images;
mod snapshots;

use std::io::Write;

use run_dir::RunDir;

pub use figure::{Figure, FigureKind};

use crate::animation::{Timing, gif};
use crate::densities::{densities, density_frames};
use crate::error::{Error, Result};
use crate::losses::losses;
use crate::quality::{quality, rows_of_one_curve};
use run_images::RunImages;
pub(crate) use run_images::read_images;

/// The largest number of frames in an animation.
const MAX_GIF_FRAMES: usize = 64;

/// Draws every figure of a run into its `figures/`, the most important first.
///
/// [`FigureKind`] lists them. A figure whose data the run lacks is not drawn: `densities` need
/// densities, `losses.svg` needs metrics, `quality.svg` evaluations of two steps, `nearest.png`
/// nearest images, `latent_walk.png` a walk, `digits.png` and `classes.png` images of each class,
/// and all others snapshots.
///
/// The run's [`FigureLayout`](gan_config::FigureLayout) determines the grids of
/// `samples/` and `originals.png`, and the rows of `nearest.png`.
///
/// # Errors
/// [`Error::NoSnapshots`] if the run has neither snapshots nor densities.
/// [`Error::NoImages`] or [`Error::ShapesDiffer`] for unsuitable files of images.
/// [`Error::Run`] if a file cannot be read or a figure cannot be written.
pub fn draw_all(run: &RunDir) -> Result<Vec<Figure>> {
    draw(run, true)
}

/// Draws a few figures of a run that still trains: `progress.png`,
/// `densities.svg`, `losses.svg`, `quality.svg` and the newest snapshot. Reads
/// only the snapshots that these show.
///
/// # Errors
/// Those of [`draw_all`].
pub fn draw_progress(run: &RunDir) -> Result<Vec<Figure>> {
    draw(run, false)
}

fn draw(run: &RunDir, all: bool) -> Result<Vec<Figure>> {
    let images = RunImages::read(run)?;
    let density_rows = run.densities()?;
    if images.is_none() && density_rows.is_empty() {
        return Err(Error::NoSnapshots { path: run.snapshots_dir() });
    }
    let name = run.name();
    let mut figures = Vec::new();
    if let Some(images) = &images {
        figures.push(snapshots::draw_progress(images)?);
        if all {
            figures.push(snapshots::draw_animation(images, MAX_GIF_FRAMES)?);
            figures.push(snapshots::draw_real_vs_fake(images)?);
        }
    }
    if !density_rows.is_empty() {
        let svg = densities(&density_rows, &name)?;
        figures.push(Figure::write(run, FigureKind::Densities, |w| w.write_all(svg.as_bytes()))?);
        if all {
            let frames = density_frames(&density_rows, &name, MAX_GIF_FRAMES)?;
            let gif = gif(&frames, Timing::for_frames(frames.len()))?;
            figures.push(Figure::write(run, FigureKind::DensitiesAnimation, gif)?);
        }
    }
    let metrics = run.metrics()?;
    if !metrics.is_empty() {
        let svg = losses(&metrics, &name)?;
        figures.push(Figure::write(run, FigureKind::Losses, |w| w.write_all(svg.as_bytes()))?);
    }
    let evaluations = run.quality()?;
    if rows_of_one_curve(&evaluations).len() > 1 {
        let svg = quality(&evaluations, &name)?;
        figures.push(Figure::write(run, FigureKind::Quality, |w| w.write_all(svg.as_bytes()))?);
    }
    match &images {
        Some(images) if all => {
            figures.extend(latent_figures::draw_nearest(images)?);
            figures.extend(latent_figures::draw_walk(images)?);
            figures.extend(latent_figures::draw_digits(images)?);
            figures.push(snapshots::draw_real(images)?);
            figures.push(snapshots::draw_each(images)?);
        }
        Some(images) => figures.push(snapshots::draw_newest(images)?),
        None => {}
    }
    Ok(figures)
}
