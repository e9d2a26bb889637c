//! Density and coverage (Naeem et al. 2020).

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["density", "coverage"],
    needs: Needs::Features,
    min_samples: 1,
    in_quality_curve: false,
    values: &[
        Value {
            name: "density",
            title: "density",
            decimals: 3,
            explanation: "how densely test images lie around a sample; unusual images matter less than for precision",
        },
        Value {
            name: "coverage",
            title: "coverage",
            decimals: 3,
            explanation: "share of the test images with a sample nearby",
        },
    ],
    remark: Some(crate::precision::remark),
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
mod computation {
    use crate::support::balls::{count_inside, share_above_zero};
    use crate::support::error::at_least;
    use crate::support::evaluation::{Evaluation, Measurements};
    use crate::support::neighbors::squared_radii;
    use crate::{Error, Fake, Real, Result};

    /// The usual k of density and coverage (Naeem et al. 2020, section 4).
    pub const NEIGHBORS: usize = 5;

    /// Density and coverage.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct DensityCoverage {
        /// The mean number of real images' balls that contain a fake image, divided by k. At least
        /// 0; about 1 if fake images are as good as real ones, and it may be larger. A single
        /// unusual real image has less effect than on precision.
        pub density: f64,
        /// The share of real images with a fake image nearby, from 0 to 1.
        pub coverage: f64,
    }

    /// Density and coverage of the balls around the real images (Naeem et al. 2020, equations 5
    /// and 6).
    ///
    /// The radius of a ball is the distance to the `k`-th nearest other real image. Rows on its
    /// surface lie outside (strict <). Features are `[n, d]` and `[m, d]`.
    ///
    /// # Errors
    /// [`Error::Neighbors`] for a `k` of 0; [`Error::TooFew`] unless there are more than `k` real
    /// images and a fake one; [`Error::Width`].
    pub fn density_coverage(real: Real<'_>, fake: Fake<'_>, k: usize) -> Result<DensityCoverage> {
        let (Real(real), Fake(fake)) = (real, fake);
        let metric = "density and coverage";
        if k == 0 {
            return Err(Error::Neighbors);
        }
        real.same_width(fake)?;
        at_least(k.saturating_add(1), real.len(), metric, "real images")?;
        at_least(1, fake.len(), metric, "fake images")?;
        let inside = count_inside(fake, real, &squared_radii(real, k), f64::lt);
        let hits: u64 = inside.balls_of_row.iter().copied().map(u64::from).sum();
        Ok(DensityCoverage {
            density: hits as f64 / (k as f64 * fake.len() as f64),
            coverage: share_above_zero(&inside.rows_of_ball),
        })
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let real = Real(&evaluation.reference.classified_test()?.features);
        evaluation.measure_features(["density", "coverage"], |fake| {
            let found = density_coverage(real, fake, NEIGHBORS)?;
            Ok([found.density, found.coverage])
        })
    }
}
