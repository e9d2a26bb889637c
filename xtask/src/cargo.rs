//! Runs cargo in the workspace, with the environment of the user's shell.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::error::user_error;
use crate::libtorch;
use crate::programs;
use crate::workspace::Workspace;

/// A cargo command in the workspace's root.
///
/// Removes the variables that cargo set for xtask. Some build scripts watch them; with them, those
/// scripts would run again now and once more under the user's next cargo command.
pub fn cargo(workspace: &Workspace) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = programs::command(program, &workspace.root);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo) {
            command.env_remove(name);
        }
    }
    if libtorch::chosen_by_user(workspace).is_none() {
        command.env_remove("LIBTORCH");
    }
    command
}

fn is_set_by_cargo(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    const NAMES: [&str; 3] = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    PREFIXES.iter().any(|p| name.starts_with(p)) || NAMES.contains(&name)
}

/// Runs the command. Returns whether it succeeded, and its standard output.
pub fn output(command: &mut Command) -> Result<(bool, String)> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| cannot_run(command, &e))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.success(), text))
}

/// Runs a cargo command that cannot fail in a correct workspace, and returns its standard output.
pub fn stdout(command: &mut Command) -> Result<String> {
    let (succeeded, text) = output(command)?;
    if succeeded {
        return Ok(text);
    }
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    Err(user_error(
        format!("`cargo {}` failed; its messages are above", args.join(" ")),
        "correct the error that cargo reports, then run the same command again",
    ))
}

/// Runs the command, shows its output, and returns whether it succeeded.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().map_err(|e| cannot_run(command, &e))?;
    Ok(status.success())
}

fn cannot_run(command: &Command, error: &std::io::Error) -> anyhow::Error {
    user_error(
        format!("cannot run {}: {error}", command.get_program().display()),
        "install Rust with rustup, so that cargo is on the PATH",
    )
}
