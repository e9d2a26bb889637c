//! What the plots share: their colors, panels with legends, and axes.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::curve::Curve;
use crate::log_axis;

/// Space above all panels for the title, in pixels.
pub const TITLE: u32 = 44;
/// Space above each plot for what it shows and its legend, in pixels.
const HEAD: u32 = 34;
/// Space left of each plot for its numbers, in pixels.
const LEFT: u32 = 72;
/// Space right of each plot, in pixels.
const RIGHT: u32 = 32;
/// Where legends begin, in pixels from the left.
const LEGEND: i32 = 300;

// Okabe and Ito's palette, made to be told apart by color-blind eyes.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
const INK: RGBColor = RGBColor(51, 51, 51);

pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// One of the plots of a picture.
pub struct Panel<'a> {
    pub title: &'a str,
    /// The first is drawn first.
    pub lines: Vec<Line<'a>>,
    pub x: (f64, f64),
    pub y: (f64, f64),
    /// Whether the left axis is logarithmic; `y` is then above 0.
    pub log: bool,
    /// What the lower axis shows, where this panel carries its name.
    pub x_axis: Option<&'static str>,
    /// Whether the lower axis counts steps, in whole numbers.
    pub steps: bool,
    /// A place on the lower axis to mark, where it lies on it.
    pub mark: Option<Mark<'a>>,
}

/// An upright line with a text at its upper end.
#[derive(Clone, Copy)]
pub struct Mark<'a> {
    pub x: f64,
    pub label: &'a str,
}

/// A line with what the legend says of it.
pub struct Line<'a> {
    pub name: &'a str,
    pub color: RGBColor,
    pub look: Look,
    /// The points that are joined, in pieces with gaps between them.
    pub pieces: Vec<Vec<(f64, f64)>>,
    /// Drawn faintly behind: single values where the line is their average.
    pub faint: Vec<(f64, f64)>,
}

/// How a line looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Thin and strong.
    Line,
    /// The same with a dot at each point.
    Dots,
    /// Broad and pale, for another line to run inside.
    Band,
}

impl Look {
    /// Dots where the points are few, or one is joined to no other.
    pub fn of_pieces(pieces: &[Vec<(f64, f64)>]) -> Look {
        let count: usize = pieces.iter().map(Vec::len).sum();
        if count > 40 && pieces.iter().all(|piece| piece.len() > 1) {
            Look::Line
        } else {
            Look::Dots
        }
    }
}

impl<'a> Line<'a> {
    /// From 100 points on the moving average, with the points faintly behind.
    pub fn of_curve(name: &'a str, color: RGBColor, curve: &Curve) -> Line<'a> {
        let pieces = vec![curve.smooth()];
        Line {
            name,
            color,
            look: Look::of_pieces(&pieces),
            pieces,
            faint: if curve.window() > 1 {
                curve.outline()
            } else {
                Vec::new()
            },
        }
    }

    fn width(&self) -> u32 {
        if self.look == Look::Band { 7 } else { 2 }
    }

    fn opacity(&self) -> f64 {
        if self.look == Look::Band { 0.5 } else { 1.0 }
    }
}

/// Writes a title, from which characters that no text can hold are left out,
/// and a note at the right.
pub fn draw_head<DB: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<DB, Shift>,
    title: &str,
    note: &str,
) -> Drawn {
    // XML has no way to write these characters.
    let unwritable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    let title = title.replace(unwritable, "");
    area.draw(&Text::new(title, (LEFT as i32, 16), font(20)))?;
    if !note.is_empty() {
        let right = area.dim_in_pixel().0.saturating_sub(RIGHT) as i32;
        let style = font(14).pos(Pos::new(HPos::Right, VPos::Top));
        area.draw(&Text::new(note.to_owned(), (right, 20), style))?;
    }
    Ok(())
}

pub fn draw_panel<DB: DrawingBackend<ErrorType: 'static>>(
    area: &DrawingArea<DB, Shift>,
    panel: &Panel<'_>,
) -> Drawn {
    let (head, plot) = area.split_vertically(HEAD);
    head.draw(&Text::new(
        panel.title.to_owned(),
        (LEFT as i32, 12),
        font(16),
    ))?;
    let mut left = LEGEND;
    for line in &panel.lines {
        let color = line.color.mix(line.opacity());
        let stroke = color.stroke_width(line.width().max(3));
        head.draw(&PathElement::new([(left, 19), (left + 28, 19)], stroke))?;
        head.draw(&Text::new(line.name.to_owned(), (left + 36, 12), font(16)))?;
        left += (66 + 8 * line.name.len() as i32).max(130);
    }

    let (low, high) = panel.y;
    if panel.log {
        let ticks = log_axis::ticks(panel.y);
        let axis = (low..high).log_scale().with_key_points(ticks);
        draw_plot(&plot, panel, axis, log_axis::label)
    } else {
        draw_plot(&plot, panel, low..high, |value| axis_number(value, panel.y))
    }
}

/// Everything below the panel's head, over this left axis with these numbers.
fn draw_plot<DB, Y>(
    area: &DrawingArea<DB, Shift>,
    panel: &Panel<'_>,
    y: Y,
    y_number: impl Fn(f64) -> String,
) -> Drawn
where
    DB: DrawingBackend<ErrorType: 'static>,
    Y: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
{
    let (low, high) = panel.y;
    let axis_height = if panel.x_axis.is_some() { 48 } else { 24 };
    let mut chart = ChartBuilder::on(area)
        .margin_right(RIGHT)
        .margin_top(4)
        .margin_bottom(8)
        .x_label_area_size(axis_height)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(panel.x.0..panel.x.1, y)?;
    chart
        .configure_mesh()
        .bold_line_style(INK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.mix(0.6))
        .label_style(font(14))
        .x_labels(9)
        .y_labels(6)
        .x_desc(panel.x_axis.unwrap_or_default())
        .y_label_formatter(&|value| y_number(*value))
        .x_label_formatter(&|value| {
            if panel.steps {
                crate::thousands(*value as u64)
            } else {
                axis_number(*value, panel.x)
            }
        })
        .draw()?;
    let shown = |mark: &Mark<'_>| (panel.x.0..=panel.x.1).contains(&mark.x);
    if let Some(Mark { x, label }) = panel.mark.filter(shown) {
        let stroke = INK.mix(0.6).stroke_width(1);
        let line = PathElement::new([(x, low), (x, high)], stroke);
        chart.draw_series(std::iter::once(line))?;
        let (side, offset) = if x > f64::midpoint(panel.x.0, panel.x.1) {
            (HPos::Right, -6)
        } else {
            (HPos::Left, 6)
        };
        let style = font(14).pos(Pos::new(side, VPos::Top));
        let text = Text::new(label.to_owned(), (offset, 4), style);
        chart.draw_series(std::iter::once(EmptyElement::at((x, high)) + text))?;
    }
    let clamped = |&(x, y): &(f64, f64)| (x.clamp(panel.x.0, panel.x.1), y.clamp(low, high));
    for line in &panel.lines {
        if !line.faint.is_empty() {
            let faint = line.faint.iter().map(clamped);
            chart.draw_series(LineSeries::new(faint, line.color.mix(0.25)))?;
        }
    }
    for line in &panel.lines {
        let color = line.color.mix(line.opacity());
        let dots = if line.look == Look::Dots { 3 } else { 0 };
        for piece in &line.pieces {
            let style = color.stroke_width(line.width()).filled();
            let series = LineSeries::new(piece.iter().map(clamped), style);
            chart.draw_series(series.point_size(dots))?;
        }
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
