//! `cargo xtask test`: everything that must pass before a change goes in.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

use crate::cargo::{cargo, output, succeeds};
use crate::fault::fault;
use crate::progress::say;
use crate::workspace::Workspace;
use crate::{data, libtorch};

/// One cargo command, and what must be in its environment.
struct Stage {
    name: &'static str,
    args: &'static [&'static str],
    env: Option<(&'static str, &'static str)>,
}

/// The quick ones first.
const STAGES: [Stage; 4] = [
    Stage {
        name: "format",
        args: &["fmt", "--all", "--check"],
        env: None,
    },
    Stage {
        name: "lints",
        args: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        env: None,
    },
    Stage {
        name: "documentation",
        args: &["doc", "--workspace", "--no-deps"],
        env: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
    Stage {
        name: "tests",
        args: &["test", "--workspace"],
        env: None,
    },
];

/// What needs a CUDA device.
const CUDA: Stage = Stage {
    name: "CUDA",
    args: &[
        "test",
        "--package",
        "gan-trainer",
        "--test",
        "trainer",
        "cuda",
        "--",
        "--ignored",
    ],
    env: None,
};

/// The crates that must build before libtorch is there.
const WITHOUT_LIBTORCH: [&str; 4] = ["mnist-io", "run-dir", "gan-viz", "xtask"];
/// A crate with libtorch, to see that the check can see.
const WITH_LIBTORCH: &str = "gan-trainer";

/// Runs all stages, up to the first that fails.
pub fn run(workspace: &Workspace) -> Result<()> {
    data::ensure(workspace, &workspace.paths().data(None))?;
    libtorch::ensure(workspace, false)?;
    let start = Instant::now();
    stage("invariants", || invariants(workspace))?;
    for s in &STAGES {
        stage(s.name, || s.run(workspace))?;
    }
    let skipped = match no_cuda(workspace)? {
        None => {
            stage(CUDA.name, || CUDA.run(workspace))?;
            String::new()
        }
        Some(reason) => format!(", {} skipped: {reason}", CUDA.name),
    };
    say(format_args!(
        "\nall stages passed in {:.0?}{skipped}",
        start.elapsed()
    ));
    Ok(())
}

/// Why the tests that need a CUDA device cannot run, where they cannot.
fn no_cuda(workspace: &Workspace) -> Result<Option<&'static str>> {
    if !libtorch::has_cuda(&libtorch::lib_in_use(workspace)?) {
        let why = "libtorch is one without CUDA; `cargo xtask fetch --cuda` gets the other";
        return Ok(Some(why));
    }
    let mut list = Command::new("nvidia-smi");
    list.arg("-L").stdout(Stdio::null()).stderr(Stdio::null());
    Ok(match list.status() {
        Ok(status) if status.success() => None,
        _ => Some("`nvidia-smi -L` lists no device"),
    })
}

fn stage(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    say(format_args!("\n== {name}"));
    let start = Instant::now();
    work()?;
    say(format_args!("== {name}: passed in {:.1?}", start.elapsed()));
    Ok(())
}

impl Stage {
    fn run(&self, workspace: &Workspace) -> Result<()> {
        let mut command = cargo(workspace);
        command.args(self.args).envs(self.env);
        match succeeds(&mut command)? {
            true => Ok(()),
            false => Err(fault(
                format!("the stage `{}` failed; its messages are above", self.name),
                format!("run it alone with `{}`", self.command_line()),
            )),
        }
    }

    /// What the user types to run it alone.
    fn command_line(&self) -> String {
        let env = self.env.map(|(name, value)| format!("{name}=\"{value}\" "));
        format!("{}cargo {}", env.unwrap_or_default(), self.args.join(" "))
    }
}

/// Those who must do without libtorch do not depend on it.
fn invariants(workspace: &Workspace) -> Result<()> {
    for package in WITHOUT_LIBTORCH {
        if depends_on_tch(workspace, package)? {
            return Err(fault(
                format!("{package} must build before libtorch is there, but depends on tch"),
                format!("see how with `cargo tree --target all -i tch -p {package}`"),
            ));
        }
        say(format_args!("{package} does not depend on tch"));
    }
    if !depends_on_tch(workspace, WITH_LIBTORCH)? {
        return Err(fault(
            format!("{WITH_LIBTORCH} depends on tch, but this check does not see it"),
            "correct the check in xtask/src/test.rs",
        ));
    }
    Ok(())
}

fn depends_on_tch(workspace: &Workspace, package: &str) -> Result<bool> {
    let mut command = cargo(workspace);
    command
        .args(["tree", "--target", "all", "--prefix", "none"])
        .args(["--package", package]);
    let (listed, tree) = output(&mut command)?;
    if !listed {
        return Err(fault(
            format!("cargo could not list what {package} depends on; its messages are above"),
            "correct what they name, then run the same command again",
        ));
    }
    Ok(tree.lines().any(|line| line.starts_with("tch ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_rerun_alone_with_its_environment() {
        let lines: Vec<_> = STAGES.iter().map(Stage::command_line).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert_eq!(
            lines[2],
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps"
        );
    }
}
