//! The list of all metrics of `evaluate`.

use std::fmt::Write;

#[cfg(feature = "libtorch")]
use crate::computation::{
    density, duplicates, fid, inception, kid, modes, novelty, parzen, precision,
};
use crate::metric::{Metric, Needs, Value};
use crate::remarks;

/// Every metric, in the order of tables.
pub static METRICS: &[Metric] = &[
    Metric {
        names: &["fid"],
        needs: Needs::Features,
        min_samples: 2,
        in_quality_curve: true,
        values: &[Value {
            name: "fid",
            title: "FID (classifier)",
            decimals: 2,
            explanation: "distance between the features of samples and test images; 0 is best",
        }],
        remark: None,
        #[cfg(feature = "libtorch")]
        measure: fid::measure,
    },
    Metric {
        names: &["kid"],
        needs: Needs::Features,
        min_samples: 1000,
        in_quality_curve: false,
        values: &[Value {
            name: "kid",
            title: "KID (classifier)",
            decimals: 3,
            explanation: "kernel distance between the features of real and fake images; about 0 is best",
        }],
        remark: None,
        #[cfg(feature = "libtorch")]
        measure: kid::measure,
    },
    Metric {
        names: &["precision", "recall"],
        needs: Needs::Features,
        min_samples: 4,
        in_quality_curve: true,
        values: &[
            Value {
                name: "precision",
                title: "precision",
                decimals: 3,
                explanation: "share of the samples that lie within the range of the test images",
            },
            Value {
                name: "recall",
                title: "recall",
                decimals: 3,
                explanation: "share of the test images that lie within the range of the samples",
            },
        ],
        remark: Some(remarks::precision_remark),
        #[cfg(feature = "libtorch")]
        measure: precision::measure,
    },
    Metric {
        names: &["density", "coverage"],
        needs: Needs::Features,
        min_samples: 1,
        in_quality_curve: false,
        values: &[
            Value {
                name: "density",
                title: "density",
                decimals: 3,
                explanation: "how densely test images lie around a sample; unusual images matter less than for precision",
            },
            Value {
                name: "coverage",
                title: "coverage",
                decimals: 3,
                explanation: "share of the test images with a sample nearby",
            },
        ],
        remark: Some(remarks::precision_remark),
        #[cfg(feature = "libtorch")]
        measure: density::measure,
    },
    Metric {
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
        remark: Some(remarks::shares_remark),
        #[cfg(feature = "libtorch")]
        measure: modes::measure,
    },
    Metric {
        names: &["novelty"],
        needs: Needs::Features,
        min_samples: 20,
        in_quality_curve: false,
        values: &[Value {
            name: "novelty",
            title: "novelty C_T",
            decimals: 2,
            explanation: "distance to training images compared with new digits; far below 0: copies",
        }],
        remark: Some(remarks::novelty_remark),
        #[cfg(feature = "libtorch")]
        measure: novelty::measure,
    },
    Metric {
        names: &["duplicates"],
        needs: Needs::Pixels,
        min_samples: 1,
        in_quality_curve: false,
        values: &[Value {
            name: "duplicates",
            title: "near-duplicates",
            decimals: 0,
            explanation: "samples closer to a training image than the closest 0.1% of test images",
        }],
        remark: Some(remarks::duplicates_remark),
        #[cfg(feature = "libtorch")]
        measure: duplicates::measure,
    },
    Metric {
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
        remark: Some(remarks::parzen_remark),
        #[cfg(feature = "libtorch")]
        measure: parzen::measure,
    },
    Metric {
        names: &["inception"],
        needs: Needs::Inception,
        min_samples: 2,
        in_quality_curve: false,
        values: &[Value {
            name: "inception_fid",
            title: "FID (Inception)",
            decimals: 2,
            explanation: "the FID of published tables, which compare 10,000 samples",
        }],
        remark: None,
        #[cfg(feature = "libtorch")]
        measure: inception::measure,
    },
];

/// A name that no metric has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no metric {name:?}; the metrics are {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownMetric {
    /// The name.
    pub name: String,
}

/// The metrics in a list of names such as `fid,recall`, in the order of [`METRICS`], each
/// once. Upper and lower case are the same.
///
/// # Errors
/// The first name that no metric has.
pub fn parse_list(list: &str) -> Result<Vec<&'static Metric>, UnknownMetric> {
    let wanted: Vec<String> = list.split(',').map(|n| n.trim().to_lowercase()).collect();
    if let Some(name) = wanted.iter().find(|n| names().all(|known| known != *n)) {
        return Err(UnknownMetric { name: name.clone() });
    }
    let named = |metric: &&Metric| metric.names.iter().any(|n| wanted.iter().any(|w| w == n));
    Ok(METRICS.iter().filter(named).collect())
}

/// The names that [`parse_list`] takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().flat_map(|metric| metric.names).copied()
}

/// Every value with its explanation, a line each, for help texts.
pub fn help() -> String {
    let mut text = String::new();
    for metric in METRICS {
        for value in metric.values {
            let known = metric.names.iter().find(|name| **name == value.name);
            let name = known.copied().unwrap_or(metric.name());
            let _ = writeln!(text, "  {name:<11}{}: {}", value.title, value.explanation);
        }
    }
    text
}
