//! Runs cargo inside the workspace as if the user had typed it.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::fault::fault;
use crate::libtorch;
use crate::workspace::Workspace;

/// Cargo, to be run in the workspace's root.
///
/// `cargo xtask` itself runs under cargo, which sets variables for it. Build
/// scripts that watch those would run again under this cargo and once more
/// under the user's next one, so they are taken away.
pub fn cargo(workspace: &Workspace) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace.root());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(set_for_this_package) {
            command.env_remove(name);
        }
    }
    if libtorch::chosen_by_user(workspace).is_none() {
        command.env_remove("LIBTORCH");
    }
    command
}

/// What the command prints on standard output; its standard error is shown.
pub fn output(command: &mut Command) -> Result<(bool, String)> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| cannot_run(command, &e))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.success(), text))
}

/// Whether the command, shown as it runs, succeeds.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().map_err(|e| cannot_run(command, &e))?;
    Ok(status.success())
}

fn cannot_run(command: &Command, error: &std::io::Error) -> anyhow::Error {
    fault(
        format!("cannot run {}: {error}", command.get_program().display()),
        "install Rust with rustup, so that cargo is on the PATH",
    )
}

fn set_for_this_package(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    const NAMES: [&str; 3] = ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];
    PREFIXES.iter().any(|p| name.starts_with(p)) || NAMES.contains(&name)
}
