//! KID on the features of the classifier.

#[cfg(feature = "libtorch")]
use run_dir::Measurement;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Evaluation, Fake, Measurements, Real, Result,
    evaluation::measured,
    kid::{KidOptions, kid},
};

pub(super) const METRIC: Metric = Metric {
    names: &["kid"],
    needs: Needs::Features,
    curve: false,
    values: &[Value {
        name: "kid",
        title: "KID (classifier)",
        decimals: 3,
        explanation: "kernel distance between the features of real and fake images; about 0 is best",
        remark: None,
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let real = Real(evaluation.reference.test_features()?);
    let options = KidOptions::default();
    let found = kid(real, Fake(evaluation.features()?), &options)?;
    let reference =
        evaluation.feature_reference("kid", |fake| Ok([kid(real, fake, &options)?.mean]))?;
    let measurement = Measurement {
        // The standard deviation over the subsets.
        error: Some(found.std),
        ..measured(found.mean, reference.map(|[kid]| kid))
    };
    Ok(vec![("kid", measurement)])
}
