//! The digits that a classifier predicts for the samples: their shares and its confidence.

use run_dir::QualityRow;

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["modes"],
    needs: Needs::Logits,
    least: 1,
    curve: true,
    values: &[
        Value {
            name: "digits_kl",
            title: "digits' KL",
            decimals: 3,
            explanation: "divergence of the digits' shares from equal shares, in nats; 0 is even",
        },
        Value {
            name: "confidence",
            title: "confidence",
            decimals: 3,
            explanation: "mean confidence of the classifier in the digit that it predicts, 0.1 to 1",
        },
        Value {
            name: "requested_digit",
            title: "requested digit",
            decimals: 3,
            explanation: "share of the samples that show the requested digit, for conditional networks",
        },
    ],
    remark: Some(shares),
    #[cfg(feature = "libtorch")]
    measure,
};

fn shares(row: &QualityRow) -> Option<String> {
    let shares = row.metrics.get("digits_kl")?.details.get(SHARES)?;
    let percent: Vec<String> = shares.iter().map(|s| format!("{:.1}", s * 100.0)).collect();
    Some(format!("shares of the digits 0 to 9 in percent: {}", percent.join(" ")))
}

/// Share of the samples of each digit.
const SHARES: &str = "shares";

/// Share of the test images of each digit.
#[cfg(feature = "libtorch")]
const TEST_SHARES: &str = "test_shares";

#[cfg(feature = "libtorch")]
mod computation {
    use run_dir::Measurement;

    use super::{SHARES, TEST_SHARES};
    use crate::evaluation::{Evaluation, Measurements, measured};
    use crate::{Error, Fake, Features, Result};

    /// Classes of the classifier.
    pub const DIGITS: usize = 10;

    /// The classifier's predictions on fake images.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Modes {
        /// The share of fake images that show each digit; they sum to 1.
        pub shares: [f64; DIGITS],
        /// Kullback–Leibler divergence of the shares from equal shares, in nats: 0 if all digits
        /// are equally frequent, ln 10 = 2.30 if only one occurs.
        pub kl_to_uniform: f64,
        /// Mean probability of the predicted digit: from 0.1 to 1.
        pub mean_confidence: f64,
    }

    impl Modes {
        /// The number of digits that occur.
        pub fn found(&self) -> usize {
            self.shares.iter().filter(|&&share| share > 0.0).count()
        }
    }

    /// Counts the classifier's predictions, from its logits `[n, 10]`. The confidence of a
    /// prediction is its softmax probability.
    ///
    /// # Errors
    /// [`Error::Predictions`] unless there are 10 logits for each image;
    /// [`Error::TooFew`] without images.
    pub fn modes(logits: Fake<'_>) -> Result<Modes> {
        let Fake(logits) = logits;
        let predictions = predictions(logits)?;
        logits.at_least(1, "the count of modes", "fake images")?;
        let n = logits.len() as f64;
        let mut counts = [0usize; DIGITS];
        let mut confidence = 0.0;
        for (row, digit) in logits.rows().zip(predictions) {
            let digit = usize::from(digit);
            counts[digit] += 1;
            let largest = f64::from(row[digit]);
            let relative = row.iter().map(|&v| (f64::from(v) - largest).exp());
            confidence += 1.0 / relative.sum::<f64>();
        }
        let shares = counts.map(|count| count as f64 / n);
        // p ln(p / (1/10)); a share of 0 adds nothing.
        let k = DIGITS as f64;
        let term = |&p: &f64| if p > 0.0 { p * (p * k).ln() } else { 0.0 };
        Ok(Modes {
            shares,
            // Rounding may make the sum of equal shares slightly negative.
            kl_to_uniform: shares.iter().map(term).sum::<f64>().max(0.0),
            mean_confidence: confidence / n,
        })
    }

    /// The digit with the largest logit in each row of logits `[n, 10]`; among equal logits the
    /// smallest digit.
    ///
    /// # Errors
    /// [`Error::Predictions`] unless there are 10 logits for each image.
    pub fn predictions(logits: &Features) -> Result<Vec<u8>> {
        if logits.width() != DIGITS {
            return Err(Error::Predictions { width: logits.width() });
        }
        let largest = |row: &[f32]| {
            let mut best = (0u8, f32::NEG_INFINITY);
            for (digit, &logit) in (0u8..).zip(row) {
                if logit > best.1 {
                    best = (digit, logit);
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

    pub(super) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let logits = &evaluation.classified()?.logits;
        let found = modes(Fake(logits))?;
        let test = modes(Fake(&evaluation.reference.classified_test()?.logits))?;
        let digits = Measurement {
            details: [
                (SHARES.to_owned(), found.shares.to_vec()),
                (TEST_SHARES.to_owned(), test.shares.to_vec()),
            ]
            .into(),
            ..measured(found.kl_to_uniform, Some(test.kl_to_uniform))
        };
        let confidence = measured(found.mean_confidence, Some(test.mean_confidence));
        let mut values = vec![("digits_kl", digits), ("confidence", confidence)];
        if let Some(requested) = evaluation.requested_digits()? {
            let share = agreement(&predictions(logits)?, requested);
            values.push(("requested_digit", measured(share, None)));
        }
        Ok(values)
    }
}
