//! A monitor for a discriminator that classifies nearly everything correctly, so that G
//! gets small gradients.

use run_dir::MetricsRow;

/// Consecutive rows in which D must classify nearly all images correctly: 1,000 steps of most presets.
const ROWS: u64 = 100;

/// Reports once that D classifies nearly all images correctly for many rows.
#[derive(Debug, Default)]
pub(crate) struct DominanceMonitor {
    streak: u64,
}

impl DominanceMonitor {
    /// Adds a row. Returns `true` the first time that D dominates.
    pub(crate) fn update(&mut self, row: &MetricsRow) -> bool {
        let dominates = row.discriminator_dominates();
        if self.streak < ROWS {
            self.streak = if dominates { self.streak + 1 } else { 0 };
            return self.streak == ROWS;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(d_real: f64, d_fake: f64) -> MetricsRow {
        MetricsRow {
            step: 1,
            images_seen: 1,
            seconds: 0.0,
            loss_d: 0.0,
            loss_g: 0.0,
            d_real,
            d_fake,
            lr_d: 1.0,
            lr_g: 1.0,
        }
    }

    #[test]
    fn reports_a_long_series_of_correct_rows_once() {
        let mut monitor = DominanceMonitor::default();
        let mut detections =
            |real, fake, times| (0..times).filter(|_| monitor.update(&row(real, fake))).count();
        assert_eq!(detections(1.0, 0.0, ROWS - 1), 0);
        // One wrong classification of a fake or of a real image starts the count
        // again.
        assert_eq!(detections(1.0, 0.05, 1), 0);
        assert_eq!(detections(1.0, 0.0, ROWS - 1), 0);
        assert_eq!(detections(0.97, 0.0, 1), 0);
        assert_eq!(detections(1.0, 0.0, ROWS), 1);
        assert_eq!(detections(0.5, 0.5, 1), 0);
        assert_eq!(detections(1.0, 0.0, 3 * ROWS), 0);
    }
}
