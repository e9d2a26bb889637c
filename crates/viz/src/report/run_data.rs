//! Reads a run and turns it into the parts of the page.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::SystemTime;

use gan_graph::Graph;
use mnist_io::Images;
use run_dir::{DensityRow, MetricsRow, QualityRow, ReportData, RunConfig, RunDir};

use super::distributions::{density_charts, histogram_chart};
use super::evaluation::Evaluation;
use super::network::Storage;
use super::page::{MAX_PAGE_BYTES, MAX_REPORT_SNAPSHOTS, Page, embedded_json, render};
use super::script_data::{GuessingGame, Histogram, Networks, ScriptData};
use super::state::State;
use crate::error::{Error, Result};
use crate::figures::read_images;
use crate::snapshot_choice::{evenly_spaced, representative};

/// The largest `config.toml`.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// The largest file of a network that is read.
const MAX_NETWORK_BYTES: u64 = 256 << 20;

/// The data of a run for its report.
pub struct RunData {
    pub run: RunDir,
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
            run: run.clone(),
        })
    }

    /// The page. The networks are stored so that the page has at most [`MAX_PAGE_BYTES`] bytes.
    pub fn html(&self) -> Result<String> {
        if self.is_synthetic() {
            // Runs on numbers have networks too, but no images for the live parts.
            return render(&self.page(None, "")?);
        }
        let generator = read_graph(&self.run, self.run.generator_graph_path())?;
        let discriminator = read_graph(&self.run, self.run.discriminator_graph_path())?;
        if let (Some(generator), Some(discriminator)) = (&generator, &discriminator) {
            let weights = weight_count(generator) + weight_count(discriminator);
            for (storage, bytes) in [(Storage::F16, 2 * weights), (Storage::Int8, weights)] {
                // Base64 takes 4 bytes for 3.
                if bytes / 3 * 4 > MAX_PAGE_BYTES {
                    continue;
                }
                let networks = Networks::new(generator, discriminator, storage, &self.config);
                let Some(networks) = networks else {
                    let reason = "generator.onnx lacks the latents or the range of the pixels.";
                    return render(&self.page(None, reason)?);
                };
                let html = render(&self.page(Some(networks), "")?)?;
                if html.len() <= MAX_PAGE_BYTES {
                    return Ok(html);
                }
            }
        }
        let reason = match (&generator, self.state) {
            (Some(_), _) => "The networks of this run are too large for one page.",
            (None, State::Training) => "The networks appear here when training ends.",
            (None, _) => "This run has no generator.onnx and discriminator.onnx.",
        };
        render(&self.page(None, reason)?)
    }

    /// Whether the run has no images, because it trains on numbers or has just begun.
    pub fn is_synthetic(&self) -> bool {
        self.snapshots.is_empty()
    }

    fn page(&self, networks: Option<Networks>, no_networks: &'static str) -> Result<Page<'_>> {
        let histogram = self.data.as_ref().and_then(|data| Histogram::new(&data.logits));
        let game_rows = self.run.image_rows(&self.run.game_path(), None)?;
        let game = match (&game_rows, &self.data, &histogram) {
            (Some(rows), Some(data), Some(_)) => GuessingGame::new(rows, data)?,
            _ => None,
        };
        let (density, moments, densities) = density_charts(&self.shown_densities());
        let training = self.state == State::Training;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let written = training.then(|| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let pictures = self.game_pictures(game.is_some(), game_rows.as_deref())?;
        let histogram_chart = histogram.as_ref().map(histogram_chart);
        let script_data = ScriptData {
            name: &self.name,
            training,
            written,
            frames: self.frames()?,
            densities,
            histogram,
            game,
            networks,
        };
        Ok(Page {
            run: self,
            snapshots: self.snapshot_pictures()?,
            density,
            moments,
            no_networks,
            walk: self.walk()?,
            digits: self.digits()?,
            histogram: histogram_chart,
            game: pictures,
            generated_pairs: self.generated_pairs()?,
            real_pairs: self.real_pairs()?,
            data: embedded_json(&script_data).map_err(|error| Error::Page(error.to_string()))?,
        })
    }
}

/// Reads a network. `None` if the file does not exist or is too large.
fn read_graph(run: &RunDir, path: PathBuf) -> Result<Option<Graph>> {
    let bytes = match run.read(&path, MAX_NETWORK_BYTES) {
        Err(run_dir::Error::TooLong { .. }) => {
            // The file may be damaged, and not a large network.
            run.check_files()?;
            return Ok(None);
        }
        Err(error) if error.io_kind() == Some(ErrorKind::NotFound) => return Ok(None),
        bytes => bytes?,
    };
    let graph = Graph::from_onnx(&bytes);
    graph.map(Some).map_err(|error| Error::Graph { path, reason: error.to_string() })
}

fn weight_count(graph: &Graph) -> usize {
    graph.tensors.iter().map(|tensor| tensor.data.len()).sum()
}
