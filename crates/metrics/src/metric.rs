//! The description of a metric of `evaluate`, and the function that measures it.

use run_dir::QualityRow;

#[cfg(feature = "libtorch")]
use crate::support::evaluation::{Evaluation, Measurements};

/// Samples in a full evaluation and in every published table.
pub const FULL_SAMPLES: u64 = 10_000;

/// Number of samples in one point of the quality curve: about a second on 2 cores. FID and its
/// reference value are larger than with [`FULL_SAMPLES`].
pub const QUICK_SAMPLES: u64 = 2_500;

/// A metric of `evaluate`, measured as one; it may have several values.
#[derive(Debug)]
pub struct Metric {
    /// Its names in `--metrics`; the first is the usual one.
    pub names: &'static [&'static str],
    /// The input that it is computed from.
    pub needs: Needs,
    /// The least number of samples.
    pub min_samples: usize,
    /// Whether the quality curve of a run has it.
    pub in_quality_curve: bool,
    /// Its values, in the order of the table.
    pub values: &'static [Value],
    /// A remark on its values, given all values of the evaluation.
    pub remark: Option<fn(&QualityRow) -> Option<String>>,
    /// Measures the values that are known for these samples, by name.
    #[cfg(feature = "libtorch")]
    pub(crate) measure: fn(&Evaluation<'_>) -> crate::Result<Measurements>,
}

/// One number of a metric.
#[derive(Debug)]
pub struct Value {
    /// Its name in `quality.jsonl` and in the JSON of `evaluate`.
    pub name: &'static str,
    /// Its title in tables.
    pub title: &'static str,
    /// Digits after the decimal point in tables.
    pub decimals: usize,
    /// Its meaning, in one line.
    pub explanation: &'static str,
}

/// The input that a metric is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Features of the classifier, `[n, 128]`.
    Features,
    /// Logits of the classifier, `[n, classes]`.
    Logits,
    /// Pixels, `[n, 28, 28]`.
    Pixels,
    /// Features of InceptionV3, `[n, 2048]`.
    Inception,
}

impl Metric {
    /// The usual name.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}
