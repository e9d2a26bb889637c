//! Near-duplicates: fake images that lie closer to a training image than new images do.

use crate::error::at_least;
use crate::{Error, Fake, Real, Result};

/// The usual share of test images that sets the threshold: the closest 0.1%.
pub const CLOSEST: f64 = 0.001;

/// Fake images that lie unusually close to a training image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicates {
    /// Fake images closer to a training image than `threshold`.
    pub count: usize,
    /// The number of fake images.
    pub of: usize,
    /// The expected count among equally many new images.
    pub expected: f64,
    /// The distance of the last of the closest test images.
    pub threshold: f64,
}

/// Counts fake images that lie closer to a training image than the `closest` share of test
/// images do.
///
/// Both sets are distances to the nearest training image, in the same unit: the
/// `distance` of [`nearest`](crate::neighbors::nearest) or
/// [`nearest_features`](crate::neighbors::nearest_features). The threshold is the
/// r-th smallest of n test distances with r = ⌈`closest` · n⌉ (of 10,000 the tenth). A fake
/// image counts if its distance is strictly smaller. A new image from the distribution of
/// the test images counts with probability r / (n + 1). Exact copies always count if the
/// threshold is above 0.
///
/// # Errors
/// [`Error::TooFew`] without distances in a set; [`Error::Share`] unless `closest` lies
/// above 0 and is at most 1; [`Error::Distance`] for a distance that is negative or not
/// finite.
pub fn near_duplicates(
    test: Real<'_, [f64]>,
    fake: Fake<'_, [f64]>,
    closest: f64,
) -> Result<Duplicates> {
    let (Real(test), Fake(fake)) = (test, fake);
    for (what, distances) in [("test images", test), ("fake images", fake)] {
        at_least(1, distances.len(), "the count of near-duplicates", what)?;
        let wrong = |d: &f64| !(d.is_finite() && *d >= 0.0);
        if let Some(row) = distances.iter().position(wrong) {
            let value = distances[row];
            return Err(Error::Distance { row, value });
        }
    }
    if !(closest > 0.0 && closest <= 1.0) {
        return Err(Error::Share { share: closest });
    }
    let rank = ((closest * test.len() as f64).ceil() as usize).clamp(1, test.len());
    let mut sorted = test.to_vec();
    let (_, &mut threshold, _) = sorted.select_nth_unstable_by(rank - 1, f64::total_cmp);
    Ok(Duplicates {
        count: fake.iter().filter(|&&d| d < threshold).count(),
        of: fake.len(),
        expected: fake.len() as f64 * rank as f64 / (test.len() as f64 + 1.0),
        threshold,
    })
}
