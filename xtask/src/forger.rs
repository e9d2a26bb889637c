//! Builds `forger`, the program that trains, and hands over to it.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::cargo::{cargo, output};
use crate::error::user_error;
use crate::libtorch;
use crate::programs;
use crate::progress::eprint_line;
use crate::workspace::Workspace;

/// The binary of the package of this name.
const FORGER: &str = "forger";

/// Builds `forger` and replaces this program by it, with the arguments exactly as they
/// were typed. Returns the exit code where a program cannot be replaced.
pub fn build_and_run(workspace: &Workspace) -> Result<ExitCode> {
    libtorch::ensure(workspace, false, false)?;
    let mut forger = Command::new(build(workspace)?);
    forger.args(env::args_os().skip(1));
    // Its default paths are relative to the workspace, not to the current folder.
    forger.env(gan_cli::ROOT_VARIABLE, &workspace.root);
    programs::search_absolute_folders(&mut forger);
    hand_over(&mut forger)
}

/// Builds `forger` and returns its path.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    if built_before().is_none() {
        eprint_line("building forger, which trains; the first build takes 2 to 3 minutes");
    }
    // With --workspace, features are those of `cargo test --workspace`, so that
    // both share one build of torch-sys.
    let mut build = cargo(workspace);
    build.args(["build", "--workspace", "--bin", FORGER]);
    let (built, messages) = output(build.arg("--message-format=json-render-diagnostics"))?;
    if !built {
        let cxx = missing_cxx(workspace).map(|cxx| {
            format!("there is no {cxx}; install a C++ compiler (Debian, Ubuntu: apt install g++)")
        });
        let remedy = "correct the errors that they name, then run the same command again";
        return Err(user_error(
            "forger could not be built; cargo's messages are above",
            cxx.unwrap_or_else(|| remedy.to_owned()),
        ));
    }
    executable(&messages).context("cargo built forger but its messages hold no path to it")
}

/// The path of `forger` in cargo's messages, one JSON object per line.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_forger = message["target"]["name"] == FORGER;
        let path = message["executable"].as_str().filter(|_| is_forger)?;
        Some(PathBuf::from(path))
    })
}

/// The path of `forger` if an earlier call built it: cargo puts both programs into one
/// folder.
pub fn built_before() -> Option<PathBuf> {
    let name = format!("{FORGER}{}", env::consts::EXE_SUFFIX);
    let path = env::current_exe().ok()?.with_file_name(name);
    path.is_file().then_some(path)
}

/// The name of the C++ compiler if it cannot be run.
fn missing_cxx(workspace: &Workspace) -> Option<String> {
    let cxx = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let answer = programs::command(&cxx, &workspace.root).arg("--version").output();
    (answer.is_err() && !cfg!(windows)).then_some(cxx)
}

/// Replaces this process by the program, which then receives signals and sets the exit
/// code.
#[cfg(unix)]
pub fn hand_over(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run {}", command.get_program().display()))
}

/// Runs the program to its end. The console sends Ctrl-C to both processes.
#[cfg(not(unix))]
pub fn hand_over(command: &mut Command) -> Result<ExitCode> {
    // From here on, Ctrl-C ends only the child process.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Default::default());
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
    fn finds_the_path_of_forger_in_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"gan_trainer"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"forger"},"executable":"/t/debug/forger"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some("/t/debug/forger".into()));
        assert_eq!(executable("noise"), None);
    }
}
