//! The data-copying test C_T on the features of the classifier. The reference value is the mean by
//! chance, the error its standard deviation.

use run_dir::Measurement;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Evaluation, Fake, Measurements, Real, Result, Training,
    evaluation::measured,
    novelty::{NoveltyOptions, novelty},
};

pub(super) const METRIC: Metric = Metric {
    names: &["novelty"],
    needs: Needs::Features,
    curve: false,
    values: &[Value {
        name: "novelty",
        title: "novelty C_T",
        decimals: 2,
        explanation: "distance to training images compared with new digits; far below 0: copies",
        remark: Some(assessment),
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

fn assessment(novelty: &Measurement, _samples: u64) -> String {
    let (Some(mean), Some(std)) = (novelty.reference, novelty.error) else {
        return "too few samples for the null distribution".to_owned();
    };
    match (novelty.value - mean) / std {
        z if z < -5.0 => "closer to training images than new digits: copies, or common shapes only",
        z if z > 5.0 => {
            "farther from training images than new digits: not copies, but some are unusual"
        }
        _ => "as far from training images as new digits",
    }
    .to_owned()
}

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let real = Real(evaluation.reference.test_features()?);
    let training = Training(evaluation.reference.training_features()?);
    let fake = Fake(evaluation.features()?);
    let found = novelty(real, fake, training, &NoveltyOptions::default())?;
    // NaN if no draw left a cell with enough samples.
    let finite = |value: f64| value.is_finite().then_some(value);
    let measurement = Measurement {
        error: finite(found.null.std),
        ..measured(found.c_t, finite(found.null.mean))
    };
    Ok(vec![("novelty", measurement)])
}
