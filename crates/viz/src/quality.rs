//! How good forgeries become, as one SVG: FID above, precision and recall below.

use std::collections::{BTreeMap, BTreeSet};

use run_dir::QualityRow;

use crate::curve::pieces as split;
use crate::log_axis;
use crate::plot::{BLUE, GREEN, Line, Look, Mark, ORANGE, PURPLE, Panel, Plot};
use crate::thousands;
use crate::{Error, Result};

/// The step past which quality is said to stay similar.
const MOMENT: u64 = 1000;

/// Draws FID on a logarithmic axis, inside the band of its floor where the rows
/// have one, and below it precision and recall from 0 to 1, over the steps, as
/// SVG text. Step 1,000, past which forgeries are said to stay similar, is
/// marked where the rows reach it.
///
/// FID and its floor depend on the number of forgeries, so the rows of one number
/// alone are drawn: the one that most steps were measured with, and of several
/// the largest. Of several rows for one step the last counts. What a row does not
/// have, or is not finite, leaves a gap; an FID of 0 or less stands at the foot
/// of the axis. The picture says how many images were compared. `title` may be
/// any text.
///
/// # Errors
/// [`Error::Empty`] without rows, [`Error::Plot`] where the plotting library
/// refuses.
pub fn quality(rows: &[QualityRow], title: &str) -> Result<String> {
    let rows = comparable(rows);
    if rows.is_empty() {
        return Err(Error::Empty);
    }
    draw(&rows, title)
}

/// The rows that one curve can be drawn of, in the order of their steps.
pub(crate) fn comparable(rows: &[QualityRow]) -> Vec<&QualityRow> {
    let mut steps: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        steps.entry(row.forgeries).or_default().insert(row.step);
    }
    let most = steps
        .iter()
        .max_by_key(|(forgeries, steps)| (steps.len(), **forgeries));
    let kept = rows
        .iter()
        .filter(|row| most.is_some_and(|(forgeries, _)| row.forgeries == *forgeries));
    let last_of_step: BTreeMap<u64, &QualityRow> = kept.map(|row| (row.step, row)).collect();
    last_of_step.into_values().collect()
}

/// Draws rows of which there is at least one, in the order of their steps.
fn draw(rows: &[&QualityRow], title: &str) -> Result<String> {
    let last_step = rows.last().map_or(0, |row| row.step);
    let steps = (0.0, last_step.max(8) as f64);
    let line = |name, color, value: fn(&QualityRow) -> Option<f64>| {
        let pieces = pieces(rows, value);
        Line::new(name, color, Look::for_pieces(&pieces), pieces)
    };
    let floor_name = floor_name(rows);
    let mut floor = line(&floor_name, ORANGE, |row| row.fid_floor);
    // A band has no dots, so that one row's floor alone would not be seen.
    if floor.pieces.iter().all(|piece| piece.len() > 1) {
        floor.look = Look::Band;
    }
    let fid = line("forgeries", BLUE, |row| Some(row.fid));
    let moment = format!("{} steps: similar from here on?", thousands(MOMENT));
    let mark = |label| {
        Some(Mark {
            x: MOMENT as f64,
            label,
        })
    };

    let upper_panel = Panel {
        height: 316,
        title: "FID, logarithmic",
        x: steps,
        y: log_axis::range(values(&fid).chain(values(&floor))),
        log: true,
        lines: [floor, fid]
            .into_iter()
            .filter(|line| !line.pieces.is_empty())
            .collect(),
        x_axis: None,
        steps: true,
        mark: mark(&moment),
    };
    let lower_panel = Panel {
        height: 340,
        title: "Precision and recall",
        lines: vec![
            line("precision, of forgeries", PURPLE, |row| row.precision),
            line("recall, of originals", GREEN, |row| row.recall),
        ],
        x: steps,
        y: (0.0, 1.0),
        log: false,
        x_axis: Some("step"),
        steps: true,
        mark: mark(""),
    };
    Plot {
        width: 960,
        title,
        note: images(rows),
        panels: vec![upper_panel, lower_panel],
    }
    .to_svg()
}

/// A column over the steps, cut where a row has no such number.
fn pieces(rows: &[&QualityRow], value: fn(&QualityRow) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let points = rows.iter().map(|row| (row.step as f64, value(row)));
    let points: Vec<(f64, f64)> = points.map(|(x, y)| (x, y.unwrap_or(f64::NAN))).collect();
    split(&points)
}

fn values<'a>(line: &'a Line<'_>) -> impl Iterator<Item = f64> + 'a {
    line.pieces.iter().flatten().map(|(_, value)| *value)
}

/// With the floor's value, where all rows that have one agree.
fn floor_name(rows: &[&QualityRow]) -> String {
    let mut floors = rows.iter().filter_map(|row| row.fid_floor);
    match floors.next() {
        Some(first) if floors.all(|floor| floor == first) => {
            format!("floor {first:.2}: training images")
        }
        _ => "floor: training images".to_owned(),
    }
}

/// How many images were compared: `2,000 forgeries, 10,000 originals`.
fn images(rows: &[&QualityRow]) -> String {
    let span = |count: fn(&QualityRow) -> u64| {
        let counts = || rows.iter().map(|row| count(row));
        let least = thousands(counts().min().unwrap_or(0));
        let most = thousands(counts().max().unwrap_or(0));
        if least == most {
            most
        } else {
            format!("{least} to {most}")
        }
    };
    let (forgeries, originals) = (span(|row| row.forgeries), span(|row| row.originals));
    format!("{forgeries} forgeries, {originals} originals")
}
