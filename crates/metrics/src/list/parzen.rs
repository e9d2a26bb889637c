//! Log-likelihood under Parzen windows, by pixels. The error is the standard error.

#[cfg(feature = "libtorch")]
use mnist_io::Images;
use run_dir::Measurement;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Error, Evaluation, Fake, Measurements, Real, Result, Validation,
    evaluation::measured,
    parzen::{parzen_of_pixels, usual_widths},
};

pub(super) const METRIC: Metric = Metric {
    names: &["parzen"],
    needs: Needs::Pixels,
    curve: false,
    values: &[Value {
        name: "parzen",
        title: "Parzen",
        decimals: 2,
        explanation: "log-likelihood of the test images in nats; sharpness has little effect",
        remark: Some(width),
    }],
    #[cfg(feature = "libtorch")]
    measure,
};

fn width(parzen: &Measurement, _samples: u64) -> String {
    let width = parzen.details.get(WIDTH).into_iter().flatten();
    let width: Vec<String> = width.map(|w| format!("{w:.2}")).collect();
    format!("width of the windows: {}", width.join(" "))
}

/// Standard deviation of the windows, for pixels in \[0, 1\].
const WIDTH: &str = "width";

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let reference = evaluation.reference;
    let rows = validation_rows(reference.training().len());
    let chosen: Vec<usize> = rows.clone().collect();
    let validation = reference.training().select(&chosen);
    let validation = validation.ok_or(Error::NoImages)?;
    let likelihood = |fake: &Images| {
        let (real, validation) = (Real(reference.test()), Validation(&validation));
        parzen_of_pixels(real, validation, Fake(fake), &usual_widths())
    };
    let found = likelihood(evaluation.images)?;
    // A window at a validation image would favor small widths.
    let count = evaluation.images.len();
    let value = reference.reference_values("parzen", count, rows, |images| {
        Ok([likelihood(images)?.log_likelihood.mean])
    })?;
    let measurement = Measurement {
        error: Some(found.log_likelihood.standard_error),
        details: [(WIDTH.to_owned(), vec![found.sigma])].into(),
        ..measured(found.log_likelihood.mean, value.map(|[mean]| mean))
    };
    Ok(vec![("parzen", measurement)])
}

/// The training images that select the width: 1,000 from the 50,000th on, as in the program
/// of the 2014 paper; the last 1,000 of a smaller set.
#[cfg(feature = "libtorch")]
fn validation_rows(training: usize) -> std::ops::Range<usize> {
    let last = training.min(51_000);
    last.saturating_sub(1_000)..last
}
