//! Log-likelihood under Gaussian Parzen windows (Goodfellow et al. 2014).

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["parzen"],
    needs: Needs::Pixels,
    min_samples: 1,
    in_quality_curve: false,
    values: &[Value {
        name: "parzen",
        title: "Parzen",
        decimals: 2,
        explanation: "log-likelihood of the test images in nats; sharpness has little effect",
    }],
    remark: Some(remark),
    #[cfg(feature = "libtorch")]
    measure,
};

/// Name of a detail of `parzen`: the bandwidth, for pixels in \[0, 1\].
pub(crate) const BANDWIDTH: &str = "width";

fn remark(row: &QualityRow) -> Option<String> {
    let bandwidth = row.metrics.get("parzen")?.details.get(BANDWIDTH)?.first()?;
    Some(format!("bandwidth of the windows: {bandwidth:.2}"))
}

#[cfg(feature = "libtorch")]
mod computation {
    use mnist_io::Images;
    use run_dir::Measurement;
    use tch::Kind;

    use super::BANDWIDTH;
    use crate::support::distances::Distances;
    use crate::support::error::{at_least, same_size};
    use crate::support::evaluation::{Evaluation, Measurements, measured};
    use crate::support::features::blocks;
    use crate::{Error, Fake, Real, Result, Validation};

    /// Images compared with all windows at a time.
    const BLOCK: usize = 256;

    /// The default bandwidths to choose from: ten from 0.1 to 1, evenly spaced on a
    /// logarithmic scale, for pixels in \[0, 1\].
    pub fn default_bandwidths() -> [f64; 10] {
        std::array::from_fn(|i| 10f64.powf(i as f64 / 9.0 - 1.0))
    }

    /// The log-likelihood of images, in nats.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct LogLikelihood {
        /// The mean over the images; larger is better.
        pub mean: f64,
        /// The standard error of that mean: standard deviation over √n.
        pub standard_error: f64,
    }

    /// A log-likelihood and the bandwidth that it was measured with.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Parzen {
        /// The bandwidth with the largest log-likelihood of the validation images.
        pub bandwidth: f64,
        /// Log-likelihood of the real images, with that bandwidth.
        pub log_likelihood: LogLikelihood,
    }

    /// The log-likelihood of real images under windows around the fake images, of pixels in \[0,
    /// 1\]: those of the images divided by 255. The real images must be new to the generator. The
    /// bandwidth with the largest log-likelihood of the validation images is used (Goodfellow et
    /// al. 2014, section 5); among equally good ones the first.
    ///
    /// log p(x) = log Σᵢ exp(−‖x − cᵢ‖² / 2σ²) − log n − d/2 log 2πσ² for n windows at cᵢ, d pixels
    /// and the bandwidth σ.
    ///
    /// This is a weak criterion, kept because old tables use it: sharpness has little effect on
    /// it (Theis et al. 2016).
    ///
    /// # Errors
    /// [`Error::TooFew`] without images in a set; [`Error::ImageSize`] for images of different
    /// sizes; [`Error::Bandwidth`] without bandwidths, or with one that is 0 or less, or whose
    /// square is not a normal f64.
    pub fn parzen(
        real: Real<'_, Images>,
        validation: Validation<'_, Images>,
        fake: Fake<'_, Images>,
        bandwidths: &[f64],
    ) -> Result<Parzen> {
        let (Real(real), Validation(validation), Fake(fake)) = (real, validation, fake);
        same_size(real, fake)?;
        same_size(validation, fake)?;
        let measure = |images: &Images, bandwidths: &[f64], what| {
            log_likelihoods(&Distances::new(images, fake, Kind::Double), bandwidths, what)
        };
        let tried = measure(validation, bandwidths, "validation images")?;
        let best = tried
            .iter()
            .zip(bandwidths)
            .reduce(|best, next| if next.0.mean > best.0.mean { next } else { best });
        let (_, &bandwidth) = best.ok_or(Error::Bandwidth { bandwidth: None })?;
        let found = measure(real, &[bandwidth], "real images")?;
        let &log_likelihood = found.first().ok_or(Error::Bandwidth { bandwidth: None })?;
        Ok(Parzen { bandwidth, log_likelihood })
    }

    /// One log-likelihood for each bandwidth, given distances of images to window centers in gray
    /// levels.
    fn log_likelihoods(
        distances: &Distances<'_>,
        bandwidths: &[f64],
        what: &'static str,
    ) -> Result<Vec<LogLikelihood>> {
        let (images, windows) = (&distances.queries, &distances.references);
        for (rows, what) in [(images, what), (windows, "fake images")] {
            at_least(1, rows.len(), "the Parzen estimate", what)?;
        }
        // If σ² or its inverse is 0 or infinite, every value becomes NaN.
        let usable = |bandwidth: f64| bandwidth > 0.0 && (bandwidth * bandwidth).is_normal();
        if let Some(&bandwidth) = bandwidths.iter().find(|bandwidth| !usable(**bandwidth)) {
            return Err(Error::Bandwidth { bandwidth: Some(bandwidth) });
        }
        let mut values = vec![Vec::with_capacity(images.len()); bandwidths.len()];
        for rows in blocks(images.len(), BLOCK) {
            let squared = (distances.block(rows) / 255f64.powi(2)).clamp_min(0.0);
            for (&bandwidth, values) in bandwidths.iter().zip(&mut values) {
                let exponents = &squared * (-0.5 / (bandwidth * bandwidth));
                let sums = exponents.logsumexp([1i64].as_slice(), false);
                values.extend(Vec::<f64>::try_from(&sums)?);
            }
        }
        let n = images.len() as f64;
        let log_windows = (windows.len() as f64).ln();
        let log_likelihood = |(bandwidth, sums): (&f64, Vec<f64>)| {
            let d = images.width as f64;
            let volume = 0.5 * d * (std::f64::consts::TAU * bandwidth * bandwidth).ln();
            let mean = sums.iter().sum::<f64>() / n;
            let variance = sums.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            LogLikelihood {
                mean: mean - log_windows - volume,
                standard_error: (variance / n).sqrt(),
            }
        };
        Ok(bandwidths.iter().zip(values).map(log_likelihood).collect())
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let (test, training) = (&evaluation.reference.test, &evaluation.reference.training);
        let rows = validation_rows(training.len());
        let chosen: Vec<usize> = rows.clone().collect();
        let validation = training.images().select(&chosen).ok_or(Error::NoImages)?;
        let likelihood = |fake: &Images| {
            let (real, validation) = (Real(test.images()), Validation(&validation));
            parzen(real, validation, Fake(fake), &default_bandwidths())
        };
        let found = likelihood(evaluation.images)?;
        // A window at a validation image would favor small bandwidths.
        let count = evaluation.images.len();
        let value = evaluation.reference.reference_values("parzen", count, rows, |images| {
            Ok([likelihood(images)?.log_likelihood.mean])
        })?;
        let measurement = Measurement {
            error: Some(found.log_likelihood.standard_error),
            details: [(BANDWIDTH.to_owned(), vec![found.bandwidth])].into(),
            ..measured(found.log_likelihood.mean, value.map(|[mean]| mean))
        };
        Ok(vec![("parzen", measurement)])
    }

    /// The training images that select the bandwidth: 1,000 from the 50,000th on, as in the program
    /// of the 2014 paper; the last 1,000 of a smaller set.
    fn validation_rows(training: usize) -> std::ops::Range<usize> {
        let last = training.min(51_000);
        last.saturating_sub(1_000)..last
    }
}
