//! The digits that the classifier predicts. The reference values are those of the test images.

use run_dir::Measurement;

use crate::metric::{Metric, Needs, Value};
#[cfg(feature = "libtorch")]
use crate::{
    Evaluation, Fake, Measurements, Result,
    evaluation::measured,
    modes::{agreement, modes, predictions},
};

pub(super) const METRIC: Metric = Metric {
    names: &["modes"],
    needs: Needs::Logits,
    curve: true,
    values: &[
        Value {
            name: "digits_kl",
            title: "digits' KL",
            decimals: 3,
            explanation: "divergence of the digits' shares from equal shares, in nats; 0 is even",
            remark: Some(shares),
        },
        Value {
            name: "confidence",
            title: "confidence",
            decimals: 3,
            explanation: "mean confidence of the classifier in the digit that it predicts, 0.1 to 1",
            remark: None,
        },
        Value {
            name: "requested_digit",
            title: "requested digit",
            decimals: 3,
            explanation: "share of the samples that show the requested digit, for conditional networks",
            remark: None,
        },
    ],
    #[cfg(feature = "libtorch")]
    measure,
};

fn shares(digits: &Measurement, _samples: u64) -> String {
    let shares = digits.details.get(SHARES).into_iter().flatten();
    let percent: Vec<String> = shares.map(|s| format!("{:.1}", s * 100.0)).collect();
    format!("shares of the digits 0 to 9 in percent: {}", percent.join(" "))
}

/// Share of the samples of each digit.
const SHARES: &str = "shares";

/// Share of the test images of each digit.
#[cfg(feature = "libtorch")]
const TEST_SHARES: &str = "test_shares";

#[cfg(feature = "libtorch")]
fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
    let logits = evaluation.logits()?;
    let found = modes(Fake(logits))?;
    let test = evaluation.reference.test_modes()?;
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
