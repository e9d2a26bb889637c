//! Figures of snapshots: over time, beside real images, and one by one.

use std::path::PathBuf;

use mnist_io::Images;

use super::figure::{Figure, FigureKind};
use super::run_images::{RunImages, labeled_strip, step_label};
use crate::animation::{Timing, gif};
use crate::canvas::Canvas;
use crate::error::Result;
use crate::grid::{GridStyle, grid, square_columns};
use crate::snapshot_choice::{evenly_spaced, representative};
use crate::strip::real_vs_fake;

/// The width of a block in `progress.png`, approximately, in pixels.
const BLOCK_WIDTH: usize = 230;
/// The width of a grid in the other figures, approximately, in pixels.
const GRID_WIDTH: usize = 500;

pub fn draw_progress(images: &RunImages) -> Result<Figure> {
    let steps: Vec<u64> = images.snapshots.iter().map(|(step, _)| *step).collect();
    let chosen = images.labeled(&representative(&steps))?;
    let canvas = labeled_strip(&chosen, &images.square_style(4, BLOCK_WIDTH))?;
    Figure::write(images.run, FigureKind::Progress, |w| canvas.encode_png(w))
}

pub fn draw_animation(images: &RunImages, most_frames: usize) -> Result<Figure> {
    let chosen = images.labeled(&evenly_spaced(images.snapshots.len(), most_frames))?;
    let style = images.square_style(8, GRID_WIDTH);
    let frames: Vec<Canvas> = chosen
        .iter()
        .map(|block| labeled_strip(std::slice::from_ref(block), &style))
        .collect::<Result<_>>()?;
    let timing = Timing::for_frames(frames.len());
    Figure::write(images.run, FigureKind::ProgressAnimation, gif(&frames, timing)?)
}

pub fn draw_real_vs_fake(images: &RunImages) -> Result<Figure> {
    let title = format!("generated, {}", step_label(images.last.0));
    let canvas = real_vs_fake(
        ("real", &images.real()?),
        (&title, &images.last_images),
        &images.square_style(8, GRID_WIDTH),
    )?;
    Figure::write(images.run, FigureKind::RealVsFake, |w| canvas.encode_png(w))
}

pub fn draw_real(images: &RunImages) -> Result<Figure> {
    let canvas = draw_blocks(images, &[images.real()?], images.layout.grid)?;
    Figure::write(images.run, FigureKind::Real, |w| canvas.encode_png(w))
}

/// Draws each snapshot, the last one with its own layout.
pub fn draw_each(images: &RunImages) -> Result<Figure> {
    for snapshot in &images.snapshots {
        let is_last = *snapshot == images.last;
        let [grid, last_grid] = [images.layout.grid, images.layout.last_grid];
        draw_snapshot(images, snapshot, if is_last { last_grid } else { grid })?;
    }
    Ok(Figure { path: images.run.snapshot_figures_dir(), kind: FigureKind::Snapshots })
}

/// Draws the newest snapshot of a run that may continue.
pub fn draw_newest(images: &RunImages) -> Result<Figure> {
    let path = draw_snapshot(images, &images.last, images.layout.grid)?;
    Ok(Figure { path, kind: FigureKind::Snapshots })
}

fn draw_snapshot(
    images: &RunImages,
    (step, path): &(u64, PathBuf),
    layout: [u64; 2],
) -> Result<PathBuf> {
    let mut blocks = vec![images.snapshot(path)?];
    if images.layout.real_above {
        blocks.insert(0, images.real()?);
    }
    let canvas = draw_blocks(images, &blocks, layout)?;
    let path = images.run.snapshot_figure_path(*step);
    images.run.write(&path, |w| canvas.encode_png(w))?;
    Ok(path)
}

/// Draws a grid of the first images of each block, one below the other.
///
/// `layout` is the largest number of rows and columns of a block. Fewer images
/// form a square if the layout permits it.
fn draw_blocks(images: &RunImages, blocks: &[Images], layout: [u64; 2]) -> Result<Canvas> {
    let [rows, columns] = layout.map(|side| usize::try_from(side).unwrap_or(usize::MAX).max(1));
    let fewest = blocks.iter().map(Images::len).min().unwrap_or(0);
    let count = fewest.min(rows.saturating_mul(columns));
    let columns = square_columns(count).clamp(count.div_ceil(rows), columns);
    let style = GridStyle { scale: images.scale(columns, GRID_WIDTH), ..GridStyle::default() };
    let (height, width) = (images.last_images.rows(), images.last_images.cols());
    let mut pixels = Vec::new();
    for block in blocks {
        pixels.extend(block.iter().take(count).flatten());
        // Tiles of the background fill the last row of the block.
        let empty = count.next_multiple_of(columns) - count;
        pixels.resize(pixels.len() + empty * height * width, style.background);
    }
    grid(&Images::new(height, width, pixels)?, columns, &style)
}
