//! How the cost of `modern` grows with the batch, the width and the threads.

use anyhow::Result;

use super::Bench;
use super::child::{Order, Steps};
use super::spread::{Spread, told};
use super::table::{Table, mebibytes, number};
use crate::progress::say;

const SYSTEM: &str = "modern";

/// One size, measured with each number of threads in turn.
pub struct Size {
    batch: u64,
    width: u64,
    /// For each number of threads, its measurements in order.
    steps: Vec<Vec<Steps>>,
}

/// Measures batches at the usual width, then widths at a batch between.
pub fn measure(bench: &Bench) -> Result<Vec<Size>> {
    let batches: &[u64] = if bench.quick {
        &[16, 256]
    } else {
        &[16, 64, 256, 1024]
    };
    let widths: &[u64] = if bench.quick { &[2] } else { &[2, 4] };
    let sizes = batches
        .iter()
        .map(|batch| (*batch, 1))
        .chain(widths.iter().map(|width| (64, *width)));
    sizes
        .map(|(batch, width)| {
            let mut steps = vec![Vec::new(); bench.thread_counts().len()];
            for _ in 0..bench.pairs {
                for (threads, steps) in bench.thread_counts().into_iter().zip(&mut steps) {
                    steps.push(bench.steps(&Order {
                        system: SYSTEM,
                        precision: bench.precision(),
                        threads,
                        batch: Some(batch),
                        width,
                    })?);
                }
            }
            let size = Size {
                batch,
                width,
                steps,
            };
            say(format_args!(
                "batch {batch}, width ×{width}: {}",
                size.summary()
            ));
            Ok(size)
        })
        .collect()
}

impl Size {
    fn summary(&self) -> String {
        let told: Vec<String> = self
            .steps
            .iter()
            .filter_map(|steps| {
                let ms = Spread::of(&each(steps, |s| s.ms_per_step))?.median;
                Some(format!(
                    "{} ms (threads: {})",
                    number(ms),
                    steps.first()?.threads
                ))
            })
            .collect();
        told.join(", ")
    }
}

fn each(steps: &[Steps], of: fn(&Steps) -> f64) -> Vec<f64> {
    steps.iter().map(of).collect()
}

/// A row for each size and number of threads.
pub fn render(sizes: &[Size]) -> String {
    let mut table = Table::new(&[
        "batch and width",
        "threads",
        "ms a step",
        "images/s",
        "images/s by those of 1 thread",
        "peak memory",
    ]);
    for size in sizes {
        let single = size.steps.first().map_or(&[][..], Vec::as_slice);
        for steps in &size.steps {
            let Some(first) = steps.first() else { continue };
            let rates = each(steps, |s| s.images_per_second);
            let gain = Spread::of_ratios(&rates, &each(single, |s| s.images_per_second));
            let rate = Spread::of(&rates).map_or(f64::NAN, |rate| rate.median);
            table.row(&[
                format!("{}, ×{}", size.batch, size.width),
                first.threads.to_string(),
                told(Spread::of(&each(steps, |s| s.ms_per_step))),
                number(rate),
                // Of one thread by itself there is nothing to tell.
                told(gain.filter(|_| first.threads > 1)),
                mebibytes(steps.iter().filter_map(|s| s.peak_memory_bytes).max()),
            ]);
        }
    }
    format!(
        "{}\nEach from `forger bench steps --preset {SYSTEM} --batch N --width N --threads T`.\n",
        table.text()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(threads: u64, ms: f64) -> Steps {
        Steps {
            system: SYSTEM.to_owned(),
            batch: 64,
            threads,
            precision: "bf16".to_owned(),
            steps: 100,
            ms_per_step: ms,
            images_per_second: 64e3 / ms,
            warm_up_steps: 12,
            flops_per_step: None,
            peak_memory_bytes: None,
            torch: None,
        }
    }

    #[test]
    fn threads_are_compared_with_one_thread_pair_by_pair() {
        let size = Size {
            batch: 64,
            width: 2,
            steps: vec![
                vec![steps(1, 40.0), steps(1, 80.0)],
                vec![steps(2, 25.0), steps(2, 50.0)],
            ],
        };
        let expected = "\
| batch and width | threads | ms a step | images/s | images/s by those of 1 thread | peak memory |
|---|---:|---:|---:|---:|---:|
| 64, ×2 | 1 | 60.0 (40.0 to 80.0) | 1,200 | – | – |
| 64, ×2 | 2 | 37.5 (25.0 to 50.0) | 1,920 | 1.60 (1.60 to 1.60) | – |
";
        assert!(render(&[size]).starts_with(expected));
    }
}
