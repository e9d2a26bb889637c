//! FID on the features of the classifier.

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{Evaluation, Fake, Measurements, Real, Result, evaluation::measured, fid::fid};

pub(super) const METRIC: Metric = Metric {
    names: &["fid"],
    needs: Needs::Features,
    curve: true,
    values: &[Value {
        name: "fid",
        title: "FID (classifier)",
        decimals: 2,
        explanation: "distance between the features of samples and test images; 0 is best",
        remark: None,
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let real = Real(evaluation.reference.test_features()?);
    let value = fid(real, Fake(evaluation.features()?))?;
    let reference = evaluation.feature_reference("fid", |fake| Ok([fid(real, fake)?]))?;
    Ok(vec![("fid", measured(value, reference.map(|[fid]| fid)))])
}
