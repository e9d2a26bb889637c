//! Logarithmic axes: their range and the positions of their labels.

/// The lowest value that an axis shows.
const MIN_VALUE: f64 = 0.01;
/// The largest number of labels.
const MAX_TICKS: usize = 9;
/// Labels are these numbers times a power of ten.
const MULTIPLES: [f64; 3] = [1.0, 2.0, 5.0];

/// Returns a range that contains `values` with some padding and has a label at
/// both ends. Omits values that are not finite in single precision.
pub fn range(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let largest = f64::from(f32::MAX);
    let values = values.into_iter().filter(|value| value.abs() <= largest);
    let values = values.map(|value| value.max(MIN_VALUE));
    let Some((low, high)) =
        values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    else {
        return (1.0, 100.0);
    };
    let (low, high) = (low / 1.1, high * 1.1);
    let ticks = || decades(low, high).flat_map(|exponent| MULTIPLES.map(|m| at(m, exponent)));
    (
        ticks().filter(|tick| *tick <= low).fold(0.0, f64::max),
        ticks().filter(|tick| *tick >= high).fold(f64::MAX, f64::min),
    )
}

/// Returns the labels from `low` to `high`, both positive: 1, 2, 5, 10, 20 and
/// so on, or only powers of ten if there would be too many.
pub fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let every = |decade: usize, multiples: &[f64]| -> Vec<f64> {
        decades(low, high)
            .step_by(decade)
            .flat_map(|exponent| multiples.iter().map(move |m| at(*m, exponent)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let fine = every(1, &MULTIPLES);
    if fine.len() <= MAX_TICKS {
        return fine;
    }
    every(decades(low, high).count().div_ceil(MAX_TICKS), &[1.0])
}

/// Exponents of the powers of ten that enclose `low` and `high`.
fn decades(low: f64, high: f64) -> std::ops::RangeInclusive<i32> {
    low.log10().floor() as i32..=high.log10().ceil() as i32
}

fn at(multiple: f64, exponent: i32) -> f64 {
    // 5 / 100 is exactly 0.05; 5 * 0.01 is not.
    if exponent < 0 {
        multiple / 10.0_f64.powi(-exponent)
    } else {
        multiple * 10.0_f64.powi(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::significant_digits;

    fn labels(values: &[f64]) -> Vec<String> {
        ticks(range(values.iter().copied())).into_iter().map(significant_digits).collect()
    }

    #[test]
    fn labels_are_round_and_enclose_the_values() {
        assert_eq!(
            labels(&[250.0, 7.4, 1.98]),
            ["1", "2", "5", "10", "20", "50", "100", "200", "500"]
        );
        assert_eq!(labels(&[0.06, 0.3]), ["0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(labels(&[2.0]), ["1", "2", "5"]);
        assert_eq!(labels(&[0.02, 3000.0]), ["0.01", "0.1", "1", "10", "100", "1,000"]);
        assert_eq!(labels(&[]), ["1", "2", "5", "10", "20", "50", "100"]);
    }

    #[test]
    fn values_without_a_logarithm_do_not_extend_the_axis() {
        for odd in [0.0, -5.0, 1e-300] {
            assert_eq!(range([odd, 0.3]), (0.005, 0.5));
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(range([odd, 3.0, 4.0]), (2.0, 5.0));
        }
    }

    #[test]
    fn any_range_has_two_to_nine_labels() {
        for low in [1e-300, 0.01, 0.9999, 1.0, 3.0, 1e37, f64::from(f32::MAX)] {
            for factor in [1.0, 1.9, 7.0, 1e3, 1e40] {
                let (first, last) = range([low, low * factor]);
                let ticks = ticks((first, last));
                assert!((2..=MAX_TICKS).contains(&ticks.len()), "{low} {factor}");
                assert!(ticks.is_sorted_by(|a, b| a < b));
                assert!(first < low.max(MIN_VALUE) && low < last);
            }
        }
    }
}
