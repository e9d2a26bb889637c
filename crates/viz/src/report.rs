//! The report: one HTML file that shows a run and lets its networks run in the page.

mod chart;
mod comparison;
mod curves;
mod distributions;
mod evaluation;
mod images;
mod network;
mod page;
mod pictures;
mod reproduce;
mod run_data;
mod script_data;
mod state;
mod texts;

use std::io::Write;
use std::path::{Path, PathBuf};

use run_dir::{RunDir, write_atomic};

pub use evaluation::near_duplicates;
pub use network::{Network, Storage};
pub use page::MAX_PAGE_BYTES;
pub use reproduce::train_command;
pub use state::State;

use crate::error::Result;
use comparison::Comparison;
use page::{render, report_html};
use run_data::RunData;

/// Writes `report.html` of a run and returns its path.
///
/// The page needs no other file and sends no request. It contains the snapshots, the
/// curves and the evaluations. If the run has `generator.onnx` and
/// `discriminator.onnx`, both networks run in the page: as f16, or as int8 with scales
/// if f16 exceeds [`MAX_PAGE_BYTES`]. A page of [`State::Training`] reloads itself.
///
/// # Errors
/// [`Run`](crate::Error::Run), [`Idx`](crate::Error::Idx) or
/// [`Graph`](crate::Error::Graph) if a file of the run is invalid or the page cannot be
/// written.
pub fn write(run: &RunDir, state: State) -> Result<PathBuf> {
    let path = run.report_path();
    let html = html(run, state)?;
    run.write(&path, |w| w.write_all(html.as_bytes()))?;
    Ok(path)
}

/// The text of `report.html`.
///
/// # Errors
/// Those of [`write()`].
pub fn html(run: &RunDir, state: State) -> Result<String> {
    report_html(&RunData::read(run, state)?)
}

/// Writes the comparison of `runs` to `path`.
///
/// # Errors
/// [`Run`](crate::Error::Run) or [`Idx`](crate::Error::Idx) if a file of a run is invalid or
/// the page cannot be written.
pub fn write_comparison(runs: &[RunDir], path: &Path) -> Result<()> {
    let html = render(&Comparison::read(runs)?)?;
    Ok(write_atomic(path, |w| w.write_all(html.as_bytes()))?)
}
