//! The trainer's own program: built where it is not, then handed over to.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::cargo::{cargo, output};
use crate::error::user_error;
use crate::progress::say;
use crate::workspace::Workspace;
use crate::{Cli, libtorch};

/// The binary of the package of this name.
const FORGER: &str = "forger";

/// Builds the trainer and becomes it; returns its exit code.
pub fn build_and_run(
    workspace: &Workspace,
    subcommand: &str,
    options: Vec<OsString>,
) -> Result<ExitCode> {
    libtorch::ensure(workspace, false)?;
    let program = build(workspace)?;
    hand_over(Command::new(program).arg(subcommand).args(options))
}

/// The trainer's own help if it is built, the summary of it here if not.
pub fn help(subcommand: &str) -> Result<ExitCode> {
    match built_before() {
        Some(program) => hand_over(Command::new(program).args([subcommand, "--help"])),
        None => {
            let mut cli = Cli::command();
            cli.build();
            if let Some(command) = cli.find_subcommand_mut(subcommand) {
                command.print_help()?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Builds the trainer and returns where cargo put it.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    if built_before().is_none() {
        say("building the trainer; the first time takes 2 to 3 minutes");
    }
    // With --workspace, features are those of `cargo test --workspace`, so that
    // both share one build of torch-sys.
    let (built, messages) = output(cargo(workspace).args([
        "build",
        "--workspace",
        "--bin",
        FORGER,
        "--message-format=json-render-diagnostics",
    ]))?;
    if !built {
        return Err(user_error(
            "the trainer could not be built; cargo's messages are above",
            match cxx_is_missing() {
                Some(cxx) => format!(
                    "there is no {cxx}; install a C++ compiler (Debian, Ubuntu: apt install g++)"
                ),
                None => "correct what they name, then run the same command again".to_owned(),
            },
        ));
    }
    executable(&messages).context("cargo built the trainer but does not say where it is")
}

/// The path in cargo's messages, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_forger = message["target"]["name"] == FORGER;
        let path = message["executable"].as_str().filter(|_| is_forger)?;
        Some(PathBuf::from(path))
    })
}

/// The trainer beside this program, where cargo puts both.
fn built_before() -> Option<PathBuf> {
    let name = format!("{FORGER}{}", env::consts::EXE_SUFFIX);
    let path = env::current_exe().ok()?.with_file_name(name);
    path.is_file().then_some(path)
}

/// The name of the C++ compiler if it cannot be run.
fn cxx_is_missing() -> Option<String> {
    let cxx = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let answer = Command::new(&cxx).arg("--version").output();
    (answer.is_err() && !cfg!(windows)).then_some(cxx)
}

/// Becomes the program, so that signals and the exit code are its own.
#[cfg(unix)]
pub fn hand_over(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    let name = command.get_program().display();
    Err(error).with_context(|| format!("cannot run {name}"))
}

/// Runs the program to its end. Ctrl-C reaches it without our help.
#[cfg(not(unix))]
pub fn hand_over(command: &mut Command) -> Result<ExitCode> {
    crate::interrupt::leave_to_child();
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let code = status.code().and_then(|c| u8::try_from(c).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"gan_trainer"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"forger"},"executable":"/t/debug/forger"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some("/t/debug/forger".into()));
        assert_eq!(executable("noise"), None);
    }
}
