//! A run's snapshots, read and checked against each other.

use std::path::PathBuf;

use mnist_io::Images;
use run_dir::{FigureLayout, RunDir, Snapshot};

use crate::{Error, GridStyle, Result, StripStyle, square_columns, thousands};

/// A run's snapshots, of which there is at least one.
pub struct Samples {
    pub snapshots: Vec<Snapshot>,
    pub last: Snapshot,
    /// The last snapshot's images: what the others are checked against.
    pub last_images: Images,
    pub pictures: FigureLayout,
    originals: PathBuf,
}

impl Samples {
    /// `None` where there are no snapshots.
    pub fn of(run: &RunDir) -> Result<Option<Samples>> {
        let snapshots = run.snapshots()?;
        let Some(last) = snapshots.last().cloned() else {
            return Ok(None);
        };
        let last_images = read_images(last.path.clone())?;
        Ok(Some(Samples {
            snapshots,
            last,
            last_images,
            pictures: run.config()?.figures,
            originals: run.real_images_path(),
        }))
    }

    pub fn read(&self, snapshot: &Snapshot) -> Result<Images> {
        let images = read_images(snapshot.path.clone())?;
        self.check(snapshot.path.clone(), &images, true)?;
        Ok(images)
    }

    pub fn originals(&self) -> Result<Images> {
        let originals = read_images(self.originals.clone())?;
        self.check(self.originals.clone(), &originals, false)?;
        Ok(originals)
    }

    /// Refuses images that differ in size from those of the snapshots, or with
    /// `count` also in number.
    pub fn check(&self, path: PathBuf, images: &Images, count: bool) -> Result<()> {
        let size = |i: &Images| (i.rows(), i.cols());
        let expected = &self.last_images;
        if size(images) == size(expected) && !(count && images.len() != expected.len()) {
            return Ok(());
        }
        let shape = |i: &Images| format!("{} images of {}x{}", i.len(), i.rows(), i.cols());
        Err(Error::ShapesDiffer {
            path,
            found: shape(images),
            other: self.last.path.clone(),
            expected: shape(expected),
        })
    }

    /// The snapshots at these positions, each with its step as a label, all
    /// labels padded to one length.
    pub fn labeled(&self, positions: &[usize]) -> Result<Vec<(String, Images)>> {
        let longest = step_label(self.last.step).len();
        let shown = positions.iter().filter_map(|i| self.snapshots.get(*i));
        shown
            .map(|snapshot| {
                let label = format!("{:longest$}", step_label(snapshot.step));
                Ok((label, self.read(snapshot)?))
            })
            .collect()
    }

    /// A strip's style: blocks of at most `side` times `side` tiles, about
    /// `width` wide.
    pub fn style(&self, side: usize, width: usize) -> StripStyle {
        let columns = square_columns(self.last_images.len()).min(side);
        StripStyle {
            grid: GridStyle {
                scale: self.scale(columns, width),
                ..StripStyle::default().grid
            },
            columns,
            rows: side,
            ..StripStyle::default()
        }
    }

    /// The scale, 1 to 4, at which `columns` tiles come nearest to `width`.
    pub fn scale(&self, columns: usize, width: usize) -> usize {
        let tiles = self.last_images.cols().saturating_mul(columns).max(1);
        (width + tiles / 2).div_euclid(tiles).clamp(1, 4)
    }
}

pub fn step_label(step: u64) -> String {
    format!("step {}", thousands(step))
}

fn read_images(path: PathBuf) -> Result<Images> {
    let images = Images::read_file(&path)?;
    if images.is_empty() {
        return Err(Error::NoImages { path });
    }
    Ok(images)
}
