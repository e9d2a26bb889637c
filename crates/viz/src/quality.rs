//! The quality curve as SVG: FID above, precision and recall below.

use std::collections::{BTreeMap, BTreeSet};

use run_dir::QualityRow;

use crate::curve::{Points, split_at_gaps};
use crate::log_axis;
use crate::plot::{BLUE, GREEN, Line, Look, ORANGE, PURPLE, Panel, Plot};
use crate::thousands;
use crate::{Error, Result};

/// Draws FID, with the band of its reference value, on a logarithmic axis over the steps.
/// Precision and recall from 0 to 1 are below it. The result is SVG text.
///
/// FID and its reference value depend on the number of samples. Only rows with the same
/// number are drawn: the number with the most steps; of several such numbers the largest.
/// If a step has several rows, the last one counts. A value that is missing or not finite
/// leaves a gap. An FID of 0 or less is drawn at the lower end of the axis. The figure states how
/// many images were compared. `title` may be any text.
///
/// # Errors
/// [`Error::Empty`] without rows; [`Error::Plot`] for an error of the plotting library.
pub fn quality(rows: &[QualityRow], title: &str) -> Result<String> {
    let rows = rows_of_one_curve(rows);
    if rows.is_empty() {
        return Err(Error::Empty);
    }
    let last_step = rows.last().map_or(0, |row| row.step);
    let steps = (0.0, last_step.max(8) as f64);
    let line = |name, color, value: fn(&QualityRow) -> Option<f64>| {
        let pieces = metric_pieces(&rows, value);
        Line::new(name, color, Look::for_pieces(&pieces), pieces)
    };
    let reference_name = reference_name(&rows);
    let mut reference = line(&reference_name, ORANGE, |row| row.reference("fid"));
    // A band has no dots: the reference value of a single row would be invisible.
    if reference.pieces.iter().all(|piece| piece.len() > 1) {
        reference.look = Look::Band;
    }
    let fid = line("samples", BLUE, |row| row.value("fid"));
    let precision = line("precision, of samples", PURPLE, |r| r.value("precision"));
    let recall = line("recall, of test images", GREEN, |r| r.value("recall"));

    let mut lines = vec![reference, fid];
    lines.retain(|line| !line.pieces.is_empty());
    let points = lines.iter().flat_map(|line| &line.pieces).flatten();
    let fid_range = log_axis::range(points.map(|(_, fid)| *fid));
    let upper_panel = Panel {
        height: 316,
        title: "FID, logarithmic",
        x: steps,
        y: fid_range,
        log: true,
        lines,
        steps: true,
        ..Panel::default()
    };
    let lower_panel = Panel {
        height: 340,
        title: "Precision and recall",
        lines: vec![precision, recall],
        x: steps,
        y: (0.0, 1.0),
        x_axis: Some("step"),
        steps: true,
        ..Panel::default()
    };
    Plot { width: 960, title, note: counts_note(&rows), panels: vec![upper_panel, lower_panel] }
        .to_svg()
}

/// The rows of one curve, ordered by step.
pub(crate) fn rows_of_one_curve(rows: &[QualityRow]) -> Vec<&QualityRow> {
    let mut steps: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        steps.entry(row.samples).or_default().insert(row.step);
    }
    let most = steps.iter().max_by_key(|(samples, steps)| (steps.len(), **samples));
    let kept = rows.iter().filter(|row| most.is_some_and(|(samples, _)| row.samples == *samples));
    let last_of_step: BTreeMap<u64, &QualityRow> = kept.map(|row| (row.step, row)).collect();
    last_of_step.into_values().collect()
}

/// One metric over the steps, cut at rows without it.
pub(crate) fn metric_pieces(
    rows: &[&QualityRow],
    value: impl Fn(&QualityRow) -> Option<f64>,
) -> Vec<Points> {
    let points = rows.iter().map(|row| (row.step as f64, value(row).unwrap_or(f64::NAN)));
    split_at_gaps(&points.collect::<Points>())
}

/// States the reference value if all rows that have one agree.
fn reference_name(rows: &[&QualityRow]) -> String {
    let mut references = rows.iter().filter_map(|row| row.reference("fid"));
    match references.next() {
        Some(first) if references.all(|reference| reference == first) => {
            format!("reference {first:.2}: training images")
        }
        _ => "reference: training images".to_owned(),
    }
}

/// How many images were compared: `2,000 samples, 10,000 test images`.
fn counts_note(rows: &[&QualityRow]) -> String {
    let samples = thousands(rows.first().map_or(0, |row| row.samples));
    let counts = || rows.iter().map(|row| row.test_images);
    let least = thousands(counts().min().unwrap_or(0));
    let most = thousands(counts().max().unwrap_or(0));
    let test_images = if least == most { most } else { format!("{least} to {most}") };
    format!("{samples} samples, {test_images} test images")
}
