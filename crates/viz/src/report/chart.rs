//! Charts of the report. Labels are HTML, so they keep their size on a phone; lines are SVG
//! that stretches.

use crate::curve::Points;
use crate::number::{significant_digits, thousands};

/// Width and height of the coordinate system.
pub const WIDTH: f64 = 1000.0;
pub const HEIGHT: f64 = 300.0;
/// Intervals between the labels of an axis.
const AXIS_INTERVALS: u32 = 4;

/// Lines over one axis, and the labels of both axes.
pub struct Chart {
    pub id: &'static str,
    pub title: String,
    /// For screen readers: what the lines do.
    pub description: String,
    pub series: Vec<Series>,
    pub x: (f64, f64),
    pub x_labels: Vec<String>,
    /// From top to bottom.
    pub y_labels: Vec<String>,
    pub x_title: &'static str,
    /// Whether a line marks the step that the slider selects.
    pub cursor: bool,
}

/// One line.
pub struct Series {
    pub name: String,
    /// Its class in the style sheet.
    pub class: &'static str,
    /// The path data.
    pub path: String,
    /// Only single points, which are drawn as dots.
    pub dots: bool,
}

/// The y axis.
#[derive(Clone, Copy)]
pub enum Scale {
    /// It includes this range.
    Linear((f64, f64)),
    /// It includes all positive values of the lines.
    Log,
}

/// A line before it is drawn: name, class and pieces with gaps between them.
pub type Line = (String, &'static str, Vec<Points>);

impl Chart {
    /// A chart of lines over the steps up to `last`, with a cursor.
    pub fn over_steps(
        id: &'static str,
        title: &str,
        lines: Vec<Line>,
        last: u64,
        scale: Scale,
    ) -> Chart {
        let last = last.max(AXIS_INTERVALS.into()).next_multiple_of(AXIS_INTERVALS.into());
        let x_labels = (0..=u64::from(AXIS_INTERVALS)).map(|i| thousands(last * i / 4)).collect();
        let x = (0.0, last as f64);
        let chart = Chart::new(id, title, lines, x, scale);
        Chart { x_labels, x_title: "step", cursor: true, ..chart }
    }

    /// A chart of lines over the range `x`.
    pub fn new(
        id: &'static str,
        title: &str,
        lines: Vec<Line>,
        x: (f64, f64),
        scale: Scale,
    ) -> Chart {
        let (y, y_labels) = match scale {
            Scale::Linear(range) => linear_axis(range),
            Scale::Log => log_axis(positive_range(&lines)),
        };
        let map = |value: f64| match scale {
            Scale::Linear(_) => value,
            Scale::Log => value.max(y.0).ln(),
        };
        let mapped = (map(y.0), map(y.1));
        let path = |pieces: &[Points]| -> String {
            let place = |(at, value): &(f64, f64)| {
                let left = WIDTH * (at - x.0) / (x.1 - x.0);
                let down = HEIGHT * (mapped.1 - map(*value)) / (mapped.1 - mapped.0);
                (left, down.clamp(0.0, HEIGHT))
            };
            pieces.iter().map(|piece| path_data(piece.iter().map(place))).collect()
        };
        let series = lines.iter().map(|(name, class, pieces)| Series {
            name: name.clone(),
            class,
            path: path(pieces),
            dots: pieces.iter().all(|piece| piece.len() == 1),
        });
        let x_label = |i: u32| {
            significant_digits(x.0 + (x.1 - x.0) * f64::from(i) / f64::from(AXIS_INTERVALS))
        };
        Chart {
            id,
            title: title.to_owned(),
            description: describe(title, &lines),
            series: series.collect(),
            x,
            x_labels: (0..=AXIS_INTERVALS).map(x_label).collect(),
            y_labels,
            x_title: "",
            cursor: false,
        }
    }
}

/// Path data of a line. A single point becomes a short dash.
pub fn path_data(points: impl Iterator<Item = (f64, f64)>) -> String {
    let points: Vec<(f64, f64)> = points.collect();
    let mut path = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        path += &format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    if points.len() == 1 {
        path += "h6";
    }
    path
}

/// First and last value of each line, in words.
fn describe(title: &str, lines: &[Line]) -> String {
    let mut text = format!("{title}.");
    for (name, _, pieces) in lines {
        let mut points = pieces.iter().flatten();
        if let Some((_, first)) = points.next() {
            let last = points.next_back().map_or(*first, |(_, last)| *last);
            text += &format!(
                " {name}: from {} to {}.",
                significant_digits(*first),
                significant_digits(last)
            );
        }
    }
    text
}

/// The lowest and the highest positive value of the lines.
fn positive_range(lines: &[Line]) -> (f64, f64) {
    let values = lines.iter().flat_map(|(_, _, pieces)| pieces.iter().flatten());
    let positive = values.map(|(_, value)| *value).filter(|value| *value > 0.0);
    positive.fold((f64::MAX, 0.0), |(low, high), value| (value.min(low), value.max(high)))
}

/// Round ends that enclose `range`, and labels from top to bottom.
fn linear_axis((low, high): (f64, f64)) -> ((f64, f64), Vec<String>) {
    let usable = low.is_finite() && high.is_finite() && high > low;
    let (low, high) = if usable { (low, high) } else { (0.0, 1.0) };
    let least = (high - low) / f64::from(AXIS_INTERVALS);
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0].map(|s| s * power);
    let start = |step: f64| (low / step + 1e-9).floor() * step;
    let fits = |step: &&f64| start(**step) + 4.0 * **step >= high - 1e-9 * (high - low);
    let step = steps.iter().find(fits).copied().unwrap_or(20.0 * power);
    let first = start(step);
    let labels =
        (0..=AXIS_INTERVALS).rev().map(|i| significant_digits(first + step * f64::from(i)));
    ((first, first + 4.0 * step), labels.collect())
}

