//! Steps of every system in every precision, and their share of the peak.

use anyhow::Result;

use super::child::{Order, Steps};
use super::peak::{self, Peak};
use super::spread::{Spread, told};
use super::table::{Table, mebibytes, number, percent};
use super::{Bench, SYSTEMS};
use crate::progress::say;

/// All measurements, in order.
pub struct Found {
    pub peaks: Vec<Peak>,
    pub steps: Vec<Steps>,
}

/// Measures all of it in rounds, in each round everything once.
pub fn measure(bench: &Bench) -> Result<Found> {
    let mut found = Found {
        peaks: Vec::new(),
        steps: Vec::new(),
    };
    for round in 1..=bench.pairs {
        for system in SYSTEMS {
            for precision in bench.precisions() {
                if system == SYSTEMS[0] {
                    found.peaks.push(bench.peak(precision)?);
                }
                let steps = bench.steps(&Order {
                    system,
                    precision,
                    threads: bench.threads,
                    batch: None,
                    width: 1,
                })?;
                let ms = number(steps.ms_per_step);
                say(format_args!(
                    "{round} of {}: {system} in {precision}, {ms} ms a step",
                    bench.pairs
                ));
                found.steps.push(steps);
            }
        }
    }
    Ok(found)
}

impl Found {
    /// A row for each system and precision, and what bf16 gains.
    pub fn render(&self) -> String {
        let mut table = Table::new(&[
            "system",
            "batch",
            "images/s",
            "ms a step",
            "GFLOP a step",
            "GFLOP/s",
            "of the convolution",
            "of the matrix product",
            "peak memory",
        ]);
        let mut gains = Table::new(&["system", "bf16 by f32, images/s"]);
        let mut compared = false;
        for system in SYSTEMS {
            let of = |precision: &str| -> Vec<&Steps> {
                let steps = self.steps.iter();
                steps
                    .filter(|s| s.system == system && s.precision == precision)
                    .collect()
            };
            for precision in ["f32", "bf16"] {
                if let Some(row) = self.row(&of(precision), precision) {
                    table.row(&row);
                }
            }
            let rates = |precision| -> Vec<f64> {
                of(precision).iter().map(|s| s.images_per_second).collect()
            };
            if let Some(gain) = Spread::of_ratios(&rates("bf16"), &rates("f32")) {
                gains.row(&[system.to_owned(), gain.to_string()]);
                compared = true;
            }
        }
        let mut text = table.text();
        if compared {
            text.push_str(&format!("\n{}", gains.text()));
        }
        text.push_str(
            "\nEach from `forger bench steps --preset SYSTEM --precision P --threads T --seconds \
             S`.\n",
        );
        text
    }

    fn row(&self, steps: &[&Steps], precision: &str) -> Option<Vec<String>> {
        let first = steps.first()?;
        let each = |of: fn(&Steps) -> f64| steps.iter().map(|s| of(s)).collect::<Vec<f64>>();
        let ms = Spread::of(&each(|s| s.ms_per_step))?;
        let rate = each(|s| s.flops_per_step.unwrap_or(f64::NAN) / s.ms_per_step * 1e3);
        // The peak of the same round.
        let share = |peaks: Vec<f64>| {
            Spread::of_ratios(&rate, &peaks).map_or(f64::NAN, |share| share.median)
        };
        let flops = first.flops_per_step.unwrap_or(f64::NAN);
        let memory = steps.iter().filter_map(|s| s.peak_memory_bytes).max();
        Some(vec![
            format!("{} in {precision}", first.system),
            first.batch.to_string(),
            number(Spread::of(&each(|s| s.images_per_second))?.median),
            told(Some(ms)),
            number(flops / 1e9),
            number(Spread::of(&rate)?.median / 1e9),
            percent(share(peak::of(&self.peaks, precision, |p| p.convolution))),
            percent(share(peak::of(&self.peaks, precision, |p| {
                p.matrix_product
            }))),
            mebibytes(memory),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(system: &str, precision: &str, ms: f64) -> Steps {
        Steps {
            system: system.to_owned(),
            batch: 16,
            threads: 2,
            precision: precision.to_owned(),
            steps: 400,
            ms_per_step: ms,
            images_per_second: 16e3 / ms,
            warm_up_steps: 12,
            flops_per_step: Some(2e9),
            peak_memory_bytes: Some(300 << 20),
            torch: None,
        }
    }

    fn peak(precision: &str, convolution: f64) -> Peak {
        Peak {
            precision: precision.to_owned(),
            threads: 2,
            convolution_forward: 1.2 * convolution,
            convolution,
            matrix_product: 0.5 * convolution,
        }
    }

    #[test]
    fn a_share_is_of_the_peak_of_its_own_round_and_precision() {
        // The machine is half as fast in the second round.
        let found = Found {
            peaks: vec![
                peak("f32", 400e9),
                peak("bf16", 1000e9),
                peak("f32", 200e9),
                peak("bf16", 500e9),
            ],
            steps: vec![
                steps("modern", "f32", 10.0),
                steps("modern", "bf16", 5.0),
                steps("modern", "f32", 20.0),
                steps("modern", "bf16", 10.0),
            ],
        };
        let expected = "\
| system | batch | images/s | ms a step | GFLOP a step | GFLOP/s | of the convolution | of the matrix product | peak memory |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
| modern in f32 | 16 | 1,200 | 15.0 (10.0 to 20.0) | 2.00 | 150 | 50% | 100% | 300 MiB |
| modern in bf16 | 16 | 2,400 | 7.50 (5.00 to 10.0) | 2.00 | 300 | 40% | 80% | 300 MiB |

| system | bf16 by f32, images/s |
|---|---:|
| modern | 2.00 (2.00 to 2.00) |

Each from `forger bench steps --preset SYSTEM --precision P --threads T --seconds S`.
";
        assert_eq!(found.render(), expected);
        let expected = "\
| GFLOP/s | convolution | convolution and its gradients | matrix product |
|---|---:|---:|---:|
| bf16, threads: 2 | 900 (600 to 1,200) | 750 (500 to 1,000) | 375 (250 to 500) |
| f32, threads: 2 | 360 (240 to 480) | 300 (200 to 400) | 150 (100 to 200) |

Each from `forger bench peak --precision P --threads T --seconds S`.
";
        assert_eq!(peak::render(&found.peaks), expected);
    }
}
