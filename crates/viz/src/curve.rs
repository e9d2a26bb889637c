//! A curve of one quantity over the steps: envelope, moving average and range.

use crate::snapshot_choice::evenly_spaced;

/// The moving average spans 1/50 of the points.
const SMOOTHING: usize = 50;
/// The largest number of intervals in an envelope and points in a moving average.
const MAX_INTERVALS: usize = 400;

/// Points (x, y).
pub type Points = Vec<(f64, f64)>;

/// One quantity over the steps.
pub struct Curve {
    /// (step, value) with finite values.
    points: Points,
}

impl Curve {
    /// Omits values that are not finite in single precision, the precision of
    /// the losses.
    pub fn new(points: impl IntoIterator<Item = (u64, f64)>) -> Curve {
        let largest = f64::from(f32::MAX);
        let points = points.into_iter().map(|(step, value)| (step as f64, value));
        Curve { points: points.filter(|(_, value)| value.abs() <= largest).collect() }
    }

    /// The number of points in the moving average: odd, and 1 for fewer than 100
    /// points.
    pub fn window(&self) -> usize {
        (self.points.len() / SMOOTHING) | 1
    }

    /// The lowest and the highest point of each of up to 400 intervals, in order.
    /// They have the same envelope as all points.
    pub fn envelope(&self) -> Points {
        let interval = self.points.len().div_ceil(MAX_INTERVALS).max(1);
        let mut envelope = Vec::new();
        for points in self.points.chunks(interval) {
            let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
            let low = points.iter().min_by(by_value);
            let high = points.iter().max_by(by_value);
            let mut pair: Points = low.into_iter().chain(high).copied().collect();
            pair.sort_by(|a, b| a.0.total_cmp(&b.0));
            pair.dedup();
            envelope.extend(pair);
        }
        envelope
    }

    /// The moving average at up to 400 evenly spaced points. The window is
    /// shorter at both ends.
    pub fn smooth(&self) -> Points {
        let count = self.points.len();
        let half = self.window() / 2;
        evenly_spaced(count, MAX_INTERVALS)
            .into_iter()
            .map(|i| {
                let near = &self.points[i.saturating_sub(half)..(i + half + 1).min(count)];
                let sum: f64 = near.iter().map(|(_, value)| value).sum();
                (self.points[i].0, sum / near.len() as f64)
            })
            .collect()
    }
}

/// Splits `points` at values that are NaN or infinite.
pub fn split_at_gaps(points: &[(f64, f64)]) -> Vec<Points> {
    points
        .split(|(_, value)| !value.is_finite())
        .filter(|piece| !piece.is_empty())
        .map(<[_]>::to_vec)
        .collect()
}

/// Returns the range of the values with some padding. For 200 values or more it
/// omits the lowest and the highest half percent, so a single spike does not
/// flatten the curves. The range is always wide enough for an axis.
pub fn range<'a>(curves: impl IntoIterator<Item = &'a Curve>) -> (f64, f64) {
    let points = curves.into_iter().flat_map(|curve| &curve.points);
    let mut values: Vec<f64> = points.map(|(_, value)| *value).collect();
    values.sort_by(f64::total_cmp);
    let outliers = values.len() / 200;
    let low = values.get(outliers);
    let high = values.get(values.len().saturating_sub(outliers + 1));
    let (Some(low), Some(high)) = (low, high) else {
        return (0.0, 1.0);
    };
    let largest = low.abs().max(high.abs());
    let padding = (0.05 * (high - low)).max(0.01 * largest).max(1e-6);
    (low - padding, high + padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: impl IntoIterator<Item = f64>) -> Curve {
        Curve::new((0..).zip(values))
    }

    #[test]
    fn infinite_and_nan_values_are_omitted() {
        let curve = curve([1.0, f64::NAN, f64::INFINITY, -2.0, 1e39]);
        assert_eq!(curve.points, [(0.0, 1.0), (3.0, -2.0)]);
    }

    #[test]
    fn envelope_of_few_points_is_all_points() {
        let curve = curve((0..400).map(|i| f64::from(i * 37 % 100)));
        assert_eq!(curve.envelope(), curve.points);
    }

    #[test]
    fn envelope_of_many_points_keeps_every_spike() {
        let spike = |i| {
            if i % 1000 == 7 { 50.0 } else { f64::from(i % 3) }
        };
        let curve = curve((0..10_000).map(spike));
        let envelope = curve.envelope();
        assert!(envelope.len() <= 800);
        assert!(envelope.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(envelope.iter().filter(|(_, v)| *v == 50.0).count(), 10);
    }

    #[test]
    fn moving_average_is_the_mean_of_the_window() {
        let values: Vec<f64> = (0..300).map(|i| f64::from(i * i % 17)).collect();
        let curve = curve(values.clone());
        assert_eq!(curve.window(), 7);
        for (i, (step, mean)) in curve.smooth().into_iter().enumerate() {
            let near = &values[i.saturating_sub(3)..(i + 4).min(300)];
            assert_eq!(step, i as f64);
            assert!((mean - near.iter().sum::<f64>() / near.len() as f64).abs() < 1e-12);
        }
    }

    #[test]
    fn range_omits_rare_spikes_and_is_never_empty() {
        assert_eq!(range(&[]), (0.0, 1.0));
        let spiky = curve((0..1000).map(|i| if i == 500 { 1e6 } else { f64::from(i % 2) }));
        assert_eq!(range(&[spiky]), (-0.05, 1.05));
        for value in [0.0, 5.0, -1e30, 1e-30, f64::from(f32::MAX)] {
            let (low, high) = range(&[curve([value; 3])]);
            assert!(low < value && value < high);
        }
    }
}
