//! Which digits were forged, how evenly, and how clearly, by a classifier's verdict.

use crate::{Error, Fake, Features, Result};

/// Digits that a classifier tells apart.
pub const DIGITS: usize = 10;

/// What a classifier says of fake.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modes {
    /// The share of fake that show each digit; they sum to 1.
    pub shares: [f64; DIGITS],
    /// Kullback–Leibler divergence of the shares to equal shares, in nats: 0
    /// where all digits come equally often, ln 10 = 2.30 where one comes alone.
    pub kl_to_uniform: f64,
    /// How sure the classifier is of its predictions, in the mean: from 0.1 to 1.
    pub mean_confidence: f64,
}

impl Modes {
    /// The number of digits that were forged at all.
    pub fn found(&self) -> usize {
        self.shares.iter().filter(|&&share| share > 0.0).count()
    }
}

/// Counts the classifier's predictions, from its logits `[n, 10]`. The verdict is the
/// digit with the largest logit, of several the smallest digit; confidence is
/// its share in the softmax.
///
/// # Errors
/// [`Error::Predictions`] unless there are 10 logits to an image;
/// [`Error::TooFew`] without fake.
pub fn modes(logits: Fake<'_>) -> Result<Modes> {
    let Fake(logits) = logits;
    let predictions = predictions(logits)?;
    logits.at_least(1, "the count of modes", "fake")?;
    let n = logits.len() as f64;
    let mut counts = [0usize; DIGITS];
    let mut confidence = 0.0;
    for (row, digit) in logits.rows().zip(predictions) {
        let digit = usize::from(digit);
        counts[digit] += 1;
        let largest = f64::from(row[digit]);
        confidence += 1.0
            / row
                .iter()
                .map(|&v| (f64::from(v) - largest).exp())
                .sum::<f64>();
    }
    let shares = counts.map(|count| count as f64 / n);
    Ok(Modes {
        shares,
        kl_to_uniform: kl_to_uniform(&shares),
        mean_confidence: confidence / n,
    })
}

/// The digit that each row of logits `[n, 10]` is largest at.
///
/// # Errors
/// [`Error::Predictions`] unless there are 10 logits to an image.
pub fn predictions(logits: &Features) -> Result<Vec<u8>> {
    if logits.width() != DIGITS {
        return Err(Error::Predictions {
            width: logits.width(),
        });
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

/// Σ p ln(p / (1/K)) over K shares p, in nats; a share of 0 adds nothing.
pub(crate) fn kl_to_uniform(shares: &[f64]) -> f64 {
    let k = shares.len() as f64;
    let term = |&p: &f64| if p > 0.0 { p * (p * k).ln() } else { 0.0 };
    // Rounding may leave equal shares a hair below 0.
    shares.iter().map(term).sum::<f64>().max(0.0)
}
