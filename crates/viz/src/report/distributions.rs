//! Charts of distributions: D's logits, and the densities of a run on numbers.

use run_dir::DensityRow;

use super::chart::{Chart, HEIGHT, Line, Scale, Series, WIDTH, path_data};
use super::script_data::{BARS, Densities, Histogram};
use crate::curve::{Points, split_at_gaps};
use crate::densities::{EQUILIBRIUM, highest_density, optimal_discriminator, points};
use crate::number::{significant_digits, thousands};

/// The histogram of D's logits: two filled outlines.
pub fn histogram_chart(histogram: &Histogram) -> Chart {
    let bars = [&histogram.fake, &histogram.real].map(|values| histogram.bars(values));
    let highest = bars.iter().flatten().fold(1e-9f64, |most, bar| most.max(*bar));
    let outline = |bars: &[f64]| {
        let edge = |i: usize| WIDTH * i as f64 / BARS as f64;
        let up = |bar: f64| HEIGHT * (1.0 - 0.95 * bar / highest);
        let tops = bars
            .iter()
            .enumerate()
            .flat_map(|(i, bar)| [(edge(i), up(*bar)), (edge(i + 1), up(*bar))]);
        let points = std::iter::once((0.0, HEIGHT)).chain(tops).chain([(WIDTH, HEIGHT)]);
        path_data(points) + "Z"
    };
    let series = |name: &str, class, bars: &[f64]| Series {
        name: name.to_owned(),
        class,
        path: outline(bars),
        dots: false,
    };
    let (low, high) = (histogram.low, histogram.high);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    Chart {
        id: "logits",
        title: "The discriminator's output".to_owned(),
        description: format!(
            "Histogram of the discriminator's output. Real test images: {} on average. Generated \
             images: {} on average.",
            significant_digits(mean(&histogram.real)),
            significant_digits(mean(&histogram.fake))
        ),
        series: vec![
            series("generated images", "generator filled", &bars[0]),
            series("real test images", "real filled", &bars[1]),
        ],
        x: (low, high),
        x_labels: (0..5)
            .map(|i| significant_digits(low + (high - low) * f64::from(i) / 4.0))
            .collect(),
        y_labels: Vec::new(),
        x_title: "looks generated ← → looks real",
        cursor: false,
    }
}

/// The charts of the last density row, those of three moments, and the paths of all rows.
#[allow(clippy::type_complexity, reason = "three results that share the axes")]
pub fn density_charts(rows: &[&DensityRow]) -> (Vec<Chart>, Vec<Vec<Chart>>, Option<Densities>) {
    let Some(last) = rows.last() else {
        return (Vec::new(), Vec::new(), None);
    };
    let x = (last.low, last.high);
    let highest = highest_density(rows.iter().copied());
    let draw = |row: &DensityRow| {
        let line = |name: &str, class, numbers: &[f64]| -> Line {
            (name.to_owned(), class, split_at_gaps(&points(row, numbers)))
        };
        let density = vec![
            line("real numbers", "real", &row.real),
            line("generated numbers", "generator", &row.fake),
        ];
        let optimal = optimal_discriminator(row);
        let discriminator = vec![
            line("best possible discriminator", "real", &optimal),
            line("discriminator", "discriminator", &row.discriminator),
        ];
        let title = format!("Density at step {}", thousands(row.step));
        [
            Chart::new("density", &title, density, x, Scale::Linear((0.0, highest))),
            Chart::new(
                "belief",
                "Probability that a number is real",
                discriminator,
                x,
                Scale::Linear((0.0, 1.0)),
            ),
        ]
    };
    let curve: Points = rows.iter().map(|row| (row.step as f64, row.value)).collect();
    let values: Vec<f64> = rows.iter().map(|row| row.value).filter(|v| v.is_finite()).collect();
    let low = values.iter().copied().fold(EQUILIBRIUM - 0.1, f64::min);
    let high = values.iter().copied().fold(EQUILIBRIUM + 0.1, f64::max);
    let ends = vec![(0.0, EQUILIBRIUM), (last.step.max(4) as f64, EQUILIBRIUM)];
    let value = Chart::over_steps(
        "value",
        "Value of the game",
        vec![
            ("value".to_owned(), "discriminator", split_at_gaps(&curve)),
            ("−log 4, where both are equal".to_owned(), "real", vec![ends]),
        ],
        last.step,
        Scale::Linear((low, high)),
    );
    let paths = |row| draw(row).into_iter().flat_map(|chart| chart.series).map(|line| line.path);
    let data = Densities {
        steps: rows.iter().map(|row| row.step).collect(),
        values: rows.iter().map(|row| row.value).collect(),
        paths: rows.iter().map(|row| paths(row).collect()).collect(),
    };
    let shown = [0, rows.len() / 2, rows.len() - 1];
    let moments = shown.iter().filter_map(|i| rows.get(*i));
    let moments = moments.map(|row| draw(row).map(|chart| Chart { id: "", ..chart }).into());
    let mut charts = Vec::from(draw(last));
    charts[0].title = "Density".to_owned();
    charts.push(value);
    (charts, moments.collect(), Some(data))
}
