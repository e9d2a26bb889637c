//! The plot of one-dimensional densities: real and fake, D beside the optimal
//! D, and the value function.

use plotters::drawing::IntoDrawingArea;
use run_dir::DensityRow;

use crate::backend::CanvasBackend;
use crate::canvas::ColorCanvas;
use crate::curve::{Curve, Points, range, split_at_gaps};
use crate::error::{Error, Result};
use crate::number::thousands;
use crate::plot::{BLUE, GREEN, Line, Look, ORANGE, PURPLE, Panel, Plot};
use crate::snapshot_choice::evenly_spaced;

/// -log 4, about -1.386.
pub(crate) const EQUILIBRIUM: f64 = -2.0 * std::f64::consts::LN_2;

/// Draws the last of `rows` as SVG text, in three panels.
///
/// - The densities of real and of fake data.
/// - D(x), and as a band the optimal discriminator for these densities,
///   D* = p_data / (p_data + p_g) (Goodfellow et al. 2014, proposition 1). The
///   band has gaps where both densities are 0.
/// - The value function V(D, G) over the steps of all rows, and as a band
///   -log 4, its value for p_g = p_data and D = D* (theorem 1).
///
/// Values that are NaN or infinite are omitted. `title` may be any text.
///
/// # Errors
/// [`Error::Empty`] without rows, [`Error::Plot`] if the plotting library fails.
pub fn densities(rows: &[DensityRow], title: &str) -> Result<String> {
    let last = rows.last().ok_or(Error::Empty)?;
    let axes = Axes::new(std::slice::from_ref(last), rows);
    plot(rows, last, &axes, title).to_svg()
}

/// Draws the same plot for up to `most` (at least 2) of `rows`, evenly spaced,
/// including the first and the last. All frames have the same axes. Each frame
/// shows the value function up to its own step.
///
/// # Errors
/// Those of [`densities`].
pub fn density_frames(rows: &[DensityRow], title: &str, most: usize) -> Result<Vec<ColorCanvas>> {
    if rows.is_empty() {
        return Err(Error::Empty);
    }
    let axes = Axes::new(rows, rows);
    let chosen = evenly_spaced(rows.len(), most).into_iter();
    chosen
        .map(|i| {
            let plot = plot(&rows[..=i], &rows[i], &axes, title);
            let (width, height) = plot.size();
            let mut canvas = ColorCanvas::new(width as usize, height as usize, [255; 3])?;
            plot.draw(CanvasBackend(&mut canvas).into_drawing_area())?;
            Ok(canvas)
        })
        .collect()
}

/// The ranges of the axes.
struct Axes {
    x: (f64, f64),
    density: (f64, f64),
    steps: (f64, f64),
    value: (f64, f64),
}

impl Axes {
    /// The ranges for the densities of `shown` (at least one row) and the value
    /// function of `all`.
    fn new(shown: &[DensityRow], all: &[DensityRow]) -> Axes {
        let low = shown.iter().map(|row| row.low).fold(f64::MAX, f64::min);
        let high = shown.iter().map(|row| row.high).fold(f64::MIN, f64::max);
        let last_step = all.iter().map(|row| row.step).max().unwrap_or(0);
        let (low_value, high_value) = range([&value_curve(all)]);
        let (least, most) = (EQUILIBRIUM - 0.1, EQUILIBRIUM + 0.1);
        Axes {
            x: finite_range(low, high),
            density: finite_range(0.0, 1.05 * highest_density(shown)),
            steps: (0.0, last_step.max(8) as f64),
            value: (low_value.min(least), high_value.max(most)),
        }
    }
}

/// Returns the range, or 0 to 1 if it is too narrow or too wide for labels.
fn finite_range(low: f64, high: f64) -> (f64, f64) {
    let (span, largest) = (high - low, low.abs().max(high.abs()));
    if span.is_finite() && span > (1e-9 * largest).max(1e-300) { (low, high) } else { (0.0, 1.0) }
}

