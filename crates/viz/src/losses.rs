//! The plot of the losses and of the discriminator's classifications.

use run_dir::MetricsRow;

use crate::curve::{Curve, range};
use crate::error::Result;
use crate::plot::{BLUE, GREEN, Line, PURPLE, Panel, Plot, VERMILION};

/// Draws the losses of D and G, and below them the percentages of real and of
/// fake images that D classifies as real, as SVG text.
///
/// For 100 rows or more, a faint line shows the rows and a strong one their
/// moving average. For 200 values or more, the loss axis omits the lowest and
/// the highest half percent, so a single spike does not flatten the curves.
/// Values that are not finite in single precision are omitted. `title` may be
/// any text.
///
/// # Errors
/// [`Error::Plot`](crate::Error::Plot) if the plotting library fails.
pub fn losses(rows: &[MetricsRow], title: &str) -> Result<String> {
    let curve =
        |value: fn(&MetricsRow) -> f64| Curve::new(rows.iter().map(|row| (row.step, value(row))));
    let losses = [curve(|row| row.loss_d), curve(|row| row.loss_g)];
    let d_real = curve(|row| 100.0 * row.d_real);
    let d_fake = curve(|row| 100.0 * row.d_fake);
    let last_step = rows.iter().map(|row| row.step).max().unwrap_or(0);
    let x = (0.0, last_step.max(8) as f64);
    let note = match losses.iter().map(Curve::window).max() {
        Some(window @ 2..) => format!("faint: single reports, strong: mean of {window}"),
        _ => String::new(),
    };
    let loss_panel = Panel {
        height: 316,
        title: "Loss",
        lines: vec![
            Line::from_curve("D", BLUE, &losses[0]),
            Line::from_curve("G", VERMILION, &losses[1]),
        ],
        x,
        y: range(&losses),
        steps: true,
        ..Panel::default()
    };
    let classification_panel = Panel {
        height: 340,
        title: "Classified as real by D, %",
        lines: vec![
            Line::from_curve("real", GREEN, &d_real),
            Line::from_curve("fake", PURPLE, &d_fake),
        ],
        x,
        y: (0.0, 100.0),
        x_axis: Some("step"),
        steps: true,
        ..Panel::default()
    };
    Plot { width: 960, title, note, panels: vec![loss_panel, classification_panel] }.to_svg()
}
