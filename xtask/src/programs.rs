//! Starts other programs without running code from the current folder, which may not be trusted.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// A command that runs in `dir`, a folder of this workspace: programs read settings and code from
/// the folder that they run in.
pub fn command(program: impl AsRef<OsStr>, dir: &Path) -> Command {
    let mut command = Command::new(program);
    search_absolute_folders(command.current_dir(dir));
    command
}

/// A command for the interpreter `python` that runs in `dir`.
///
/// From version 3.11 on, `-m` and `-c` do not search `dir` either. Python's isolated mode (`-I`)
/// would hide a pip or PyTorch that the user installed with `pip install --user`, and the variables
/// of the user.
pub fn python(python: &str, dir: &Path) -> Command {
    let mut command = command(python, dir);
    command.env("PYTHONSAFEPATH", "1");
    command
}

/// Removes relative and empty entries from the search paths of programs and libraries: they stand
/// for the current folder or a folder below it.
pub fn search_absolute_folders(command: &mut Command) {
    for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        let Some(value) = env::var_os(name) else {
            continue;
        };
        let (absolute, others): (Vec<_>, Vec<_>) =
            env::split_paths(&value).partition(|folder| folder.is_absolute());
        if others.is_empty() {
            continue;
        }
        match env::join_paths(absolute) {
            Ok(value) if !value.is_empty() => command.env(name, value),
            _ => command.env_remove(name),
        };
    }
}
