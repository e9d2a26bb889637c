//! Precision and recall by nearest-neighbor balls (Kynkäänniemi et al. 2019).

use super::balls::{count_inside, share_above_zero};
use super::error::at_least;
use super::evaluation::{Evaluation, Measurements};
use super::neighbors::squared_radii;
use crate::{Error, Fake, Features, Real, Result};

/// The usual k of precision and recall (Kynkäänniemi et al. 2019, section 3).
pub const NEIGHBORS: usize = 3;

/// Precision and recall, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecall {
    /// The share of fake images within the range of the real ones. It is low if fake images
    /// look wrong.
    pub precision: f64,
    /// The share of real images within the range of the fake ones. It is low if the generator
    /// never produces some kinds of images.
    pub recall: f64,
}

/// The share of fake images inside the balls around the real images, and the share of real
/// images inside the balls around the fake images (Kynkäänniemi et al. 2019, equations 1 and
/// 2).
///
/// The radius of a ball is the distance to the `k`-th nearest other row of its own set.
/// Rows on its surface lie inside (≤). Features are `[n, d]` and `[m, d]`.
///
/// # Errors
/// [`Error::Neighbors`] for a `k` of 0; [`Error::TooFew`] unless each set has
/// more than `k` rows; [`Error::Width`].
pub fn precision_recall(real: Real<'_>, fake: Fake<'_>, k: usize) -> Result<PrecisionRecall> {
    let (Real(real), Fake(fake)) = (real, fake);
    real.same_width(fake)?;
    Ok(PrecisionRecall {
        precision: covered(fake, real, k, "real images")?,
        recall: covered(real, fake, k, "fake images")?,
    })
}

/// The share of `rows` inside the balls around `centers`.
fn covered(rows: &Features, centers: &Features, k: usize, what: &'static str) -> Result<f64> {
    if k == 0 {
        return Err(Error::Neighbors);
    }
    at_least(k.saturating_add(1), centers.len(), "precision and recall", what)?;
    let inside = count_inside(rows, centers, &squared_radii(centers, k), f64::le);
    Ok(share_above_zero(&inside.balls_of_row))
}

pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let real = Real(&evaluation.reference.classified_test()?.features);
    evaluation.measure_features(["precision", "recall"], |fake| {
        let found = precision_recall(real, fake, NEIGHBORS)?;
        Ok([found.precision, found.recall])
    })
}
