//! Near-duplicates: fake that lie closer to a training image than honest
//! new images do.

use crate::error::at_least;
use crate::{Error, Fake, Real, Result};

/// The usual share of test images that sets the bar: the closest 0.1%.
pub const CLOSEST: f64 = 0.001;

/// How many fake lie suspiciously close to a training image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duplicates {
    /// Fake nearer to a training image than `threshold`.
    pub count: usize,
    /// The number of fake looked at.
    pub of: usize,
    /// How many of as many new images would count, on average.
    pub expected: f64,
    /// The distance of the last of the closest test images.
    pub threshold: f64,
}

/// Counts fake that lie closer to a training image than the `closest`
/// share of test images do.
///
/// Both sides are distances to the nearest training image, in one unit: the
/// `distance`s that [`nearest`](crate::neighbors::nearest) or
/// [`nearest_features`](crate::neighbors::nearest_features) give. The threshold is
/// the ⌈`closest` · n⌉-th smallest of n test distances (of 10,000 the tenth), and a forgery counts if its distance is strictly
/// smaller. A new image, drawn as the test images were, comes before the r-th of
/// them with the chance r / (n + 1), so that of m about m · r / (n + 1) count;
/// copies all count, where the threshold is above 0.
///
/// # Errors
/// [`Error::TooFew`] with no distances on a side; [`Error::Share`] unless
/// `closest` lies above 0 and is at most 1; [`Error::Distance`] with a distance
/// that is negative or not finite.
pub fn near_duplicates(
    test: Real<'_, [f64]>,
    fake: Fake<'_, [f64]>,
    closest: f64,
) -> Result<Duplicates> {
    let (Real(test), Fake(fake)) = (test, fake);
    for (what, distances) in [("test images", test), ("fake", fake)] {
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
