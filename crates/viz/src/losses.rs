//! The curves of a training run as one SVG: losses above, D's verdicts below.

use plotters::prelude::*;
use run_dir::MetricsRow;

use crate::curve::{Curve, range};
use crate::plot::{
    BLUE, Drawn, GREEN, Line, PURPLE, Panel, TITLE, VERMILION, draw_head, draw_panel,
};
use crate::{Error, Result};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 700;

/// Draws the losses of D and G, and below them the shares of originals and of
/// forgeries that D calls original in per cent, over the steps, as SVG text.
///
/// From 100 rows on, a faint line shows the rows and a strong one their moving
/// average, and from 200 values on the loss axis leaves out the half per cent
/// of them at either end, so that one spike does not flatten the rest. Values
/// that are not finite in single precision are left out. `title` may be any
/// text.
///
/// # Errors
/// [`Error::Plot`] where the plotting library refuses.
pub fn losses(rows: &[MetricsRow], title: &str) -> Result<String> {
    let mut svg = String::new();
    draw(&mut svg, rows, title).map_err(|e| Error::Plot {
        reason: e.to_string(),
    })?;
    Ok(svg)
}

fn draw(svg: &mut String, rows: &[MetricsRow], title: &str) -> Drawn {
    let curve =
        |value: fn(&MetricsRow) -> f64| Curve::new(rows.iter().map(|row| (row.step, value(row))));
    let losses = [curve(|row| row.loss_d), curve(|row| row.loss_g)];
    let verdicts = [
        curve(|row| 100.0 * row.d_real),
        curve(|row| 100.0 * row.d_fake),
    ];
    let last_step = rows.iter().map(|row| row.step).max().unwrap_or(0);
    let steps = (0.0, last_step.max(8) as f64);

    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, panels) = root.split_vertically(TITLE);
    let note = match losses.iter().map(Curve::window).max() {
        Some(window @ 2..) => format!("faint: single reports, strong: mean of {window}"),
        _ => String::new(),
    };
    draw_head(&head, title, &note)?;
    let (upper, lower) = panels.split_vertically((HEIGHT - TITLE) / 2 - 12);
    let upper_panel = Panel {
        title: "Loss",
        lines: vec![
            Line::of_curve("D", BLUE, &losses[0]),
            Line::of_curve("G", VERMILION, &losses[1]),
        ],
        x: steps,
        y: range(&losses),
        log: false,
        x_axis: None,
        steps: true,
        mark: None,
    };
    let lower_panel = Panel {
        title: "D calls original, %",
        lines: vec![
            Line::of_curve("originals", GREEN, &verdicts[0]),
            Line::of_curve("forgeries", PURPLE, &verdicts[1]),
        ],
        x: steps,
        y: (0.0, 100.0),
        log: false,
        x_axis: Some("step"),
        steps: true,
        mark: None,
    };
    draw_panel(&upper, &upper_panel)?;
    draw_panel(&lower, &lower_panel)?;
    root.present()?;
    Ok(())
}
