//! The one-dimensional game: densities, D beside the best D, and the game's
//! value, as one SVG or as the frames of an animation.

use plotters::coord::Shift;
use plotters::prelude::*;
use run_dir::DensityRow;

use crate::color::ColorCanvas;
use crate::curve::{Curve, joined, range};
use crate::moments::spread;
use crate::plot::{
    BLUE, Drawn, GREEN, Line, Look, ORANGE, PURPLE, Panel, TITLE, draw_head, draw_panel,
};
use crate::raster::Raster;
use crate::thousands;
use crate::{Error, Result};

const WIDTH: u32 = 840;
const HEIGHT: u32 = 760;

/// Draws the last of `rows` as SVG text: above the densities of originals and
/// of forgeries; then D's probability of "original" inside the band of the best
/// D for these densities, D* = p_data / (p_data + p_g) (Goodfellow et al. 2014,
/// proposition 1), with gaps where both are 0; below the game's value V(D, G)
/// over the steps of all rows beside -log 4, which it has where p_g = p_data and
/// D = D* (theorem 1).
///
/// Numbers that are not finite are left out. `title` may be any text.
///
/// # Errors
/// [`Error::Empty`] without rows, [`Error::Plot`] where the plotting library
/// refuses.
pub fn densities(rows: &[DensityRow], title: &str) -> Result<String> {
    let last = rows.last().ok_or(Error::Empty)?;
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
    let axes = Axes::of(std::slice::from_ref(last), rows);
    root.fill(&WHITE)
        .map_err(Into::into)
        .and_then(|()| draw(root, rows, &axes, title))
        .map_err(refused)?;
    Ok(svg)
}

/// The same picture for at most `most` (at least 2) of `rows`, evenly spread,
/// the first and the last among them, all with the same axes; the value is
/// drawn up to the frame's own step.
///
/// # Errors
/// As [`densities`].
pub fn density_frames(rows: &[DensityRow], title: &str, most: usize) -> Result<Vec<ColorCanvas>> {
    if rows.is_empty() {
        return Err(Error::Empty);
    }
    let axes = Axes::of(rows, rows);
    let frames = spread(rows.len(), most).into_iter();
    let shown = frames.filter_map(|last| rows.get(..=last));
    shown
        .map(|shown| {
            let mut canvas = ColorCanvas::new(WIDTH as usize, HEIGHT as usize, [255; 3])?;
            draw(
                Raster::new(&mut canvas).into_drawing_area(),
                shown,
                &axes,
                title,
            )
            .map_err(refused)?;
            Ok(canvas)
        })
        .collect()
}

fn refused(error: Box<dyn std::error::Error>) -> Error {
    Error::Plot {
        reason: error.to_string(),
    }
}

/// What the axes span.
struct Axes {
    x: (f64, f64),
    density: (f64, f64),
    steps: (f64, f64),
    value: (f64, f64),
}

impl Axes {
    /// For the densities of `shown` (at least one row), and the value of `all`.
    fn of(shown: &[DensityRow], all: &[DensityRow]) -> Axes {
        let low = shown.iter().map(|row| row.low).fold(f64::MAX, f64::min);
        let high = shown.iter().map(|row| row.high).fold(f64::MIN, f64::max);
        let top = |column: fn(&DensityRow) -> &[f64]| {
            let numbers = shown.iter().flat_map(column).filter(|n| n.is_finite());
            numbers.fold(0.0_f64, |a, b| a.max(*b))
        };
        let (originals, forgeries) = (top(|row| &row.real), top(|row| &row.fake));
        // Forgeries that all fall on one point would flatten everything else.
        let top = originals.max(forgeries.min(3.0 * originals));
        let last_step = all.iter().map(|row| row.step).max().unwrap_or(0);
        let (value_low, value_high) = range([&value_curve(all)]);
        Axes {
            x: labeled(low, high),
            density: labeled(0.0, 1.05 * top),
            steps: (0.0, last_step.max(8) as f64),
            value: (
                value_low.min(equilibrium() - 0.1),
                value_high.max(equilibrium() + 0.1),
            ),
        }
    }
}

