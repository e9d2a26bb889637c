//! The curves of a run: losses and quality.

use run_dir::{DensityRow, MetricsRow};

use super::chart::{Chart, Line, Scale};
use super::run_data::{MAX_REPORT_SNAPSHOTS, RunData};
use crate::curve::{Curve, range};
use crate::quality::{metric_pieces, rows_of_one_curve};
use crate::snapshot_choice::evenly_spaced;

impl RunData {
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
        let scale = Scale::Linear(range_from_zero(&losses, &lines));
        let mut charts = vec![Chart::over_steps("loss", "Loss", lines, self.last_step, scale)];
        charts.extend(self.fid_chart("fid-cursor"));
        charts
    }

    fn fid_chart(&self, id: &'static str) -> Option<Chart> {
        let rows = rows_of_one_curve(&self.quality);
        let mut lines: Vec<Line> = vec![
            (
                "generated images".to_owned(),
                "generator",
                metric_pieces(&rows, |row| row.value("fid")),
            ),
            ("real images".to_owned(), "real", metric_pieces(&rows, |row| row.reference("fid"))),
        ];
        lines.retain(|(_, _, pieces)| !pieces.is_empty());
        let title = "FID, logarithmic: lower is better";
        (!lines.is_empty()).then(|| Chart::over_steps(id, title, lines, self.last_step, Scale::Log))
    }

    pub fn quality_charts(&self) -> Vec<Chart> {
        let Some(fid) = self.fid_chart("fid") else {
            return Vec::new();
        };
        let rows = rows_of_one_curve(&self.quality);
        let line = |metric: &str, class| -> Line {
            (metric.to_owned(), class, metric_pieces(&rows, |row| row.value(metric)))
        };
        let lines = vec![line("precision", "generator"), line("recall", "real")];
        let title = "Precision and recall: higher is better";
        let scale = Scale::Linear((0.0, 1.0));
        let both = Chart::over_steps("precision", title, lines, self.last_step, scale);
        let plain = |chart| Chart { cursor: false, ..chart };
        vec![plain(fid), plain(both)]
    }

    pub fn shown_densities(&self) -> Vec<&DensityRow> {
        let chosen = evenly_spaced(self.densities.len(), MAX_REPORT_SNAPSHOTS);
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
