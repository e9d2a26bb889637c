//! `quality.jsonl`: one evaluation of generated images a row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rows::Row;

/// One evaluation of the generator at a step.
///
/// All numbers must be finite. A step may be evaluated more than once; the last row counts.
/// `gan_metrics::METRICS` lists the metrics with what they mean.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityRow {
    /// Steps that the generator was trained for.
    pub step: u64,
    /// Real images shown to D so far.
    pub images_seen: u64,
    /// Seconds of training until then, without this and earlier evaluations.
    pub seconds: f64,
    /// Seconds that this evaluation took.
    pub evaluation_seconds: f64,
    /// Generated images that were evaluated.
    pub samples: u64,
    /// Real images that they were compared with.
    pub test_images: u64,
    /// What was measured, by name: `fid`, `precision`, …
    pub metrics: BTreeMap<String, Measurement>,
}

/// One number of an evaluation. Parts that were not measured are left out of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The number itself.
    pub value: f64,
    /// The reference value: usually that of equally many training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<f64>,
    /// A standard deviation or standard error; the metric defines which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Further numbers by name, such as the share of each digit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Vec<f64>>,
}

impl QualityRow {
    /// The value of a metric, if it was measured.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).map(|metric| metric.value)
    }

    /// The reference value of a metric, if it was measured.
    pub fn reference(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).and_then(|metric| metric.reference)
    }
}

impl Row for QualityRow {
    fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut check = |name: String, numbers: &[f64]| {
            if !numbers.iter().all(|number| number.is_finite()) {
                wrong.push(name);
            }
        };
        check("seconds".to_owned(), &[self.seconds]);
        check("evaluation_seconds".to_owned(), &[self.evaluation_seconds]);
        for (name, metric) in &self.metrics {
            check(format!("metrics.{name}.value"), &[metric.value]);
            check(format!("metrics.{name}.reference"), metric.reference.as_slice());
            check(format!("metrics.{name}.error"), metric.error.as_slice());
            for (key, numbers) in &metric.details {
                check(format!("metrics.{name}.details.{key}"), numbers);
            }
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(format!("not a finite number: {}", wrong.join(", "))),
        }
    }
}