/// From `low` to `high`, or from 0 to 1 where the labels of that axis would lie
/// no number apart, or infinitely many.
fn labeled(low: f64, high: f64) -> (f64, f64) {
    let (span, largest) = (high - low, low.abs().max(high.abs()));
    if span.is_finite() && span > (1e-9 * largest).max(1e-300) {
        (low, high)
    } else {
        (0.0, 1.0)
    }
}

/// Draws the last of `rows`, of which there is at least one.
fn draw<DB: DrawingBackend<ErrorType: 'static>>(
    root: DrawingArea<DB, Shift>,
    rows: &[DensityRow],
    axes: &Axes,
    title: &str,
) -> Drawn {
    let Some(row) = rows.last() else {
        return Ok(());
    };
    let (head, panels) = root.split_vertically(TITLE);
    draw_head(&head, title, &format!("step {}", thousands(row.step)))?;
    let (densities, rest) = panels.split_vertically(230);
    let (decision, value) = rest.split_vertically(254);

    let over_x = |name, color, look, numbers: &[f64]| Line {
        name,
        color,
        look,
        pieces: pieces(row, numbers),
        faint: Vec::new(),
    };
    draw_panel(
        &densities,
        &Panel {
            title: "Density",
            lines: vec![
                over_x("originals, p_data", GREEN, Look::Band, &row.real),
                over_x("forgeries, p_g", PURPLE, Look::Line, &row.fake),
            ],
            x: axes.x,
            y: axes.density,
            log: false,
            x_axis: None,
            steps: false,
            mark: None,
        },
    )?;
    let best = best_decision(row);
    draw_panel(
        &decision,
        &Panel {
            title: "Probability of original",
            lines: vec![
                over_x("D* = p_data / (p_data + p_g)", ORANGE, Look::Band, &best),
                over_x("D(x)", BLUE, Look::Line, &row.discriminator),
            ],
            x: axes.x,
            y: (0.0, 1.0),
            log: false,
            x_axis: Some("x"),
            steps: false,
            mark: None,
        },
    )?;
    let ends = [axes.steps.0, axes.steps.1];
    let over_steps = |name, color, look, points| Line {
        name,
        color,
        look,
        pieces: vec![points],
        faint: Vec::new(),
    };
    draw_panel(
        &value,
        &Panel {
            title: "Value of the game",
            lines: vec![
                over_steps(
                    "-log 4, where p_g = p_data",
                    ORANGE,
                    Look::Band,
                    ends.map(|step| (step, equilibrium())).to_vec(),
                ),
                over_steps("V(D, G)", BLUE, Look::Line, value_curve(rows).outline()),
            ],
            x: axes.steps,
            y: axes.value,
            log: false,
            x_axis: Some("step"),
            steps: true,
            mark: None,
        },
    )?;
    root.present()?;
    Ok(())
}

fn value_curve(rows: &[DensityRow]) -> Curve {
    Curve::new(rows.iter().map(|row| (row.step, row.value)))
}

/// -log 4, about -1.386.
fn equilibrium() -> f64 {
    -(4.0_f64.ln())
}

/// p_data / (p_data + p_g) at each point, NaN where it is not defined.
fn best_decision(row: &DensityRow) -> Vec<f64> {
    let pairs = row.real.iter().zip(&row.fake);
    pairs.map(|(data, forged)| data / (data + forged)).collect()
}

/// `numbers` over the row's points, cut where they are not finite.
fn pieces(row: &DensityRow, numbers: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let gaps = numbers.len().saturating_sub(1).max(1) as f64;
    let points: Vec<(f64, f64)> = numbers
        .iter()
        .enumerate()
        .map(|(i, n)| (row.low + (row.high - row.low) * (i as f64 / gaps), *n))
        .collect();
    joined(&points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_decision_has_gaps_where_nothing_falls() {
        let row = DensityRow {
            step: 0,
            low: 0.0,
            high: 4.0,
            real: vec![0.3, 0.0, 0.0, 0.2, f64::NAN],
            fake: vec![0.1, 0.5, 0.0, 0.2, 0.1],
            discriminator: vec![0.5; 5],
            value: 0.0,
        };
        let best = pieces(&row, &best_decision(&row));
        let share = 0.3 / (0.3 + 0.1);
        assert_eq!(best, [vec![(0.0, share), (1.0, 0.0)], vec![(3.0, 0.5)]]);
    }
}
