//! The curves of a run: losses and quality.

use run_dir::{DensityRow, MetricsRow, QualityRow};

use super::chart::{Chart, Line, Scale};
use super::content::Content;
use super::page::FRAMES;
use crate::curve::{Curve, pieces, range};
use crate::quality::comparable;
use crate::snapshot_choice::evenly_spaced;

impl Content {
    pub fn curves(&self) -> Vec<Chart> {
        if self.metrics.is_empty() {
            return Vec::new();
        }
        let curve = |value: fn(&MetricsRow) -> f64| {
            Curve::new(self.metrics.iter().map(|row| (row.step, value(row))))
        };
        let losses = [curve(|row| row.loss_d), curve(|row| row.loss_g)];
        let line =
            |name: &str, class, curve: &Curve| (name.to_owned(), class, vec![curve.smooth()]);
        let lines = vec![
            line("discriminator", "discriminator", &losses[0]),
            line("generator", "generator", &losses[1]),
        ];
        let bounds = range_from_zero(&losses, &lines);
        let mut charts =
            vec![Chart::over_steps("loss", "Loss", lines, self.last_step, bounds, Scale::Linear)];
        charts.extend(self.fid_chart("fid-cursor"));
        charts
    }

    pub fn fid_chart(&self, id: &'static str) -> Option<Chart> {
        let rows = comparable(&self.quality);
        let line = |name: &str, class, value: fn(&QualityRow) -> Option<f64>| -> Option<Line> {
            let points = rows.iter().map(|row| (row.step as f64, value(row).unwrap_or(f64::NAN)));
            let pieces = pieces(&points.collect::<Vec<_>>());
            (!pieces.is_empty()).then(|| (name.to_owned(), class, pieces))
        };
        let lines: Vec<Line> = [
            line("generated images", "generator", |row| row.value("fid")),
            line("real images", "real", |row| row.reference("fid")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let values = lines.iter().flat_map(|(_, _, pieces)| pieces.iter().flatten());
        let values: Vec<f64> = values.map(|(_, value)| *value).filter(|v| *v > 0.0).collect();
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        let title = "FID, logarithmic: lower is better";
        (!values.is_empty())
            .then(|| Chart::over_steps(id, title, lines, self.last_step, (low, high), Scale::Log))
    }

    pub fn quality_charts(&self) -> Vec<Chart> {
        let rows = comparable(&self.quality);
        let line = |name: &str, class, metric: &str| -> Line {
            let points =
                rows.iter().map(|row| (row.step as f64, row.value(metric).unwrap_or(f64::NAN)));
            (name.to_owned(), class, pieces(&points.collect::<Vec<_>>()))
        };
        let Some(fid) = self.fid_chart("fid") else {
            return Vec::new();
        };
        let lines =
            vec![line("precision", "generator", "precision"), line("recall", "real", "recall")];
        let title = "Precision and recall: higher is better";
        let both =
            Chart::over_steps("precision", title, lines, self.last_step, (0.0, 1.0), Scale::Linear);
        let plain = |chart| Chart { cursor: false, ..chart };
        vec![plain(fid), plain(both)]
    }

    pub fn shown_densities(&self) -> Vec<&DensityRow> {
        let chosen = evenly_spaced(self.densities.len(), FRAMES);
        chosen.into_iter().filter_map(|i| self.densities.get(i)).collect()
    }
}

/// The range of the curves; it starts at 0 if no value of the lines is negative.
pub fn range_from_zero(curves: &[Curve], lines: &[Line]) -> (f64, f64) {
    let (low, high) = range(curves);
    let mut values = lines.iter().flat_map(|(_, _, pieces)| pieces.iter().flatten());
    let positive = values.all(|(_, value)| *value >= 0.0);
    (if positive { low.max(0.0) } else { low }, high)
}
