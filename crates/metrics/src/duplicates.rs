//! Near-duplicates: fake images that lie closer to a training image than new images do.

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["duplicates"],
    needs: Needs::Pixels,
    min_samples: 1,
    in_quality_curve: false,
    values: &[Value {
        name: "duplicates",
        title: "near-duplicates",
        decimals: 0,
        explanation: "samples closer to a training image than the closest 0.1% of test images",
    }],
    remark: Some(remark),
    #[cfg(feature = "libtorch")]
    measure,
};

/// Name of a detail of `duplicates`: the number of samples that are equal to a training image.
pub(crate) const IDENTICAL: &str = "identical";

/// Name of a detail of `duplicates`: the number of test images that are equal to a training image.
pub(crate) const TEST_IN_TRAINING: &str = "shared_test_images";

fn remark(row: &QualityRow) -> Option<String> {
    let (duplicates, samples) = (row.metrics.get("duplicates")?, row.samples);
    let detail = |name| duplicates.details.get(name)?.first().copied();
    let (count, reference) = (duplicates.value, duplicates.reference?);
    let identical = detail(IDENTICAL).unwrap_or_default();
    let mut text = format!(
        "{count:.0} of {samples} samples are closer, {identical:.0} of them identical; of {samples} \
         new real images about {reference:.0} would be closer"
    );
    if let Some(shared) = detail(TEST_IN_TRAINING).filter(|&shared| shared > 0.0) {
        text += &format!("; {shared:.0} test images are training images and do not count");
    }
    Some(text)
}

#[cfg(feature = "libtorch")]
mod computation {
    use run_dir::Measurement;

    use super::{IDENTICAL, TEST_IN_TRAINING};
    use crate::support::error::at_least;
    use crate::support::evaluation::{Evaluation, Measurements, measured};
    use crate::{Error, Fake, Real, Result};

    /// The share of test images that sets the threshold: the closest 0.1%.
    pub const THRESHOLD_SHARE: f64 = 0.001;

    /// Fake images that lie unusually close to a training image.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Duplicates {
        /// Fake images closer to a training image than `threshold`, or identical to one.
        pub count: usize,
        /// Those identical to a training image.
        pub identical: usize,
        /// The number of fake images.
        pub total: usize,
        /// The expected count among equally many new images.
        pub expected: f64,
        /// The distance of the last of the closest test images.
        pub threshold: f64,
        /// Test images that are identical to a training image.
        pub test_in_training: usize,
    }

    /// Counts fake images that lie closer to a training image than the closest 0.1% of test images
    /// do.
    ///
    /// Both sets are distances to the nearest training image, in the same unit: the `distance` of
    /// [`nearest`](crate::neighbors::nearest) or
    /// [`nearest_features`](crate::neighbors::nearest_features). Test images at distance 0 are
    /// training images, so they do not count. The threshold is the r-th smallest of the n other
    /// test distances with r = ⌈n / 1000⌉ (of 10,000 the tenth). A fake image counts if its
    /// distance is strictly smaller. A new image from the distribution of the test images counts
    /// with probability r / (n + 1). Exact copies always count.
    ///
    /// # Errors
    /// [`Error::TooFew`] without distances in a set; [`Error::Distance`] for a distance that is
    /// negative or not finite.
    pub fn near_duplicates(test: Real<'_, [f64]>, fake: Fake<'_, [f64]>) -> Result<Duplicates> {
        let (Real(test), Fake(fake)) = (test, fake);
        for (what, distances) in [("test images", test), ("fake images", fake)] {
            at_least(1, distances.len(), "the count of near-duplicates", what)?;
            let wrong = |d: &f64| !(d.is_finite() && *d >= 0.0);
            if let Some(row) = distances.iter().position(wrong) {
                let value = distances[row];
                return Err(Error::Distance { row, value });
            }
        }
        let mut new: Vec<f64> = test.iter().copied().filter(|&d| d > 0.0).collect();
        new.sort_unstable_by(f64::total_cmp);
        let rank = (THRESHOLD_SHARE * new.len() as f64).ceil() as usize;
        // Without new test images, only identical images count.
        let threshold = rank.checked_sub(1).map_or(0.0, |last| new[last]);
        Ok(Duplicates {
            count: fake.iter().filter(|&&d| d < threshold || d == 0.0).count(),
            identical: fake.iter().filter(|&&d| d == 0.0).count(),
            total: fake.len(),
            expected: fake.len() as f64 * rank as f64 / (new.len() as f64 + 1.0),
            threshold,
            test_in_training: test.len() - new.len(),
        })
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let test = evaluation.reference.test_distances()?;
        let fake = evaluation.reference.distances(evaluation.images)?;
        let found = near_duplicates(Real(test), Fake(fake.as_slice()))?;
        let details = [(IDENTICAL, found.identical), (TEST_IN_TRAINING, found.test_in_training)];
        let measurement = Measurement {
            details: details.map(|(name, count)| (name.to_owned(), vec![count as f64])).into(),
            ..measured(found.count as f64, Some(found.expected))
        };
        Ok(vec![("duplicates", measurement)])
    }
}
