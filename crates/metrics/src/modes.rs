//! The classes that a classifier predicts for the samples: their shares and its confidence.

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["modes"],
    needs: Needs::Logits,
    min_samples: 1,
    in_quality_curve: true,
    values: &[
        Value {
            name: "digits_kl",
            title: "classes' KL",
            decimals: 3,
            explanation: "divergence of the classes' shares from equal shares, in nats; 0 is even",
        },
        Value {
            name: "confidence",
            title: "confidence",
            decimals: 3,
            explanation: "mean confidence of the classifier in the class that it predicts, at most 1",
        },
        Value {
            name: "requested_digit",
            title: "requested class",
            decimals: 3,
            explanation: "share of the samples that show the requested class, for conditional networks",
        },
    ],
    remark: Some(remark),
    #[cfg(feature = "libtorch")]
    measure,
};

/// Name of a detail of `digits_kl`: the share of the samples of each class.
pub const CLASS_SHARES: &str = "shares";

/// Name of a detail of `digits_kl`: the share of the test images of each class.
pub const TEST_CLASS_SHARES: &str = "test_shares";

fn remark(row: &QualityRow) -> Option<String> {
    let shares = row.metrics.get("digits_kl")?.details.get(CLASS_SHARES)?;
    let percent: Vec<String> = shares.iter().map(|s| format!("{:.1}", s * 100.0)).collect();
    let last = percent.len().checked_sub(1)?;
    Some(format!("shares of the classes 0 to {last} in percent: {}", percent.join(" ")))
}

#[cfg(feature = "libtorch")]
mod computation {
    use run_dir::Measurement;

    use crate::support::error::at_least;
    use crate::support::evaluation::{Evaluation, Measurements, measured};
    use crate::{CLASS_SHARES, Error, Fake, Features, Result, TEST_CLASS_SHARES};

    /// The classifier's predictions on fake images.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Modes {
        /// The share of fake images that show each class; they sum to 1.
        pub shares: Vec<f64>,
        /// Kullback–Leibler divergence of the shares from equal shares, in nats: 0 if all classes
        /// are equally frequent, ln 10 = 2.30 if only one of ten occurs.
        pub kl_to_uniform: f64,
        /// Mean probability of the predicted class: of ten, from 0.1 to 1.
        pub mean_confidence: f64,
    }

    /// Counts the classifier's predictions, from its logits `[n, classes]`. The confidence of a
    /// prediction is its softmax probability.
    ///
    /// # Errors
    /// [`Error::Predictions`] unless there are 2 to 256 logits for each image;
    /// [`Error::TooFew`] without images.
    pub fn modes(logits: Fake<'_>) -> Result<Modes> {
        let Fake(logits) = logits;
        let predictions = predictions(logits)?;
        at_least(1, logits.len(), "the count of modes", "fake images")?;
        let n = logits.len() as f64;
        let mut counts = vec![0usize; logits.width()];
        let mut confidence = 0.0;
        for (row, class) in logits.rows().zip(predictions) {
            let class = usize::from(class);
            counts[class] += 1;
            let largest = f64::from(row[class]);
            let relative = row.iter().map(|&v| (f64::from(v) - largest).exp());
            confidence += 1.0 / relative.sum::<f64>();
        }
        let shares: Vec<f64> = counts.into_iter().map(|count| count as f64 / n).collect();
        // p ln(p / (1/k)); a share of 0 adds nothing.
        let k = logits.width() as f64;
        let term = |&p: &f64| if p > 0.0 { p * (p * k).ln() } else { 0.0 };
        Ok(Modes {
            // Rounding may make the sum of equal shares slightly negative.
            kl_to_uniform: shares.iter().map(term).sum::<f64>().max(0.0),
            shares,
            mean_confidence: confidence / n,
        })
    }

    /// The class with the largest logit in each row of logits `[n, classes]`; among equal logits
    /// the smallest class.
    ///
    /// # Errors
    /// [`Error::Predictions`] unless there are 2 to 256 logits for each image.
    pub fn predictions(logits: &Features) -> Result<Vec<u8>> {
        if !(2..=256).contains(&logits.width()) {
            return Err(Error::Predictions { width: logits.width() });
        }
        let largest = |row: &[f32]| {
            let mut best = (0u8, f32::NEG_INFINITY);
            for (class, &logit) in (0u8..=u8::MAX).zip(row) {
                if logit > best.1 {
                    best = (class, logit);
                }
            }
            best.0
        };
        Ok(logits.rows().map(largest).collect())
    }

    /// The share of `predictions` that equal `labels`, from 0 to 1; 0 without predictions.
    pub fn agreement(predictions: &[u8], labels: &[u8]) -> f64 {
        let equal = predictions.iter().zip(labels).filter(|(a, b)| a == b);
        equal.count() as f64 / predictions.len().max(1) as f64
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let logits = &evaluation.classified()?.logits;
        let found = modes(Fake(logits))?;
        let test = modes(Fake(&evaluation.reference.classified_test()?.logits))?;
        let classes = Measurement {
            details: [
                (CLASS_SHARES.to_owned(), found.shares),
                (TEST_CLASS_SHARES.to_owned(), test.shares),
            ]
            .into(),
            ..measured(found.kl_to_uniform, Some(test.kl_to_uniform))
        };
        let confidence = measured(found.mean_confidence, Some(test.mean_confidence));
        let mut values = vec![("digits_kl", classes), ("confidence", confidence)];
        if let Some(requested) = evaluation.requested_classes()? {
            let share = agreement(&predictions(logits)?, requested);
            values.push(("requested_digit", measured(share, None)));
        }
        Ok(values)
    }
}
