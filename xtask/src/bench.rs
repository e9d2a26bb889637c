//! `cargo xtask bench`: prepares what `bench/bench.py` needs and starts it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use gan_cli::bench::BenchArgs;
use mnist_io::known::MNIST;

use crate::packages::PYTHON;
use crate::wheels::VERSION;
use crate::workspace::Workspace;
use crate::{data, forger, libtorch, open_run, programs};

/// Fetches and builds what is missing, then becomes `bench/bench.py`.
pub fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    let root = &workspace.root;
    let mut python = programs::python(PYTHON, root);
    python.args(["-I", "-B"]).arg(root.join("bench/bench.py"));
    // The last value of an option counts, so absolute paths replace those that were given.
    python.args(std::env::args_os().skip(2));
    // Wrong paths are reported before the build.
    if let Some(dir) = &args.run {
        let run = open_run::open(dir, "sample from", "the folder of a run with --run")?;
        python.arg("--run").arg(std::path::absolute(run.root())?);
    }
    let data = data::check_or_fetch(workspace, &MNIST, args.data.as_deref())?;
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
    python.args(["--libtorch", VERSION]);
    forger::hand_over(&mut python)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
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
