//! The table that `forger evaluate` prints: every value, its reference value and error, and
//! what it means.

use std::fmt::Write;

use gan_metrics::METRICS;
use gan_viz::thousands;
use run_dir::QualityRow;

/// `title` names the samples, `against` the folder of the test images. `resized_from` holds
/// rows and columns of the samples before they were resized.
pub fn table(
    title: &str,
    against: &str,
    resized_from: Option<(usize, usize)>,
    row: &QualityRow,
) -> String {
    let mut text = format!(
        "{} samples of {title}\ncompared with {} test images of {against}\n",
        thousands(row.samples),
        thousands(row.test_images),
    );
    if let Some((rows, cols)) = resized_from {
        let _ = writeln!(text, "resized from {rows}x{cols} to 28x28 first");
    }
    let _ = writeln!(text, "\n{:<18}{:>11}{:>11}{:>11}", "", "samples", "reference", "error");
    for metric in METRICS {
        let values = metric.values.iter();
        let known: Vec<_> =
            values.filter_map(|value| Some((value, row.metrics.get(value.name)?))).collect();
        for &(value, measured) in &known {
            let digits = value.decimals;
            let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.digits$}"));
            let found = number(Some(measured.value));
            let reference = number(measured.reference);
            let error = measured.error.map_or(String::new(), |e| format!("± {e:.digits$}"));
            let line = format!("{:<18}{found:>11}{reference:>11}{error:>11}", value.title);
            let _ = writeln!(text, "{}\n    {}", line.trim_end(), value.explanation);
        }
        if let Some(remark) = metric.remark.filter(|_| !known.is_empty()).and_then(|r| r(row)) {
            let _ = writeln!(text, "    {remark}");
        }
    }
    text.push_str("\nreference: the value for equally many real images\n");
    text
}
