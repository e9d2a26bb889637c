//! The crates without libtorch: their benchmarks, which criterion runs, and what
//! it leaves of them.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Bench;
use super::table::{Table, number};
use crate::cargo::{cargo, succeeds};
use crate::error::user_error;

/// One benchmark as criterion measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    group: String,
    name: String,
    /// Median nanoseconds of one iteration, and the ends of its 95% confidence
    /// interval.
    nanoseconds: [f64; 3],
    /// Bytes that go in, where that is told.
    bytes: Option<u64>,
}

/// Runs the benchmarks and reads what they leave.
pub fn measure(bench: &Bench) -> Result<Vec<Benchmark>> {
    let home = bench.scratch.join("criterion");
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    let mut command = cargo(bench.workspace);
    command
        .env("CRITERION_HOME", &home)
        .stdout(Stdio::from(io::stderr()))
        // The profile that all else is built in, so that nothing is built anew.
        .args(["bench", "--profile", "dev"])
        .args(["-p", "mnist-io", "--bench", "idx"])
        .args(["-p", "gan-viz", "--bench", "pictures", "--", "--noplot"])
        .args(["--measurement-time", &bench.seconds.to_string()]);
    if bench.quick {
        command.args(["--warm-up-time", "0.1", "--sample-size", "10"]);
    }
    if !succeeds(&mut command)? {
        return Err(user_error(
            "the benchmarks failed; their messages are above",
            "run them by themselves with `cargo bench --profile dev -p mnist-io --bench idx`",
        ));
    }
    let mut found = Vec::new();
    collect(&home, &mut found)?;
    found.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    Ok(found)
}

/// Reads every `new/benchmark.json` below `dir`, and the estimates beside it.
fn collect(dir: &Path, found: &mut Vec<Benchmark>) -> Result<()> {
    let refused = || format!("cannot read {}", dir.display());
    for entry in fs::read_dir(dir).with_context(refused)? {
        let path = entry.with_context(refused)?.path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") {
            let read = |name: &str| {
                let path = path.join(name);
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
            };
            let benchmark = read_one(&read("benchmark.json")?, &read("estimates.json")?);
            found.push(benchmark.with_context(|| format!("in {}", path.display()))?);
        } else {
            collect(&path, found)?;
        }
    }
    Ok(())
}

fn read_one(benchmark: &str, estimates: &str) -> Result<Benchmark> {
    #[derive(Deserialize)]
    struct Id {
        group_id: String,
        function_id: Option<String>,
        throughput: Option<Throughput>,
    }
    #[derive(Deserialize)]
    struct Throughput {
        #[serde(rename = "Bytes")]
        bytes: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
        confidence_interval: Interval,
    }
    #[derive(Deserialize)]
    struct Interval {
        lower_bound: f64,
        upper_bound: f64,
    }
    let id: Id = serde_json::from_str(benchmark)?;
    let Estimates { median } = serde_json::from_str(estimates)?;
    let interval = median.confidence_interval;
    Ok(Benchmark {
        group: id.group_id,
        name: id.function_id.unwrap_or_default(),
        nanoseconds: [
            median.point_estimate,
            interval.lower_bound,
            interval.upper_bound,
        ],
        bytes: id.throughput.and_then(|throughput| throughput.bytes),
    })
}

/// A row for each benchmark, the groups one after the other.
pub fn render(found: &[Benchmark]) -> String {
    let mut table = Table::new(&["what", "ms, median (95% interval)", "GB/s"]);
    for benchmark in found {
        let [median, low, high] = benchmark.nanoseconds.map(|ns| number(ns / 1e6));
        let rate = benchmark
            .bytes
            .map_or(f64::NAN, |bytes| bytes as f64 / benchmark.nanoseconds[0]);
        table.row(&[
            format!("{}: {}", benchmark.group, benchmark.name),
            format!("{median} ({low} to {high})"),
            number(rate),
        ]);
    }
    format!(
        "{}\nFrom `cargo bench --profile dev -p mnist-io --bench idx` and `-p gan-viz --bench \
         pictures`.\n",
        table.text()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As criterion 0.8.2 writes them, shortened by what is not read.
    const ID: &str = r#"{"group_id":"idx","function_id":"read","value_str":null,
        "throughput":{"Bytes":47040016},"full_id":"idx/read","directory_name":"idx/read"}"#;
    const ESTIMATES: &str = r#"{"mean":{"point_estimate":1.0},"median":{"confidence_interval":
        {"confidence_level":0.95,"lower_bound":9000000.0,"upper_bound":9900000.0},
        "point_estimate":9408003.2,"standard_error":1.0}}"#;

    #[test]
    fn what_criterion_leaves_is_found_wherever_it_lies_and_told_in_a_table() {
        let dir = tempfile::tempdir().unwrap();
        for (place, id, estimates) in [
            ("idx/read/new", ID, ESTIMATES),
            ("idx/read/base", "older", "older"),
        ] {
            let place = dir.path().join(place);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("benchmark.json"), id).unwrap();
            fs::write(place.join("estimates.json"), estimates).unwrap();
        }
        let mut found = Vec::new();
        collect(dir.path(), &mut found).unwrap();
        let expected = "\
| what | ms, median (95% interval) | GB/s |
|---|---:|---:|
| idx: read | 9.41 (9.00 to 9.90) | 5.00 |
";
        assert!(render(&found).starts_with(expected), "{}", render(&found));
    }

    #[test]
    fn a_file_of_another_form_is_an_error_not_a_number() {
        assert!(read_one(ID, "{}").is_err() && read_one("{}", ESTIMATES).is_err());
        let without = ID.replace(r#"{"Bytes":47040016}"#, "null");
        assert_eq!(read_one(&without, ESTIMATES).unwrap().bytes, None);
    }
}
