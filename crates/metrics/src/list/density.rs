//! Density and coverage on the features of the classifier.

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Evaluation, Fake, Measurements, Real, Result,
    density::{self, density_coverage},
    evaluation::measured,
};

pub(super) const METRIC: Metric = Metric {
    names: &["density", "coverage"],
    needs: Needs::Features,
    curve: false,
    values: &[
        Value {
            name: "density",
            title: "density",
            decimals: 3,
            explanation: "how densely test images lie around a sample; unusual images matter less than for precision",
            remark: None,
        },
        Value {
            name: "coverage",
            title: "coverage",
            decimals: 3,
            explanation: "share of the test images with a sample nearby",
            remark: None,
        },
    ],
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let real = Real(evaluation.reference.test_features()?);
    let measure = |fake: Fake<'_>| {
        let found = density_coverage(real, fake, density::NEIGHBORS)?;
        Ok([found.density, found.coverage])
    };
    let [density, coverage] = measure(Fake(evaluation.features()?))?;
    let reference = evaluation.feature_reference("density", measure)?;
    Ok(vec![
        ("density", measured(density, reference.map(|[d, _]| d))),
        ("coverage", measured(coverage, reference.map(|[_, c]| c))),
    ])
}
