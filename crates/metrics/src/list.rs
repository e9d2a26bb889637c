//! The list of all metrics of `evaluate`.

use std::fmt::Write;

use crate::metric::Metric;
use crate::{density, duplicates, fid, inception, kid, modes, novelty, parzen, precision};

/// Every metric, in the order of tables.
pub static METRICS: &[Metric] = &[
    fid::METRIC,
    kid::METRIC,
    precision::METRIC,
    density::METRIC,
    modes::METRIC,
    novelty::METRIC,
    duplicates::METRIC,
    parzen::METRIC,
    inception::METRIC,
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
