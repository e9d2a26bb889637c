//! The images of a run: snapshots and real images, checked against each other.

use std::path::{Path, PathBuf};

use gan_config::FigureLayout;
use mnist_io::Images;
use run_dir::RunDir;

use crate::canvas::Canvas;
use crate::error::{Error, Result};
use crate::grid::{GridStyle, square_columns};
use crate::number::thousands;
use crate::strip::{StripStyle, strip};

/// Images with a label.
pub type Labeled = (String, Images);

/// A run with at least one snapshot.
pub struct RunImages<'a> {
    pub run: &'a RunDir,
    /// The steps and files of all snapshots, ordered by step.
    pub snapshots: Vec<(u64, PathBuf)>,
    /// The step and file of the last snapshot.
    pub last: (u64, PathBuf),
    /// The images of the last snapshot. Other images must have the same size.
    pub last_images: Images,
    pub layout: FigureLayout,
}

impl<'a> RunImages<'a> {
    /// Returns `None` for a run without snapshots.
    pub fn read(run: &'a RunDir) -> Result<Option<Self>> {
        let snapshots = run.snapshots()?;
        let Some(last) = snapshots.last().cloned() else {
            return Ok(None);
        };
        Ok(Some(RunImages {
            run,
            snapshots,
            last_images: read_images(run, &last.1)?,
            last,
            layout: run.config()?.figures,
        }))
    }

    pub fn snapshot(&self, path: &Path) -> Result<Images> {
        let images = read_images(self.run, path)?;
        self.check(path, &images, true)?;
        Ok(images)
    }

    pub fn real(&self) -> Result<Images> {
        let path = self.run.real_images_path();
        let images = read_images(self.run, &path)?;
        self.check(&path, &images, false)?;
        Ok(images)
    }

    /// Checks that images have the size of the snapshots' images and, with
    /// `count`, that there are as many.
    pub fn check(&self, path: &Path, images: &Images, count: bool) -> Result<()> {
        let shape = |i: &Images| (i.rows(), i.cols(), if count { i.len() } else { 0 });
        if shape(images) == shape(&self.last_images) {
            return Ok(());
        }
        let text = |i: &Images| format!("{} images of {}x{}", i.len(), i.rows(), i.cols());
        Err(Error::ShapesDiffer {
            path: path.to_owned(),
            found: text(images),
            other: self.last.1.clone(),
            expected: text(&self.last_images),
        })
    }

    /// Reads the snapshots at `positions`, each labeled with its step. All labels
    /// have the same length.
    pub fn labeled(&self, positions: &[usize]) -> Result<Vec<Labeled>> {
        let longest = step_label(self.last.0).len();
        let snapshots = positions.iter().filter_map(|i| self.snapshots.get(*i));
        snapshots
            .map(|(step, path)| {
                let label = format!("{:longest$}", step_label(*step));
                Ok((label, self.snapshot(path)?))
            })
            .collect()
    }

    /// The style of a strip with blocks of up to `side` x `side` tiles, each
    /// about `width` pixels wide.
    pub fn square_style(&self, side: usize, width: usize) -> StripStyle {
        let columns = square_columns(self.last_images.len()).min(side);
        self.style(columns, side, width)
    }

    /// The style of a strip with blocks of `columns` x `rows` tiles, each about
    /// `width` pixels wide.
    pub fn style(&self, columns: usize, rows: usize, width: usize) -> StripStyle {
        StripStyle {
            grid: GridStyle { scale: self.scale(columns, width), ..StripStyle::default().grid },
            columns,
            rows,
            ..StripStyle::default()
        }
    }

    /// Returns the scale, 1 to 4, at which `columns` tiles are closest to `width`
    /// pixels.
    pub fn scale(&self, columns: usize, width: usize) -> usize {
        let tiles = self.last_images.cols().saturating_mul(columns).max(1);
        (width + tiles / 2).div_euclid(tiles).clamp(1, 4)
    }
}

/// Draws a [`strip`] of labeled images.
pub fn labeled_strip(blocks: &[Labeled], style: &StripStyle) -> Result<Canvas> {
    let blocks: Vec<(&str, &Images)> = blocks.iter().map(|(l, i)| (l.as_str(), i)).collect();
    strip(&blocks, style)
}

pub fn step_label(step: u64) -> String {
    format!("step {}", thousands(step))
}

/// Reads a file of at least one image.
pub fn read_images(run: &RunDir, path: &Path) -> Result<Images> {
    let images = run.read_images(path)?;
    if images.is_empty() {
        return Err(Error::NoImages(path.to_owned()));
    }
    Ok(images)
}
