//! Plots: a title, and panels with axes, lines and a legend.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::curve::{Curve, Points};
use crate::error::{Error, Result};
use crate::log_axis;
use crate::number::{significant_digits, thousands};

/// Height of the title, in pixels.
const TITLE: u32 = 44;
/// Height of the panel's title and legend, in pixels.
const HEAD: u32 = 34;
/// Width of the numbers at the left of a panel, in pixels.
const LEFT: u32 = 72;
/// Space at the right of a panel, in pixels.
const RIGHT: u32 = 32;
/// Position of the legend, in pixels from the left.
const LEGEND: i32 = 300;

// The colors of Okabe and Ito, which color-blind people can distinguish.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
const INK: RGBColor = RGBColor(51, 51, 51);

/// A title, a note at the right, and panels from top to bottom.
pub struct Plot<'a> {
    pub width: u32,
    pub title: &'a str,
    pub note: String,
    pub panels: Vec<Panel<'a>>,
}

/// Axes with lines.
#[derive(Default)]
pub struct Panel<'a> {
    /// Height in pixels, including title and legend.
    pub height: u32,
    pub title: &'a str,
    /// The lines; later ones cover earlier ones.
    pub lines: Vec<Line<'a>>,
    pub x: (f64, f64),
    pub y: (f64, f64),
    /// Whether the y axis is logarithmic, for positive `y` only.
    pub log: bool,
    /// The label of the x axis.
    pub x_axis: Option<&'static str>,
    /// Whether the x axis shows steps, as whole numbers.
    pub steps: bool,
}

/// A line with its name in the legend.
pub struct Line<'a> {
    pub name: &'a str,
    pub color: RGBColor,
    pub look: Look,
    /// The points in pieces, with gaps between the pieces.
    pub pieces: Vec<Points>,
    /// The single values, drawn faintly if the line is their average.
    pub faint: Points,
}

/// The look of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Thin and opaque.
    Line,
    /// Thin and opaque, with a dot at each point.
    Dots,
    /// Wide and translucent, as a background for another line.
    Band,
}

impl Look {
    /// Returns [`Look::Dots`] for up to 40 points or if a piece is one point.
    pub fn for_pieces(pieces: &[Points]) -> Look {
        let count: usize = pieces.iter().map(Vec::len).sum();
        if count > 40 && pieces.iter().all(|piece| piece.len() > 1) {
            Look::Line
        } else {
            Look::Dots
        }
    }
}

impl<'a> Line<'a> {
    pub fn new(name: &'a str, color: RGBColor, look: Look, pieces: Vec<Points>) -> Line<'a> {
        Line { name, color, look, pieces, faint: Points::new() }
    }

    /// The points of `curve`; for 100 points or more, their moving average with
    /// the points drawn faintly.
    pub fn from_curve(name: &'a str, color: RGBColor, curve: &Curve) -> Line<'a> {
        let pieces = vec![curve.smooth()];
        let mut line = Line::new(name, color, Look::for_pieces(&pieces), pieces);
        if curve.window() > 1 {
            line.faint = curve.envelope();
        }
        line
    }

    fn style(&self) -> ShapeStyle {
        match self.look {
            Look::Band => self.color.mix(0.5).stroke_width(7),
            Look::Line | Look::Dots => self.color.stroke_width(2),
        }
    }
}

impl Plot<'_> {
    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        let heights = self.panels.iter().map(|panel| panel.height);
        (self.width, TITLE + heights.sum::<u32>())
    }

    /// Draws the plot as SVG text.
    pub fn to_svg(&self) -> Result<String> {
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, self.size()).into_drawing_area();
        root.fill(&WHITE)?;
        self.draw(root)?;
        Ok(svg)
    }

    /// Draws the plot on a white area of the plot's size.
    pub fn draw<DB: DrawingBackend>(&self, root: DrawingArea<DB, Shift>) -> Result<()> {
        // XML cannot contain these characters.
        let invalid = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
        let title = self.title.replace(invalid, "");
        root.draw(&Text::new(title, (LEFT as i32, 16), font(20)))?;
        if !self.note.is_empty() {
            let right = self.width.saturating_sub(RIGHT) as i32;
            let style = font(14).pos(Pos::new(HPos::Right, VPos::Top));
            root.draw(&Text::new(self.note.clone(), (right, 20), style))?;
        }
        let (_, mut rest) = root.split_vertically(TITLE);
        for panel in &self.panels {
            let (area, below) = rest.split_vertically(panel.height);
            panel.draw(&area)?;
            rest = below;
        }
        root.present()?;
        Ok(())
    }
}

impl Panel<'_> {
    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> Result<()> {
        let (head, plot) = area.split_vertically(HEAD);
        let title = Text::new(self.title.to_owned(), (LEFT as i32, 12), font(16));
        head.draw(&title)?;
        let mut left = LEGEND;
        for line in &self.lines {
            let mut style = line.style();
            style.stroke_width = style.stroke_width.max(3);
            head.draw(&PathElement::new([(left, 19), (left + 28, 19)], style))?;
            head.draw(&Text::new(line.name.to_owned(), (left + 36, 12), font(16)))?;
            left += (66 + 8 * line.name.len() as i32).max(130);
        }

        let (low, high) = self.y;
        if self.log {
            let ticks = log_axis::ticks(self.y);
            let axis = (low..high).log_scale().with_key_points(ticks);
            self.draw_axes(&plot, axis, significant_digits)
        } else {
            self.draw_axes(&plot, low..high, |value| axis_number(value, self.y))
        }
    }

    /// Draws axes and lines.
    fn draw_axes<DB, Y>(
        &self,
        area: &DrawingArea<DB, Shift>,
        y: Y,
        y_label: impl Fn(f64) -> String,
    ) -> Result<()>
    where
        DB: DrawingBackend,
        Y: AsRangedCoord<Value = f64, CoordDescType: ValueFormatter<f64>>,
    {
        let ((left, right), (low, high)) = (self.x, self.y);
        let mut chart = ChartBuilder::on(area)
            .margin_right(RIGHT)
            .margin_top(4)
            .margin_bottom(8)
            .x_label_area_size(if self.x_axis.is_some() { 48 } else { 24 })
            .y_label_area_size(LEFT)
            .build_cartesian_2d(left..right, y)?;
        chart
            .configure_mesh()
            .bold_line_style(INK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.mix(0.6))
            .label_style(font(14))
            .x_labels(9)
            .y_labels(6)
            .x_desc(self.x_axis.unwrap_or_default())
            .y_label_formatter(&|value| y_label(*value))
            .x_label_formatter(&|value| match self.steps {
                true => thousands(*value as u64),
                false => axis_number(*value, self.x),
            })
            .draw()?;
        let clamped = |&(x, y): &(f64, f64)| (x.clamp(left, right), y.clamp(low, high));
        for line in self.lines.iter().filter(|line| !line.faint.is_empty()) {
            let faint = line.faint.iter().map(clamped);
            chart.draw_series(LineSeries::new(faint, line.color.mix(0.25)))?;
        }
        for line in &self.lines {
            let dots = if line.look == Look::Dots { 3 } else { 0 };
            for piece in &line.pieces {
                let series = LineSeries::new(piece.iter().map(clamped), line.style().filled());
                chart.draw_series(series.point_size(dots))?;
            }
        }
        Ok(())
    }
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(error: DrawingAreaErrorKind<E>) -> Error {
        Error::Plot(error.to_string())
    }
}

/// Formats a number of an axis with about six labels in this range.
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
