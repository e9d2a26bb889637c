//! All figures of a training run, drawn from its directory.

mod figure;
mod generator;
mod run_images;
mod snapshots;

use run_dir::RunDir;

pub use figure::Figure;

use crate::densities::{densities, density_frames};
use crate::error::{Error, Result};
use crate::losses::losses;
use crate::quality::{comparable, quality};
use run_images::RunImages;

/// The largest number of frames in an animation.
const FRAMES: usize = 64;

/// Draws every figure of a run into its `figures/`, the most important first.
///
/// | file | shows | needs |
/// |---|---|---|
/// | `progress.png` | samples from the same latents at six or seven steps | snapshots |
/// | `progress.gif` | samples from the same latents in up to 64 snapshots | snapshots |
/// | `originals_vs_forgeries.png` | real images beside the last snapshot | snapshots |
/// | `densities.svg` | densities, D and the optimal D at the last step; the value function | densities |
/// | `densities.gif` | the same at up to 64 steps | densities |
/// | `losses.svg` | the losses and the shares that D classifies as real | metrics |
/// | `quality.svg` | FID, precision and recall over the steps | evaluations of two steps |
/// | `nearest.png` | samples and their nearest training images | nearest images |
/// | `latent_walk.png` | samples on lines between two latents | a latent walk |
/// | `digits.png` | in each row one latent as every digit | digits |
/// | `originals.png` | real images in the grid of a snapshot | snapshots |
/// | `samples/000300.png` | the snapshot at step 300 | snapshots |
///
/// The run's [`FigureLayout`](run_dir::FigureLayout) determines the grids of
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
        return Err(Error::NoSnapshots { path: run.samples_dir() });
    }
    let name = run.root().file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let mut figures = Vec::new();
    if let Some(images) = &images {
        figures.push(snapshots::draw_progress(images)?);
        if all {
            figures.push(snapshots::draw_animation(images, FRAMES)?);
            figures.push(snapshots::draw_real_vs_fake(images)?);
        }
    }
    if !density_rows.is_empty() {
        let svg = densities(&density_rows, &name)?;
        let shows = "real and fake densities, D beside the optimal D";
        figures.push(Figure::write_svg(run, "densities.svg", shows, &svg)?);
        if all {
            let frames = density_frames(&density_rows, &name, FRAMES)?;
            figures.push(Figure::write_gif(run, "densities.gif", &frames)?);
        }
    }
    let metrics = run.metrics()?;
    if !metrics.is_empty() {
        let svg = losses(&metrics, &name)?;
        let shows = "the losses, and the shares that D classifies as real";
        figures.push(Figure::write_svg(run, "losses.svg", shows, &svg)?);
    }
    let evaluations = run.quality()?;
    if comparable(&evaluations).len() > 1 {
        let svg = quality(&evaluations, &name)?;
        let shows = "the quality of the samples during training";
        figures.push(Figure::write_svg(run, "quality.svg", shows, &svg)?);
    }
    match &images {
        Some(images) if all => {
            figures.extend(generator::draw_nearest(images)?);
            figures.extend(generator::draw_walk(images)?);
            figures.extend(generator::draw_digits(images)?);
            figures.push(snapshots::draw_real(images)?);
            figures.push(snapshots::draw_each(images)?);
        }
        Some(images) => figures.push(snapshots::draw_newest(images)?),
        None => {}
    }
    Ok(figures)
}
