//! The page of a run: its template, style sheet, scripts and networks.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::SystemTime;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gan_graph::Graph;
use run_dir::RunDir;
use sha2::{Digest, Sha256};

use super::chart::Chart;
use super::distributions::{density_charts, histogram_chart};
use super::network::Storage;
use super::pictures::Picture;
use super::run_data::RunData;
use super::script_data::{GuessingGame, Histogram, Networks, ScriptData};
use super::state::State;
use crate::error::{Error, Result};

/// The largest size of a report. If the networks do not fit, the page explains how to
/// export them.
pub const MAX_PAGE_BYTES: usize = 8 << 20;
/// The largest file of a network that is read.
const MAX_NETWORK_BYTES: u64 = 256 << 20;
pub const STYLE: &str = include_str!("../../report/style.css");
const NETWORKS: &str = include_str!("../../report/networks.js");
const REPORT: &str = include_str!("../../report/report.js");

/// `report.html`.
#[derive(Template)]
#[template(path = "report.html")]
pub struct Page<'a> {
    pub run: &'a RunData,
    pub snapshots: Vec<Picture>,
    pub density: Vec<Chart>,
    pub moments: Vec<Vec<Chart>>,
    /// Why the networks are not in the page; empty if they are.
    pub no_networks: &'static str,
    pub walk: Option<Picture>,
    pub digits: Option<Picture>,
    pub histogram: Option<Chart>,
    pub game: Vec<Picture>,
    pub generated_pairs: Option<Picture>,
    pub real_pairs: Option<Picture>,
    /// JSON without `<`.
    pub data: String,
}

impl<'a> Page<'a> {
    fn new(
        run: &'a RunData,
        networks: Option<Networks>,
        no_networks: &'static str,
    ) -> Result<Page<'a>> {
        let histogram = run.data.as_ref().and_then(|data| Histogram::new(&data.logits));
        let game_rows = run.dir.image_rows(&run.dir.game_path(), None)?;
        let game = match (&game_rows, &run.data, &histogram) {
            (Some(rows), Some(data), Some(_)) => GuessingGame::new(rows, data)?,
            _ => None,
        };
        let (density, moments, densities) = density_charts(&run.shown_densities());
        let training = run.state == State::Training;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let written = training.then(|| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let pictures = run.game_pictures(game.is_some(), game_rows.as_deref())?;
        let histogram_chart = histogram.as_ref().map(histogram_chart);
        let script_data = ScriptData {
            name: &run.name,
            training,
            written,
            frames: run.frames()?,
            densities,
            histogram,
            game,
            networks,
        };
        Ok(Page {
            run,
            snapshots: run.snapshot_pictures()?,
            density,
            moments,
            no_networks,
            walk: run.walk()?,
            digits: run.digits()?,
            histogram: histogram_chart,
            game: pictures,
            generated_pairs: run.generated_pairs()?,
            real_pairs: run.real_pairs()?,
            data: embedded_json(&script_data).map_err(|error| Error::Page(error.to_string()))?,
        })
    }

    fn policy(&self) -> String {
        policy(STYLE, &[NETWORKS, REPORT])
    }
}

/// The page of a run. The networks are stored so that the page has at most [`MAX_PAGE_BYTES`]
/// bytes.
pub fn report_html(run: &RunData) -> Result<String> {
    if run.is_synthetic() {
        // Runs on numbers have networks too, but no images for the live parts.
        return render(&Page::new(run, None, "")?);
    }
    let generator = read_graph(&run.dir, run.dir.generator_graph_path())?;
    let discriminator = read_graph(&run.dir, run.dir.discriminator_graph_path())?;
    if let (Some(generator), Some(discriminator)) = (&generator, &discriminator) {
        let weights = weight_count(generator) + weight_count(discriminator);
        for (storage, bytes) in [(Storage::F16, 2 * weights), (Storage::Int8, weights)] {
            // Base64 takes 4 bytes for 3.
            if bytes / 3 * 4 > MAX_PAGE_BYTES {
                continue;
            }
            let networks = Networks::new(generator, discriminator, storage, &run.config);
            let Some(networks) = networks else {
                let reason = "generator.onnx lacks the latents or the range of the pixels.";
                return render(&Page::new(run, None, reason)?);
            };
            let html = render(&Page::new(run, Some(networks), "")?)?;
            if html.len() <= MAX_PAGE_BYTES {
                return Ok(html);
            }
        }
    }
    let reason = match (&generator, run.state) {
        (Some(_), _) => "The networks of this run are too large for one page.",
        (None, State::Training) => "The networks appear here when training ends.",
        (None, _) => "This run has no generator.onnx and discriminator.onnx.",
    };
    render(&Page::new(run, None, reason)?)
}

/// A content security policy that permits nothing but this style, these scripts and pictures
/// in the page.
pub fn policy(style: &str, scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    let hashes: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    let scripts = if hashes.is_empty() { "'none'".to_owned() } else { hashes.join(" ") };
    format!(
        "default-src 'none'; img-src data: blob:; style-src {}; script-src {scripts}; \
         base-uri 'none'; form-action 'none'",
        hash(style)
    )
}

/// JSON for a `script` element: `<` cannot occur.
pub fn embedded_json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// The text of a page.
pub fn render(template: &impl Template) -> Result<String> {
    template.render().map_err(|error| Error::Page(error.to_string()))
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
