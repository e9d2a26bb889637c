//! Runs side by side on one page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use askama::Template;
use run_dir::{MetricsRow, QualityRow, RunDir};
use serde_json::Value;

use super::chart::{Chart, Line, Scale};
use super::curves::range_from_zero;
use super::evaluation::Evaluation;
use super::page::{STYLE, policy};
use super::pictures::Picture;
use super::state::State;
use super::texts::duration;
use crate::curve::Curve;
use crate::error::{Error, Result};
use crate::figures::read_images;
use crate::number::{significant_digits, thousands};
use crate::quality::{metric_pieces, rows_of_one_curve};
use crate::snapshot_choice::representative;

/// The CSS classes of the runs' colors; further runs repeat them.
const RUN_CSS_CLASSES: [&str; 6] = ["run1", "run2", "run3", "run4", "run5", "run6"];

/// A row of a table: its title, and a text for each run.
type Row = (String, Vec<String>);

/// The page of several runs.
#[derive(Template)]
#[template(path = "compare.html")]
pub struct Comparison {
    runs: Vec<Run>,
    charts: Vec<Chart>,
    metric_rows: Vec<Row>,
    settings: Vec<Row>,
}

struct Run {
    name: String,
    class: &'static str,
    snapshots: Vec<Picture>,
    metrics: Vec<MetricsRow>,
    quality: Vec<QualityRow>,
    evaluation: Evaluation,
    state: State,
    /// The configuration as keys with dots.
    config: BTreeMap<String, String>,
}

impl Comparison {
    /// Reads the runs.
    ///
    /// # Errors
    /// [`Error::Run`] or [`Error::Idx`] if a file is invalid.
    pub fn read(runs: &[RunDir]) -> Result<Comparison> {
        let classes = RUN_CSS_CLASSES.iter().cycle();
        let runs: Vec<Run> = runs
            .iter()
            .zip(classes)
            .map(|(run, class)| Run::read(run, class))
            .collect::<Result<_>>()?;
        Ok(Comparison {
            charts: charts(&runs),
            metric_rows: metric_rows(&runs),
            settings: differences(&runs),
            runs,
        })
    }

    fn policy(&self) -> String {
        policy(STYLE, &[])
    }
}

impl Run {
    fn read(run: &RunDir, class: &'static str) -> Result<Run> {
        let snapshots = run.snapshots()?;
        let steps: Vec<u64> = snapshots.iter().map(|(step, _)| *step).collect();
        let chosen = representative(&steps).into_iter().filter_map(|i| snapshots.get(i));
        let picture = |(step, path): &(u64, PathBuf)| -> Result<Picture> {
            let images = read_images(run, path)?.first(10);
            let step = format!("step {}", thousands(*step));
            Picture::grid(&images, images.len(), format!("generated images, {step}"), step)
        };
        let quality = run.quality()?;
        let data = run.report_data()?;
        let last = data.as_ref().and_then(|data| data.evaluation.as_ref());
        let config = serde_json::to_value(run.config()?).map_err(|e| Error::Page(e.to_string()))?;
        let mut keys = BTreeMap::new();
        flatten("", &config, &mut keys);
        Ok(Run {
            name: run.name(),
            class,
            snapshots: chosen.map(picture).collect::<Result<_>>()?,
            metrics: run.metrics()?,
            evaluation: Evaluation::new(last.into_iter().chain(&quality)),
            quality,
            state: State::read(run)?,
            config: keys,
        })
    }
}

/// One chart for each quantity, with a line for each run.
fn charts(runs: &[Run]) -> Vec<Chart> {
    let steps = |run: &Run| {
        let metrics = run.metrics.last().map_or(0, |row| row.step);
        metrics.max(rows_of_one_curve(&run.quality).last().map_or(0, |row| row.step))
    };
    let last = runs.iter().map(steps).max().unwrap_or(0);
    let mut charts = Vec::new();
    for (id, title, scale) in [
        ("fid", "FID, logarithmic: lower is better", Scale::Log),
        ("precision", "Precision: higher is better", Scale::Linear((0.0, 1.0))),
        ("recall", "Recall: higher is better", Scale::Linear((0.0, 1.0))),
    ] {
        let line = |run: &Run| -> Line {
            let pieces = metric_pieces(&rows_of_one_curve(&run.quality), |row| row.value(id));
            (run.name.clone(), run.class, pieces)
        };
        let lines: Vec<Line> = runs.iter().map(line).filter(|line| !line.2.is_empty()).collect();
        if !lines.is_empty() {
            charts.push(Chart::over_steps(id, title, lines, last, scale));
        }
    }
    for (id, title, loss) in [
        ("loss-d", "Loss of the discriminator", (|row| row.loss_d) as fn(&MetricsRow) -> f64),
        ("loss-g", "Loss of the generator", |row| row.loss_g),
    ] {
        let curves: Vec<Curve> = runs
            .iter()
            .map(|run| Curve::new(run.metrics.iter().map(|row| (row.step, loss(row)))))
            .collect();
        let lines = runs.iter().zip(&curves);
        let lines = lines.map(|(run, curve)| (run.name.clone(), run.class, vec![curve.smooth()]));
        let lines: Vec<Line> = lines.filter(|line| !line.2[0].is_empty()).collect();
        if !lines.is_empty() {
            let scale = Scale::Linear(range_from_zero(&curves, &lines));
            charts.push(Chart::over_steps(id, title, lines, last, scale));
        }
    }
    charts.into_iter().map(|chart| Chart { cursor: false, ..chart }).collect()
}

fn metric_rows(runs: &[Run]) -> Vec<Row> {
    let row = |title: &str, text: &dyn Fn(&Run) -> String| -> Row {
        (title.to_owned(), runs.iter().map(text).collect())
    };
    let last = |run: &Run| run.metrics.last().map_or((0, 0.0), |row| (row.step, row.seconds));
    let mut rows = vec![
        row("state", &|run| run.state.to_string()),
        row("steps", &|run| thousands(last(run).0)),
        row("training time", &|run| duration(last(run).1)),
    ];
    for metric in gan_metrics::METRICS.iter().flat_map(|metric| metric.values) {
        let text = |run: &Run| {
            run.evaluation.get(metric.name).map_or("–".to_owned(), |found| {
                let samples = thousands(found.samples);
                format!("{} ({samples} samples)", significant_digits(found.measurement.value))
            })
        };
        let values = row(metric.title, &text);
        if values.1.iter().any(|text| text != "–") {
            rows.push(values);
        }
    }
    rows
}

/// The keys whose values are not equal in all runs.
fn differences(runs: &[Run]) -> Vec<Row> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|run| run.config.keys()).collect();
    let row = |key: &String| {
        let text = |run: &Run| run.config.get(key).cloned().unwrap_or_else(|| "–".to_owned());
        (key.clone(), runs.iter().map(text).collect::<Vec<String>>())
    };
    let differs = |row: &Row| row.1.windows(2).any(|pair| pair[0] != pair[1]);
    keys.into_iter().map(row).filter(differs).collect()
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&join(key), value, found);
            }
        }
        Value::Null => {}
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        other => drop(found.insert(path.to_owned(), other.to_string())),
    }
}
