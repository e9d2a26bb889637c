//! Precision and recall on the features of the classifier.

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Evaluation, Fake, Measurements, Real, Result,
    evaluation::measured,
    precision::{self, precision_recall},
};

pub(super) const METRIC: Metric = Metric {
    names: &["precision", "recall"],
    needs: Needs::Features,
    curve: true,
    values: &[
        Value {
            name: "precision",
            title: "precision",
            decimals: 3,
            explanation: "share of the samples that lie within the range of the test images",
            remark: None,
        },
        Value {
            name: "recall",
            title: "recall",
            decimals: 3,
            explanation: "share of the test images that lie within the range of the samples",
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
        let found = precision_recall(real, fake, precision::NEIGHBORS)?;
        Ok([found.precision, found.recall])
    };
    let [precision, recall] = measure(Fake(evaluation.features()?))?;
    let reference = evaluation.feature_reference("precision", measure)?;
    Ok(vec![
        ("precision", measured(precision, reference.map(|[p, _]| p))),
        ("recall", measured(recall, reference.map(|[_, r]| r))),
    ])
}
