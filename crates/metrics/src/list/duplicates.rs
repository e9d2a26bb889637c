//! Near-duplicates of training images, by pixels. The reference value is the number among
//! equally many new images.

use run_dir::Measurement;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{Evaluation, Measurements, Result, evaluation::measured};

pub(super) const METRIC: Metric = Metric {
    names: &["duplicates"],
    needs: Needs::Pixels,
    curve: false,
    values: &[Value {
        name: "duplicates",
        title: "near-duplicates",
        decimals: 0,
        explanation: "samples closer to a training image than the closest 0.1% of test images",
        remark: Some(count),
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

fn count(duplicates: &Measurement, samples: u64) -> String {
    let count = duplicates.value;
    let reference = duplicates.reference.unwrap_or_default();
    format!(
        "{count:.0} of {samples} samples are closer; of {samples} new digits about {reference:.0} \
         would be"
    )
}

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let found = evaluation.reference.duplicates(evaluation.images)?;
    let measurement = measured(found.count as f64, Some(found.expected));
    Ok(vec![("duplicates", measurement)])
}