/// The same with a constant factor between the labels.
fn log_axis((low, high): (f64, f64)) -> ((f64, f64), Vec<String>) {
    let usable = low > 0.0 && high.is_finite() && high >= low;
    let (low, high) = if usable { (low, high) } else { (1.0, 10.0) };
    let power = 10f64.powf(low.log10().floor());
    let first = (low / power + 1e-9).floor() * power;
    let factors = [1.5f64, 2.0, 3.0, 4.0, 5.0, 10.0, 100.0];
    let factor = factors.into_iter().find(|f| first * f.powi(4) >= high).unwrap_or(1e6);
    let labels = (0..=AXIS_INTERVALS)
        .rev()
        .map(|i| significant_digits(first * factor.powi(i.cast_signed())));
    ((first, first * factor.powi(4)), labels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_enclose_the_values_and_have_round_labels() {
        let (range, labels) = linear_axis((-0.3, 2.2));
        assert!(range.0 <= -0.3 && range.1 >= 2.2, "{range:?}");
        assert_eq!(labels, ["2.4", "1.6", "0.8", "0", "−0.8"]);
        let (range, labels) = log_axis((2.7, 240.0));
        assert!(range.0 <= 2.7 && range.1 >= 240.0, "{range:?}");
        assert_eq!(labels, ["512", "128", "32", "8", "2"]);
        assert_eq!(linear_axis((f64::NAN, 1.0)).0, (0.0, 1.0));
    }

    #[test]
    fn gaps_split_a_line_into_pieces() {
        let pieces = vec![vec![(0.0, 0.0), (5.0, 1.0)], vec![(10.0, 1.0)]];
        let chart = Chart::new(
            "c",
            "c",
            vec![("a".into(), "real", pieces)],
            (0.0, 10.0),
            Scale::Linear((0.0, 1.0)),
        );
        assert_eq!(chart.series[0].path, "M0.0 300.0L500.0 0.0M1000.0 0.0h6");
    }
}
