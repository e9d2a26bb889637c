//! Converts numbers to pixels, with a given or detected range.

use crate::error::{Problem, ProblemResult};

/// Tolerance at both ends of a range, as a share of its width, for rounding.
const SLACK: f64 = 1e-3;

/// The smallest and the largest of some numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extremes {
    pub low: f64,
    pub high: f64,
}

impl Extremes {
    pub const NONE: Extremes = Extremes { low: f64::INFINITY, high: f64::NEG_INFINITY };

    /// Adds the values of an image. Returns false if one is not finite.
    pub fn add(&mut self, values: &[f64]) -> bool {
        let mut finite = true;
        for &value in values {
            finite &= value.is_finite();
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
        finite
    }
}

/// The values that become the pixels 0 and 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    pub low: f64,
    pub high: f64,
    pub given: bool,
}

impl Range {
    pub const BYTES: Range = Range { low: 0.0, high: 255.0, given: false };

    /// The given range, or for floats the narrowest usual one: \[0,1\], \[-1,1\], \[0,255\].
    /// Whole numbers are bytes, except for `bits`, which are 0 and 1.
    pub fn choose(
        found: Extremes,
        given: Option<(f64, f64)>,
        numbers: NumberKind,
    ) -> ProblemResult<Range> {
        let Extremes { low, high } = found;
        let fits = |(from, to): (f64, f64)| {
            let slack = SLACK * (to - from);
            low >= from - slack && high <= to + slack
        };
        if let Some(range) = given {
            let (from, to) = range;
            return match fits(range) {
                true => Ok(Range { low: from, high: to, given: true }),
                false => Err(Problem::OutsideRange { low, high, range }),
            };
        }
        let usual: &[(f64, f64)] = match numbers {
            NumberKind::Bits => &[(0.0, 1.0)],
            NumberKind::Whole => &[(0.0, 255.0)],
            NumberKind::Float => &[(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)],
        };
        let range = usual.iter().find(|&&range| fits(range));
        let &(low, high) = range.ok_or(Problem::UnknownRange { low, high })?;
        Ok(Range { low, high, given: false })
    }

    /// The nearest pixel.
    pub fn pixel(self, value: f64) -> u8 {
        let share = (value - self.low) / (self.high - self.low);
        (share.clamp(0.0, 1.0) * 255.0).round() as u8
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = if self.given { "given" } else { "found" };
        write!(f, "range [{},{}] {how}", self.low, self.high)
    }
}

/// The kind of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// Booleans.
    Bits,
    Whole,
    Float,
}
