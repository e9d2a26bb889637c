//! All figures of a training run, drawn from its directory alone.

mod matches;
mod samples;
mod snapshots;

use std::io::Write;
use std::path::PathBuf;

use run_dir::{DensityRow, RunDir, write_atomic};

use crate::quality::comparable;
use crate::{
    Error, Result, Timing, densities, density_frames, losses, quality, write_apng, write_gif,
};
use samples::Samples;

/// Most frames of an animation.
const FRAMES: usize = 64;

/// A figure that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The file, or the folder where it is a set of files.
    pub path: PathBuf,
    /// What it shows, as a phrase.
    pub shows: &'static str,
}

/// Draws every figure of a run into its `figures/`, those to open first first.
///
/// | file | shows | where there are |
/// |---|---|---|
/// | `progress.png` | the same latents at a few moments of training | snapshots |
/// | `progress.gif`, `progress-animated.png` | the same latents, snapshot by snapshot | snapshots |
/// | `originals_vs_forgeries.png` | originals beside the last snapshot | snapshots |
/// | `densities.svg` | originals, forgeries, D and the best D at the last step | densities |
/// | `densities.gif`, `densities-animated.png` | the same, step by step | densities |
/// | `losses.svg` | losses and D's verdicts | metrics |
/// | `quality.svg` | FID, precision and recall | evaluations of two steps |
/// | `nearest.png` | forgeries beside the training images nearest to them | nearest images |
/// | `latent_walk.png` | forgeries along lines between two latents | walks |
/// | `digits.png` | latents as each of the ten digits | digits |
/// | `originals.png` | originals in the grid of a snapshot | snapshots |
/// | `samples/000300.png` | images of the snapshot at step 300 | snapshots |
///
/// The pictures of single snapshots, `originals.png` and `nearest.png` are laid
/// out as the run's [`Pictures`](run_dir::Pictures) say.
///
/// # Errors
/// [`Error::NoSnapshots`] where there are neither snapshots nor densities yet;
/// [`Error::Idx`], [`Error::NoImages`] or [`Error::ShapesDiffer`] where a file
/// of images does not fit; [`Error::Run`] where configuration, rows, or rows of
/// images cannot be read or a figure not written.
pub fn draw_all(run: &RunDir) -> Result<Vec<Figure>> {
    let samples = Samples::of(run)?;
    let densities = run.densities()?;
    let mut figures = Vec::new();
    if let Some(samples) = &samples {
        figures.push(snapshots::draw_strip(run, samples)?);
        figures.extend(snapshots::draw_animations(run, samples)?);
        figures.push(snapshots::draw_sides(run, samples)?);
    }
    if !densities.is_empty() {
        figures.push(draw_densities(run, &densities)?);
        figures.extend(draw_density_animations(run, &densities)?);
    }
    if figures.is_empty() {
        return Err(nothing_yet(run));
    }
    figures.extend(draw_losses(run)?);
    figures.extend(draw_quality(run)?);
    if let Some(samples) = &samples {
        figures.extend(matches::draw_nearest(run, samples)?);
        figures.extend(matches::draw_walk(run, samples)?);
        figures.extend(matches::draw_digits(run, samples)?);
        figures.push(snapshots::draw_originals(run, samples)?);
        figures.push(snapshots::draw_each(run, samples)?);
    }
    Ok(figures)
}

/// Draws what is worth a look while a run trains: `progress.png`,
/// `densities.svg`, `losses.svg`, `quality.svg` and the newest snapshot's grid,
/// where there is what they show. Reads no more snapshots than it shows.
///
/// # Errors
/// As [`draw_all`].
pub fn draw_progress(run: &RunDir) -> Result<Vec<Figure>> {
    let samples = Samples::of(run)?;
    let densities = run.densities()?;
    let mut figures = Vec::new();
    if let Some(samples) = &samples {
        figures.push(snapshots::draw_strip(run, samples)?);
    }
    if !densities.is_empty() {
        figures.push(draw_densities(run, &densities)?);
    }
    if figures.is_empty() {
        return Err(nothing_yet(run));
    }
    figures.extend(draw_losses(run)?);
    figures.extend(draw_quality(run)?);
    if let Some(samples) = &samples {
        figures.push(snapshots::draw_newest(run, samples)?);
    }
    Ok(figures)
}

fn nothing_yet(run: &RunDir) -> Error {
    Error::NoSnapshots {
        path: run.samples_dir(),
    }
}

fn draw_losses(run: &RunDir) -> Result<Option<Figure>> {
    let rows = run.metrics()?;
    if rows.is_empty() {
        return Ok(None);
    }
    let svg = losses(&rows, &name(run))?;
    let shows = "the losses, and what D takes for original";
    write_svg(run, "losses.svg", &svg, shows).map(Some)
}

/// Nothing for a single step, which makes no curve.
fn draw_quality(run: &RunDir) -> Result<Option<Figure>> {
    let rows = run.quality()?;
    if comparable(&rows).len() < 2 {
        return Ok(None);
    }
    let svg = quality(&rows, &name(run))?;
    let shows = "FID, precision and recall during training";
    write_svg(run, "quality.svg", &svg, shows).map(Some)
}

fn draw_densities(run: &RunDir, rows: &[DensityRow]) -> Result<Figure> {
    let svg = densities(rows, &name(run))?;
    let shows = "originals and forgeries as densities, D beside the best D";
    write_svg(run, "densities.svg", &svg, shows)
}

fn write_svg(run: &RunDir, file: &str, svg: &str, shows: &'static str) -> Result<Figure> {
    let path = run.figures_dir().join(file);
    write_atomic(&path, |w| w.write_all(svg.as_bytes()))?;
    Ok(Figure { path, shows })
}

fn draw_density_animations(run: &RunDir, rows: &[DensityRow]) -> Result<[Figure; 2]> {
    let frames = density_frames(rows, &name(run), FRAMES)?;
    let timing = Timing::for_frames(frames.len());
    let gif = run.figures_dir().join("densities.gif");
    let png = run.figures_dir().join("densities-animated.png");
    write_gif(&gif, &frames, timing)?;
    write_apng(&png, &frames, timing)?;
    Ok(animations(gif, png))
}

/// An animation's two files.
fn animations(gif: PathBuf, png: PathBuf) -> [Figure; 2] {
    [
        Figure {
            path: gif,
            shows: "training as an animation",
        },
        Figure {
            path: png,
            shows: "the same animation as a PNG, in all its shades",
        },
    ]
}

fn name(run: &RunDir) -> String {
    let name = run.root().file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
