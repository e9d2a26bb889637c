//! FID: the Fréchet distance between features (Heusel et al. 2017).

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["fid"],
    needs: Needs::Features,
    min_samples: 2,
    in_quality_curve: true,
    values: &[Value {
        name: "fid",
        title: "FID (classifier)",
        decimals: 2,
        explanation: "distance between the features of samples and test images; 0 is best",
    }],
    remark: None,
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
mod computation {
    use crate::support::evaluation::{Evaluation, Measurements};
    pub use crate::support::gaussian::{Gaussian, frechet_distance};
    use crate::{Fake, Real, Result};

    /// The Fréchet distance of two sets of features `[n, d]` and `[m, d]`, in squared units of
    /// the features. It is 0 for equal Gaussian fits. It depends on the number of images:
    /// compare only values of equally many images.
    ///
    /// # Errors
    /// [`TooFew`](crate::Error::TooFew) with fewer than 2 images in a set;
    /// [`Width`](crate::Error::Width); [`Torch`](crate::Error::Torch) if the eigenvalues do not
    /// converge.
    pub fn fid(real: Real<'_>, fake: Fake<'_>) -> Result<f64> {
        let (Real(real), Fake(fake)) = (real, fake);
        real.same_width(fake)?;
        frechet_distance(Real(&Gaussian::fit(real)?), Fake(&Gaussian::fit(fake)?))
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let real = Real(&evaluation.reference.classified_test()?.features);
        evaluation.measure_features(["fid"], |fake| Ok([fid(real, fake)?]))
    }
}
