//! `cargo xtask test`: every check that a change must pass.

use std::process::Stdio;
use std::time::Instant;

use anyhow::Result;
use mnist_io::known::MNIST;

use crate::cargo::{cargo, stdout, succeeds};
use crate::error::user_error;
use crate::progress::eprint_line;
use crate::workspace::Workspace;
use crate::{browser, data, libtorch, programs, reliability_page};

/// A cargo command.
struct Stage {
    name: &'static str,
    /// Arguments, separated by spaces.
    args: &'static str,
    env: Option<(&'static str, &'static str)>,
}

/// The quick ones first.
const STAGES: [Stage; 4] = [
    Stage::new("format", "fmt --all --check"),
    Stage::new("lints", "clippy --workspace --all-targets -- -D warnings"),
    Stage {
        env: Some(("RUSTDOCFLAGS", "-D warnings")),
        ..Stage::new("documentation", "doc --workspace --no-deps")
    },
    Stage::new("tests", "test --workspace"),
];

/// The tests that need a CUDA device.
const CUDA: Stage =
    Stage::new("CUDA", "test --package gan-trainer --test trainer cuda -- --ignored");

/// The name of the stage that operates reports in a browser.
const BROWSER: &str = "report in a browser";

/// Runs the stages until one fails.
pub fn run(workspace: &Workspace) -> Result<()> {
    data::check_or_fetch(workspace, &MNIST, None)?;
    libtorch::ensure(workspace, false, false)?;
    let start = Instant::now();
    timed("invariants", || check_invariants(workspace))?;
    for stage in &STAGES {
        timed(stage.name, || stage.run(workspace))?;
    }
    timed("promises", || reliability_page::check(workspace))?;
    let mut skipped = String::new();
    match why_no_cuda(workspace)? {
        None => timed(CUDA.name, || CUDA.run(workspace))?,
        Some(reason) => skipped += &format!(", {} skipped: {reason}", CUDA.name),
    }
    match browser::missing_program(workspace) {
        None => timed(BROWSER, || browser::run(workspace))?,
        // A run of the workflow must not skip this stage unnoticed.
        Some(reason) if std::env::var_os("CI").is_some() => {
            return Err(user_error(
                format!("the stage `{BROWSER}` cannot run: {reason}"),
                "install it, then run the same command again",
            ));
        }
        Some(reason) => skipped += &format!(", {BROWSER} skipped: {reason}"),
    }
    let elapsed = start.elapsed();
    eprint_line(format_args!("\nall stages passed in {elapsed:.0?}{skipped}"));
    Ok(())
}

fn timed(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    eprint_line(format_args!("\n== {name}"));
    let start = Instant::now();
    work()?;
    eprint_line(format_args!("== {name}: passed in {:.1?}", start.elapsed()));
    Ok(())
}

/// Why the tests that need a CUDA device cannot run; `None` if they can.
fn why_no_cuda(workspace: &Workspace) -> Result<Option<&'static str>> {
    if !libtorch::has_cuda(&libtorch::lib_in_use(workspace)?) {
        let reason = "this libtorch has no CUDA; `cargo xtask fetch --cuda` fetches one with CUDA";
        return Ok(Some(reason));
    }
    let mut list = programs::command("nvidia-smi", &workspace.root);
    list.arg("-L").stdout(Stdio::null()).stderr(Stdio::null());
    Ok(match list.status() {
        Ok(status) if status.success() => None,
        _ => Some("`nvidia-smi -L` lists no device"),
    })
}

impl Stage {
    const fn new(name: &'static str, args: &'static str) -> Stage {
        let env = None;
        Stage { name, args, env }
    }

    fn run(&self, workspace: &Workspace) -> Result<()> {
        let mut command = cargo(workspace);
        command.args(self.args.split(' ')).envs(self.env);
        if succeeds(&mut command)? {
            return Ok(());
        }
        Err(user_error(
            format!("the stage `{}` failed; its messages are above", self.name),
            format!("run it alone with `{}`", self.command_line()),
        ))
    }

    /// The command that runs this stage alone.
    fn command_line(&self) -> String {
        let env = self.env.map(|(name, value)| format!("{name}=\"{value}\" "));
        format!("{}cargo {}", env.unwrap_or_default(), self.args)
    }
}

/// Checks that the `default-members` in `Cargo.toml`, which must build before libtorch is there, do
/// not depend on `tch`.
fn check_invariants(workspace: &Workspace) -> Result<()> {
    if depends_on_tch(workspace, "")? {
        return Err(user_error(
            "the default members must build before libtorch is there, but depend on tch",
            "find out why with `cargo tree --target all -i tch`",
        ));
    }
    eprint_line("the default members do not depend on tch");
    // Test the check itself: gan-trainer must depend on tch.
    let with_libtorch = "--package gan-trainer";
    if !depends_on_tch(workspace, with_libtorch)? {
        return Err(user_error(
            format!("this check does not find that `{with_libtorch}` depends on tch"),
            "correct the check in xtask/src/test.rs",
        ));
    }
    Ok(())
}

fn depends_on_tch(workspace: &Workspace, selection: &str) -> Result<bool> {
    let mut command = cargo(workspace);
    command
        .args(["tree", "--target", "all", "--prefix", "none"])
        .args(selection.split_whitespace());
    Ok(stdout(&mut command)?.lines().any(|line| line.starts_with("tch ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_of_a_stage_includes_its_environment() {
        let lines: Vec<_> = STAGES.iter().map(Stage::command_line).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert_eq!(lines[2], "RUSTDOCFLAGS=\"-D warnings\" cargo doc --workspace --no-deps");
    }
}
