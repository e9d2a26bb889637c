//! `cargo xtask bench`: prepares what `bench/bench.py` needs and starts it.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::registries::PYTHON;
use crate::wheels::VERSION;
use crate::workspace::Workspace;
use crate::{data, forger, libtorch, runs};

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                        everything except PyTorch, about 30 minutes on 2 cores
  cargo xtask bench --only steps,sampling  only these parts; the others keep their results
  cargo xtask bench --peers                PyTorch too: one more hour; installs PyTorch
  cargo xtask bench --quick                a short measurement, written to target/bench/quick.md

Run no other programs meanwhile. Measurements that are compared take turns (A B A B); ratios are
computed within each pair.";

/// Parts of the page that can be measured alone.
const PARTS: [&str; 7] = [
    "steps",
    "peak",
    "peers",
    "scaling",
    "operators",
    "sampling",
    "formats",
];

/// Measure the speed of everything; writes docs/benchmarks.md.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Measure each number once and briefly; leaves docs/benchmarks.md unchanged
    #[arg(long)]
    quick: bool,
    /// Compare with PyTorch too, installed in target/peers
    #[arg(long)]
    peers: bool,
    /// Parts to measure [default: all except peers]
    #[arg(long, value_name = "PARTS", value_parser = PARTS, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds per measurement [default: 5; with --quick: 0.3]
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Rounds; every measurement runs once per round [default: 5; with --quick: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pairs: Option<u16>,
    /// Threads [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Folder of the four IDX files [default: data/mnist, fetched if missing]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run directory to sample from [default: a new run of a few steps]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 600.0 => Ok(seconds),
        _ => Err("expected a number above 0 and up to 600".to_owned()),
    }
}

/// Fetches and builds what is missing, then becomes `bench/bench.py`.
pub fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let root = workspace.root();
    let mut python = Command::new(PYTHON);
    python.args(["-I", "-B"]).arg(root.join("bench/bench.py"));
    // Wrong paths are reported before the build.
    if let Some(dir) = &args.run {
        let run = runs::open(dir, "sample from", "a run's directory with --run")?;
        python.arg("--run").arg(std::path::absolute(run.root())?);
    }
    let data = match &args.data {
        Some(dir) => {
            data::check(dir)?;
            std::path::absolute(dir).with_context(|| format!("--data {}", dir.display()))?
        }
        None => {
            data::ensure(workspace, &workspace.data())?;
            workspace.data()
        }
    };
    libtorch::ensure(workspace, false)?;
    let scratch = root.join("target").join("bench");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("cannot create {}", scratch.display()))?;
    python.arg("--root").arg(root).arg("--data").arg(data);
    python
        .arg("--scratch")
        .arg(scratch)
        .arg("--cache")
        .arg(workspace.cache());
    python.arg("--forger").arg(forger::build(workspace)?);
    python.args(["--libtorch", VERSION]).args(options(args));
    forger::hand_over(&mut python)
}

/// The options that `bench.py` reads itself.
fn options(args: &Args) -> Vec<String> {
    let mut options = Vec::new();
    for (name, set) in [("--quick", args.quick), ("--peers", args.peers)] {
        options.extend(set.then(|| name.to_owned()));
    }
    if !args.only.is_empty() {
        options.push("--only".to_owned());
        options.extend(args.only.clone());
    }
    let numbers = [
        ("--seconds", args.seconds.map(|n| n.to_string())),
        ("--pairs", args.pairs.map(|n| n.to_string())),
        ("--threads", args.threads.map(|n| n.to_string())),
    ];
    for (name, value) in numbers {
        options.extend(value.into_iter().flat_map(|v| [name.to_owned(), v]));
    }
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command as Task};

    fn args(line: &[&str]) -> std::result::Result<Args, clap::Error> {
        let words = ["xtask", "bench"].iter().chain(line);
        Cli::try_parse_from(words).map(|cli| match cli.command {
            Task::Bench(args) => args,
            _ => panic!("not bench"),
        })
    }

    #[test]
    fn options_are_passed_on() {
        let passed = |line: &[&str]| options(&args(line).unwrap()).join(" ");
        assert_eq!(passed(&[]), "");
        assert_eq!(
            passed(&[
                "--only=peak,formats",
                "--quick",
                "--seconds=0.5",
                "--pairs=2"
            ]),
            "--quick --only peak formats --seconds 0.5 --pairs 2"
        );
        assert_eq!(
            passed(&["--peers", "--threads", "1"]),
            "--peers --threads 1"
        );
        for part in PARTS {
            assert_eq!(passed(&["--only", part]), format!("--only {part}"));
        }
    }

    #[test]
    fn rejects_impossible_options() {
        for line in [
            &["--only", "speed"][..],
            &["--pairs", "0"],
            &["--threads", "0"],
            &["--seconds", "x"],
            &["--seconds=0"],
            &["--seconds=-1"],
            &["--seconds=nan"],
        ] {
            assert!(args(line).is_err(), "{line:?}");
        }
    }

    /// The tests of `bench/*.py`.
    #[test]
    fn python_tests_pass() {
        let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench");
        let output = Command::new(PYTHON)
            .args(["-I", "-B", "-m", "unittest", "discover", "-s", bench])
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{messages}");
        assert!(
            messages.contains("\nOK") && !messages.contains("Ran 0"),
            "{messages}"
        );
    }
}
