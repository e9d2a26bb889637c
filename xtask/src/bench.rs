//! `cargo xtask bench`: prepares what `bench/bench.py` needs and starts it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use gan_cli::bench::BenchArgs;
use mnist_io::known::MNIST;

use crate::packages::PYTHON;
use crate::wheels::VERSION;
use crate::workspace::Workspace;
use crate::{child, data, forger, libtorch, runs};

/// Fetches and builds what is missing, then becomes `bench/bench.py`.
pub fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    let root = &workspace.root;
    let mut python = child::python(PYTHON, root);
    python.args(["-I", "-B"]).arg(root.join("bench/bench.py"));
    // Wrong paths are reported before the build.
    if let Some(dir) = &args.run {
        let run = runs::open(dir, "sample from", "the folder of a run with --run")?;
        python.arg("--run").arg(std::path::absolute(run.root())?);
    }
    let data = data::find(workspace, &MNIST, args.data.as_deref())?;
    let data = std::path::absolute(&data).with_context(|| format!("--data {}", data.display()))?;
    libtorch::ensure(workspace, false, false)?;
    let scratch = root.join("target").join("bench");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("cannot create {}", scratch.display()))?;
    for (option, path) in [
        ("--root", root.clone()),
        ("--data", data),
        ("--scratch", scratch),
        ("--cache", workspace.paths().cache(None)),
        ("--forger", forger::build(workspace)?),
    ] {
        python.arg(option).arg(path);
    }
    python.args(["--libtorch", VERSION]).args(options(args));
    forger::hand_over(&mut python)
}

/// The options that `bench.py` reads itself.
fn options(args: &BenchArgs) -> Vec<String> {
    let mut options = Vec::new();
    options.extend(args.quick.then(|| "--quick".to_owned()));
    options.extend(args.peers.then(|| "--peers".to_owned()));
    if !args.only.is_empty() {
        options.push("--only".to_owned());
        options.extend(args.only.iter().map(|part| part.name().to_owned()));
    }
    for (name, value) in [
        ("--seconds", args.seconds.map(|n| n.to_string())),
        ("--pairs", args.pairs.map(|n| n.to_string())),
        ("--threads", args.threads.map(|n| n.to_string())),
    ] {
        options.extend(value.into_iter().flat_map(|v| [name.to_owned(), v]));
    }
    options
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum};
    use gan_cli::bench::Part;
    use gan_cli::{Cli, Command as Task};

    use super::*;

    fn args(line: &[&str]) -> std::result::Result<BenchArgs, clap::Error> {
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
            passed(&["--only=peak,formats", "--quick", "--seconds=0.5", "--pairs=2"]),
            "--quick --only peak formats --seconds 0.5 --pairs 2"
        );
        assert_eq!(passed(&["--peers", "--threads", "1"]), "--peers --threads 1");
        for part in Part::value_variants().iter().map(|part| part.name()) {
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
        let output = std::process::Command::new(PYTHON)
            .args(["-I", "-B", "-m", "unittest", "discover", "-s", bench])
            .output()
            .unwrap();
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{messages}");
        assert!(messages.contains("\nOK") && !messages.contains("Ran 0"), "{messages}");
    }
}
