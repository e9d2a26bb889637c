//! FID on the features of InceptionV3, as in published tables.

#[cfg(feature = "libtorch")]
use mnist_io::Images;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Error, Evaluation, Fake, Measurements, Real, Result,
    evaluation::measured,
    fid::{Gaussian, frechet_distance},
};

pub(super) const METRIC: Metric = Metric {
    names: &["inception"],
    needs: Needs::Inception,
    curve: false,
    values: &[Value {
        name: "inception_fid",
        title: "FID (Inception)",
        decimals: 2,
        explanation: "the FID of published tables, which compare 10,000 samples",
        remark: None,
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let reference = evaluation.reference;
    let network = evaluation.inception.ok_or(Error::NoInception)?;
    let test = reference.inception_test(network, &mut |done, of| {
        evaluation.report("test images", done, of);
    })?;
    let distance = |images: &Images, what: &str| {
        let mut report = |done, of| evaluation.report(what, done, of);
        let fit = Gaussian::fit(&network.features(images, &mut report)?)?;
        frechet_distance(Real(&test), Fake(&fit))
    };
    let value = distance(evaluation.images, "samples")?;
    let count = evaluation.images.len();
    let found = reference.reference_values("inception", count, 0..0, |images| {
        Ok([distance(images, "training images")?])
    })?;
    let measurement = measured(value, found.map(|[fid]| fid));
    Ok(vec![("inception_fid", measurement)])
}
