//! The machine's peak: a convolution and a matrix product in each precision.

use std::process::Command;

use anyhow::Result;
use serde::Deserialize;

use super::Bench;
use super::child::last_line;
use super::spread::{Spread, told};
use super::table::Table;
use crate::progress::say;

/// What `forger bench peak` says, in floating-point operations a second.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Peak {
    pub precision: String,
    pub threads: u64,
    pub convolution_forward: f64,
    pub convolution: f64,
    pub matrix_product: f64,
}

impl Bench<'_> {
    /// The peak in a precision, measured once.
    pub fn peak(&self, precision: &str) -> Result<Peak> {
        let mut command = Command::new(&self.forger);
        command
            .args(["bench", "peak", "--device", "cpu"])
            .args(["--precision", precision])
            .args(["--threads", &self.threads.to_string()])
            .args(["--seconds", &self.seconds.to_string()]);
        Ok(last_line(&mut command)?.1)
    }
}

/// Every measurement, the precisions taking turns.
pub fn measure(bench: &Bench) -> Result<Vec<Peak>> {
    let mut peaks = Vec::new();
    for round in 1..=bench.pairs {
        say(format_args!("peak, {round} of {}", bench.pairs));
        for precision in bench.precisions() {
            peaks.push(bench.peak(precision)?);
        }
    }
    Ok(peaks)
}

/// One of the three of each peak in `precision`, in order.
pub fn of(peaks: &[Peak], precision: &str, which: impl Fn(&Peak) -> f64) -> Vec<f64> {
    let peaks = peaks.iter().filter(|peak| peak.precision == precision);
    peaks.map(which).collect()
}

/// A row for each precision and what it was measured with.
pub fn render(peaks: &[Peak]) -> String {
    let mut table = Table::new(&[
        "GFLOP/s",
        "convolution",
        "convolution and its gradients",
        "matrix product",
    ]);
    let mut seen: Vec<(&str, u64)> = peaks
        .iter()
        .map(|peak| (peak.precision.as_str(), peak.threads))
        .collect();
    seen.dedup();
    seen.sort_unstable();
    seen.dedup();
    for (precision, threads) in seen {
        let giga = |which: fn(&Peak) -> f64| {
            let each = of(peaks, precision, |peak| which(peak) / 1e9);
            told(Spread::of(&each))
        };
        table.row(&[
            format!("{precision}, threads: {threads}"),
            giga(|peak| peak.convolution_forward),
            giga(|peak| peak.convolution),
            giga(|peak| peak.matrix_product),
        ]);
    }
    format!(
        "{}\nEach from `forger bench peak --precision P --threads T --seconds S`.\n",
        table.text()
    )
}
