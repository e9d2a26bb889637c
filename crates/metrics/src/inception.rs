//! The FID of published tables: the Fréchet distance between features of InceptionV3.

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
use computation::measure;

pub(crate) const METRIC: Metric = Metric {
    names: &["inception"],
    needs: Needs::Inception,
    min_samples: 2,
    in_quality_curve: false,
    values: &[Value {
        name: "inception_fid",
        title: "FID (Inception)",
        decimals: 2,
        explanation: "the FID of published tables, which compare 10,000 samples",
    }],
    remark: None,
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
mod computation {
    use mnist_io::Images;

    use crate::support::evaluation::{Evaluation, Measurements, measured};
    use crate::support::gaussian::{Gaussian, frechet_distance};
    use crate::{Error, Fake, Real, Result};

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let reference = evaluation.reference;
        let network = evaluation.inception.ok_or(Error::NoInception)?;
        let test = reference.inception_test(network, &mut |done, total| {
            evaluation.report("test images", done, total);
        })?;
        let distance = |images: &Images, what: &str| {
            let mut report = |done, total| evaluation.report(what, done, total);
            let fit = Gaussian::fit(&network.features(images, &mut report)?)?;
            frechet_distance(Real(&test), Fake(&fit))
        };
        let value = distance(evaluation.images, "samples")?;
        let count = evaluation.images.len();
        let found = reference.reference_values("inception", count, 0..0, |images| {
            Ok([distance(images, "training images")?])
        })?;
        Ok(vec![("inception_fid", measured(value, found.map(|[fid]| fid)))])
    }
}
