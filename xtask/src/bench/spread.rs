//! The least, the median and the greatest of some measurements, and of the ratios
//! of pairs.

use std::fmt;

use super::table::number;

/// Of some numbers, at least one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub greatest: f64,
}

impl Spread {
    /// Of `values`, `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, greatest) = (*sorted.first()?, *sorted.last()?);
        let upper = sorted[sorted.len() / 2];
        let lower = sorted[(sorted.len() - 1) / 2];
        Some(Spread {
            least,
            median: (lower + upper) / 2.0,
            greatest,
        })
    }

    /// Of `a / b`, pair by pair, each measured one after the other.
    pub fn of_ratios(a: &[f64], b: &[f64]) -> Option<Spread> {
        let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
        Spread::of(&ratios)
    }
}

/// `1.52 (1.48 to 1.60)`.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, least, greatest] = [self.median, self.least, self.greatest].map(number);
        write!(f, "{median} ({least} to {greatest})")
    }
}

/// A spread where there is one, else a dash.
pub fn told(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| spread.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_middle_two() {
        let median = |values: &[f64]| Spread::of(values).unwrap().median;
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 30.0]), 3.0);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_pairs_not_between_them() {
        // A machine that halves its speed after each pair changes no ratio.
        let spread = Spread::of_ratios(&[8.0, 4.0, 2.1], &[4.0, 2.0, 1.0]).unwrap();
        let expected = Spread {
            least: 2.0,
            median: 2.0,
            greatest: 2.1,
        };
        assert_eq!(spread, expected);
        assert_eq!(spread.to_string(), "2.00 (2.00 to 2.10)");
    }
}
