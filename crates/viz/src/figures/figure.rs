//! One drawn figure, and writing its file.

use std::io::Write;
use std::path::{Path, PathBuf};

use run_dir::{RunDir, write_atomic};

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
    /// Calls `write` with the path of `file` in the run's `figures/`.
    pub fn write(
        run: &RunDir,
        file: &str,
        shows: &'static str,
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Figure> {
        let path = run.figures_dir().join(file);
        write(&path)?;
        Ok(Figure { path, shows })
    }

    /// Writes an SVG.
    pub fn write_svg(run: &RunDir, file: &str, shows: &'static str, svg: &str) -> Result<Figure> {
        Figure::write(run, file, shows, |path| {
            Ok(write_atomic(path, |w| w.write_all(svg.as_bytes()))?)
        })
    }
}
