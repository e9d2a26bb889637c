//! The digits that a classifier predicts for the samples: their shares and its confidence.

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
