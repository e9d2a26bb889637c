//! Reads the data of a run for its report.

use std::path::PathBuf;

use mnist_io::Images;
use run_dir::{DensityRow, MetricsRow, QualityRow, ReportData, RunConfig, RunDir};

use super::evaluation::Evaluation;
use super::state::State;
use crate::error::Result;
use crate::figures::read_images;
use crate::snapshot_choice::{evenly_spaced, representative};

/// The largest number of snapshots in the page.
pub const MAX_REPORT_SNAPSHOTS: usize = 64;
/// The largest `config.toml`.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The data of a run for its report.
pub struct RunData {
    pub dir: RunDir,
    pub state: State,
    pub name: String,
    pub config: RunConfig,
    pub config_text: String,
    pub metrics: Vec<MetricsRow>,
    pub quality: Vec<QualityRow>,
    pub densities: Vec<DensityRow>,
    pub snapshots: Vec<(u64, Images)>,
    /// The last step of which the run has a row or a snapshot.
    pub last_step: u64,
    pub data: Option<ReportData>,
    pub evaluation: Evaluation,
}

impl RunData {
    pub fn read(run: &RunDir, state: State) -> Result<RunData> {
        let snapshots = run.snapshots()?;
        let steps: Vec<u64> = snapshots.iter().map(|(step, _)| *step).collect();
        let mut chosen = evenly_spaced(snapshots.len(), MAX_REPORT_SNAPSHOTS);
        chosen.extend(representative(&steps));
        chosen.sort_unstable();
        chosen.dedup();
        let shown = chosen.into_iter().filter_map(|i| snapshots.get(i));
        let read = |(step, path): &(u64, PathBuf)| -> Result<(u64, Images)> {
            Ok((*step, read_images(run, path)?))
        };
        let (metrics, quality, densities) = (run.metrics()?, run.quality()?, run.densities()?);
        let last_metrics = metrics.last().map(|row| row.step);
        let last_density = densities.last().map(|row| row.step);
        let data = run.report_data()?;
        let last = data.as_ref().and_then(|data| data.evaluation.as_ref());
        let config_text = run.read(&run.config_path(), MAX_CONFIG_BYTES)?;
        let root = run.root();
        let name = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Ok(RunData {
            state,
            name: name.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            config: run.config()?,
            config_text: String::from_utf8_lossy(&config_text).into_owned(),
            last_step: last_metrics.max(last_density).max(steps.last().copied()).unwrap_or(0),
            metrics,
            densities,
            snapshots: shown.map(read).collect::<Result<_>>()?,
            evaluation: Evaluation::new(last.into_iter().chain(&quality)),
            quality,
            data,
            dir: run.clone(),
        })
    }

    /// Whether the run has no images, because it trains on numbers or has just begun.
    pub fn is_synthetic(&self) -> bool {
        self.snapshots.is_empty()
    }
}