/// The densities of `row`, and the value function of `rows`.
fn plot<'a>(rows: &[DensityRow], row: &DensityRow, axes: &Axes, title: &'a str) -> Plot<'a> {
    let over_x = |name, color, look, numbers: &[f64]| {
        Line::new(name, color, look, split_at_gaps(&points(row, numbers)))
    };
    let density = Panel {
        height: 230,
        title: "Density",
        lines: vec![
            over_x("real, p_data", GREEN, Look::Band, &row.real),
            over_x("fake, p_g", PURPLE, Look::Line, &row.fake),
        ],
        x: axes.x,
        y: axes.density,
        ..Panel::default()
    };
    let optimal = optimal_discriminator(row);
    let discriminator = Panel {
        height: 254,
        title: "Discriminator output",
        lines: vec![
            over_x("D* = p_data / (p_data + p_g)", ORANGE, Look::Band, &optimal),
            over_x("D(x)", BLUE, Look::Line, &row.discriminator),
        ],
        x: axes.x,
        y: (0.0, 1.0),
        x_axis: Some("x"),
        ..Panel::default()
    };
    let line = |name, color, look, points| Line::new(name, color, look, vec![points]);
    let ends = vec![(axes.steps.0, EQUILIBRIUM), (axes.steps.1, EQUILIBRIUM)];
    let curve = value_curve(rows).envelope();
    let value = Panel {
        height: 232,
        title: "Value function",
        lines: vec![
            line("-log 4, where p_g = p_data", ORANGE, Look::Band, ends),
            line("V(D, G)", BLUE, Look::Line, curve),
        ],
        x: axes.steps,
        y: axes.value,
        x_axis: Some("step"),
        steps: true,
        ..Panel::default()
    };
    Plot {
        width: 840,
        title,
        note: format!("step {}", thousands(row.step)),
        panels: vec![density, discriminator, value],
    }
}

fn value_curve(rows: &[DensityRow]) -> Curve {
    Curve::new(rows.iter().map(|row| (row.step, row.value)))
}

/// The upper end of an axis for the densities of `rows`.
pub(crate) fn highest_density<'a>(rows: impl IntoIterator<Item = &'a DensityRow> + Clone) -> f64 {
    let highest = |column: fn(&DensityRow) -> &[f64]| {
        let numbers = rows.clone().into_iter().flat_map(column).filter(|n| n.is_finite());
        numbers.fold(0.0, |highest: f64, n| highest.max(*n))
    };
    let (real, fake) = (highest(|row| &row.real), highest(|row| &row.fake));
    // Fake data in a single point would flatten everything else.
    real.max(fake.min(3.0 * real))
}

/// p_data / (p_data + p_g) at each point, NaN where both are 0.
pub(crate) fn optimal_discriminator(row: &DensityRow) -> Vec<f64> {
    let pairs = row.real.iter().zip(&row.fake);
    pairs.map(|(real, fake)| real / (real + fake)).collect()
}

/// Pairs the row's points with `numbers`.
pub(crate) fn points(row: &DensityRow, numbers: &[f64]) -> Points {
    let gaps = numbers.len().saturating_sub(1).max(1) as f64;
    let x = |i: usize| row.low + (row.high - row.low) * (i as f64 / gaps);
    let numbers = numbers.iter().enumerate();
    numbers.map(|(i, number)| (x(i), *number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimal_discriminator_has_gaps_where_both_densities_are_zero() {
        let row = DensityRow {
            step: 0,
            low: 0.0,
            high: 4.0,
            real: vec![0.3, 0.0, 0.0, 0.2, f64::NAN],
            fake: vec![0.1, 0.5, 0.0, 0.2, 0.1],
            discriminator: vec![0.5; 5],
            value: 0.0,
        };
        let optimal = split_at_gaps(&points(&row, &optimal_discriminator(&row)));
        let share = 0.3 / (0.3 + 0.1);
        assert_eq!(optimal, [vec![(0.0, share), (1.0, 0.0)], vec![(3.0, 0.5)]]);
    }
}
