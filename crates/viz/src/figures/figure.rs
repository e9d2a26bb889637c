//! One drawn figure and its file.

use std::io::Write;
use std::path::PathBuf;

use run_dir::RunDir;

use crate::animation::{Timing, gif};
use crate::canvas::{Bitmap, Canvas, Color};
use crate::error::Result;

/// A drawn figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The file, or the folder of several files.
    pub path: PathBuf,
    /// A phrase that describes the content.
    pub shows: &'static str,
}

impl Figure {
    /// Writes a PNG into the run's `figures/`.
    pub fn write_png(run: &RunDir, file: &str, shows: &'static str, png: &Canvas) -> Result<Self> {
        let path = run.figures_dir().join(file);
        run.write(&path, |w| png.encode_png(w))?;
        Ok(Figure { path, shows })
    }

    /// Writes a GIF into the run's `figures/`.
    pub fn write_gif<C: Color>(run: &RunDir, file: &str, frames: &[Bitmap<C>]) -> Result<Figure> {
        let path = run.figures_dir().join(file);
        run.write(&path, gif(frames, Timing::for_frames(frames.len()))?)?;
        let shows = "training as an animation";
        Ok(Figure { path, shows })
    }

    /// Writes an SVG into the run's `figures/`.
    pub fn write_svg(run: &RunDir, file: &str, shows: &'static str, svg: &str) -> Result<Figure> {
        let path = run.figures_dir().join(file);
        run.write(&path, |w| w.write_all(svg.as_bytes()))?;
        Ok(Figure { path, shows })
    }
}
