//! Precision and recall by nearest-neighbor balls (Kynkäänniemi et al. 2019).

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["precision", "recall"],
    needs: Needs::Features,
    min_samples: 4,
    in_quality_curve: true,
    values: &[
        Value {
            name: "precision",
            title: "precision",
            decimals: 3,
            explanation: "share of the samples that lie within the range of the test images",
        },
        Value {
            name: "recall",
            title: "recall",
            decimals: 3,
            explanation: "share of the test images that lie within the range of the samples",
        },
    ],
    remark: Some(remark),
    #[cfg(feature = "libtorch")]
    measure,
};

/// If FID lies farther above its reference value, precision and density are unreliable. The runs of
/// docs/results.md that lie farther draw few digits that look like handwriting, but their precision
/// is up to 0.82.
const MAX_FID_EXCESS: f64 = 100.0;

/// Why precision and density are unreliable if FID is far above its reference value.
pub(crate) fn remark(row: &QualityRow) -> Option<String> {
    let fid = row.metrics.get("fid")?;
    let (far, reference) = match fid.reference {
        Some(reference) => {
            (fid.value - reference > MAX_FID_EXCESS, format!(", reference {reference:.0}"))
        }
        // There are too few training images. The reference value of few test images is high.
        None => (fid.value > 2.0 * MAX_FID_EXCESS, String::new()),
    };
    far.then(|| {
        format!(
            "precision and density are unreliable: FID is {:.0}{reference}, so samples fall only \
             into the large balls around outliers",
            fid.value
        )
    })
}

#[cfg(feature = "libtorch")]
mod computation {
    use crate::support::balls::{count_inside, share_above_zero};
    use crate::support::error::at_least;
    use crate::support::evaluation::{Evaluation, Measurements};
    use crate::support::neighbors::squared_radii;
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
}

#[cfg(test)]
mod tests {
    use run_dir::Measurement;

    use super::*;

    #[test]
    fn precision_of_far_samples_has_a_remark_with_and_without_a_reference() {
        let remark_of = |value, reference| {
            let fid = Measurement { value, reference, ..Measurement::default() };
            let metrics = [("fid".to_owned(), fid)].into();
            remark(&QualityRow { metrics, ..QualityRow::default() })
        };
        assert!(remark_of(440.0, None).unwrap().contains("FID is 440, so"));
        assert!(remark_of(440.0, Some(18.0)).unwrap().contains("FID is 440, reference 18, so"));
        assert_eq!(remark_of(150.0, None), None);
        assert_eq!(remark_of(110.0, Some(18.0)), None);
        assert_eq!(remark(&QualityRow::default()), None);
    }
}
