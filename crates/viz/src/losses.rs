//! The curves of a training run as one SVG: losses above, D's verdicts below.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use run_dir::MetricsRow;

use crate::curve::{Curve, range};
use crate::{Error, Result};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 700;
/// Space above both plots for the title, in pixels.
const TITLE: u32 = 44;
/// Space above each plot for what it shows and its legend, in pixels.
const HEAD: u32 = 34;
/// Space left of each plot for its numbers, in pixels.
const LEFT: u32 = 72;
/// Space right of each plot, in pixels.
const RIGHT: u32 = 32;

// Okabe and Ito's palette, made to be told apart by color-blind eyes.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const INK: RGBColor = RGBColor(51, 51, 51);

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

type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// A curve with what the legend says of it.
struct Line {
    name: &'static str,
    color: RGBColor,
    curve: Curve,
}

/// One of the two plots.
struct Panel {
    title: &'static str,
    lines: [Line; 2],
    range: (f64, f64),
    /// What the lower axis shows, where this panel carries its name.
    x_axis: Option<&'static str>,
}

fn draw(svg: &mut String, rows: &[MetricsRow], title: &str) -> Drawn {
    let line = |name, color, value: fn(&MetricsRow) -> f64| Line {
        name,
        color,
        curve: Curve::new(rows.iter().map(|row| (row.step, value(row)))),
    };
    let losses = [
        line("D", BLUE, |row| row.loss_d),
        line("G", VERMILION, |row| row.loss_g),
    ];
    let verdicts = [
        line("originals", GREEN, |row| 100.0 * row.real_called_real),
        line("forgeries", PURPLE, |row| 100.0 * row.fake_called_real),
    ];
    let last_step = rows.iter().map(|row| row.step).max().unwrap_or(0);
    let window = losses.iter().map(|line| line.curve.window()).max();

    let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, panels) = root.split_vertically(TITLE);
    // XML has no way to write these characters.
    let unwritable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let title = title.replace(unwritable, "");
    head.draw(&Text::new(title, (LEFT as i32, 16), font(20)))?;
    if let Some(window @ 2..) = window {
        let note = format!("faint: single reports, strong: mean of {window}");
        let right = font(14).pos(Pos::new(HPos::Right, VPos::Top));
        head.draw(&Text::new(note, ((WIDTH - RIGHT) as i32, 20), right))?;
    }
    let (upper, lower) = panels.split_vertically((HEIGHT - TITLE) / 2 - 12);
    let upper_panel = Panel {
        title: "Loss",
        range: range(losses.iter().map(|line| &line.curve)),
        lines: losses,
        x_axis: None,
    };
    let lower_panel = Panel {
        title: "D calls original, %",
        range: (0.0, 100.0),
        lines: verdicts,
        x_axis: Some("step"),
    };
    draw_panel(&upper, &upper_panel, last_step)?;
    draw_panel(&lower, &lower_panel, last_step)?;
    root.present()?;
    Ok(())
}

fn draw_panel(area: &DrawingArea<SVGBackend, Shift>, panel: &Panel, last_step: u64) -> Drawn {
    let (head, plot) = area.split_vertically(HEAD);
    head.draw(&Text::new(panel.title, (LEFT as i32, 12), font(16)))?;
    for (line, left) in panel.lines.iter().zip([300, 430]) {
        let dash = PathElement::new([(left, 19), (left + 28, 19)], line.color.stroke_width(3));
        head.draw(&dash)?;
        head.draw(&Text::new(line.name, (left + 36, 12), font(16)))?;
    }

    let (low, high) = panel.range;
    let axis_height = if panel.x_axis.is_some() { 48 } else { 24 };
    let mut chart = ChartBuilder::on(&plot)
        .margin_right(RIGHT)
        .margin_top(4)
        .margin_bottom(8)
        .x_label_area_size(axis_height)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.0..last_step.max(8) as f64, low..high)?;
    chart
        .configure_mesh()
        .bold_line_style(INK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.mix(0.6))
        .label_style(font(14))
        .x_labels(9)
        .y_labels(6)
        .x_desc(panel.x_axis.unwrap_or_default())
        .y_label_formatter(&|value| axis_number(*value, panel.range))
        .x_label_formatter(&|step| crate::figures::thousands(*step as u64))
        .draw()?;
    let clamped = |(step, value): (f64, f64)| (step, value.clamp(low, high));
    for line in &panel.lines {
        if line.curve.window() > 1 {
            let outline = line.curve.outline().into_iter().map(clamped);
            chart.draw_series(LineSeries::new(outline, line.color.mix(0.25)))?;
        }
    }
    for line in &panel.lines {
        let smooth = line.curve.smooth().into_iter().map(clamped);
        // Dots show single values where they are few, and one that is alone.
        let dots = if smooth.len() > 40 { 0 } else { 3 };
        let series = LineSeries::new(smooth, line.color.stroke_width(2).filled());
        chart.draw_series(series.point_size(dots))?;
    }
    Ok(())
}

/// A number on an axis with at most six of them over this range, with as many
/// decimals as tell neighbors apart.
fn axis_number(value: f64, (low, high): (f64, f64)) -> String {
    if low.abs().max(high.abs()) >= 1e6 {
        return format!("{value:.1e}");
    }
    let decimals = (7.0 / (high - low)).log10().ceil().clamp(0.0, 9.0);
    format!("{value:.*}", decimals as usize)
}

fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}
