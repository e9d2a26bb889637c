//! The stage of `cargo xtask test` that opens reports in a browser and operates them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context, Result};
use gan_viz::report::{self, State};
use run_dir::RunDir;

use crate::cargo::{cargo, succeeds};
use crate::error::user_error;
use crate::forger;
use crate::programs;
use crate::progress::eprint_line;
use crate::workspace::Workspace;

/// The names of the browser's program.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The npm program.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// What the tests run, besides the scripts of the page.
const FILES: [&str; 5] =
    ["package.json", "package-lock.json", "report.test.mjs", "walk.mjs", "digits.json"];

/// Runs whose reports are tested: a name, and options of `forger train`.
const RUNS: [(&str, &str); 3] = [
    ("modern", "--preset modern --steps 60 --snapshot-every 20 --set evaluate_every=30"),
    ("conditional", "--preset modern --conditional --steps 30 --snapshot-every 15"),
    ("gaussian", "--preset gaussian --steps 200 --snapshot-every 20"),
];

/// Why the stage cannot run; `None` if it can.
pub fn missing_program(workspace: &Workspace) -> Option<String> {
    for program in ["node", NPM] {
        let mut version = programs::command(program, &workspace.root);
        if version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            return Some(format!("there is no {program} (Debian, Ubuntu: apt install nodejs npm)"));
        }
    }
    match browser() {
        Some(_) => None,
        None => Some("there is no Chromium (Debian, Ubuntu: apt install chromium)".to_owned()),
    }
}

/// The program of the variable `CHROMIUM`, or the first of [`BROWSERS`] in `PATH`.
fn browser() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    // Relative folders stand for folders below the current one.
    let folders: Vec<PathBuf> = env::split_paths(&folders).filter(|f| f.is_absolute()).collect();
    let files =
        BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files.into_iter().find(|file| file.is_file())
}

/// Checks the scripts, trains short runs, and operates their reports.
pub fn run(workspace: &Workspace) -> Result<()> {
    let source = workspace.root.join("crates/viz");
    let folder = workspace.root.join("target/browser");
    let reports = folder.join("reports");
    thread::scope(|scope| {
        // Training waits for the processor, npm for the network.
        let written = scope.spawn(|| write_reports(workspace, &reports));
        install(&source.join("browser"), &folder)?;
        check_scripts(&source, &folder)?;
        joined(written)
    })?;
    let mut tests = programs::command("node", &folder);
    tests.args(["--test", "--test-concurrency=1", "report.test.mjs"]);
    tests.env("REPORTS", &reports).env("CHROMIUM", browser().unwrap_or_default());
    must_succeed(&mut tests, "the tests in the browser")?;
    let mut classify = cargo(workspace);
    classify.args(["test", "--workspace", "--test", "forger", "in_the_page", "--", "--ignored"]);
    classify.env("DRAWN", reports.join("drawn.json"));
    must_succeed(&mut classify, "the tests with libtorch")
}

/// Copies the tests into `folder` and installs what they import.
fn install(source: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = folder.join("node_modules/.installed");
    let wanted = fs::read(source.join("package-lock.json")).unwrap_or_default();
    for file in FILES {
        let (from, to) = (source.join(file), folder.join(file));
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    if fs::read(&lock).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut npm = programs::command(NPM, folder);
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    must_succeed(&mut npm, "npm")?;
    fs::write(&lock, wanted).with_context(|| format!("cannot write {}", lock.display()))
}

/// Checks the syntax and the format of the page's files and of the tests.
fn check_scripts(source: &Path, folder: &Path) -> Result<()> {
    for script in [
        "report/networks.js",
        "report/report.js",
        "browser/report.test.mjs",
        "browser/run-network.cjs",
    ] {
        let mut check = programs::command("node", folder);
        must_succeed(check.arg("--check").arg(source.join(script)), "node --check")?;
    }
    let mut format = programs::command("node", folder);
    format.arg(folder.join("node_modules/prettier/bin/prettier.cjs"));
    format.arg("--check");
    for file in ["report/*.js", "report/*.css", "browser/*.{cjs,mjs}"] {
        format.arg(source.join(file));
    }
    must_succeed(&mut format, "prettier; it writes the files with --write in place of --check")
}

/// Trains [`RUNS`] and writes the pages that the tests open.
fn write_reports(workspace: &Workspace, reports: &Path) -> Result<()> {
    if reports.exists() {
        fs::remove_dir_all(reports)
            .with_context(|| format!("cannot remove {}", reports.display()))?;
    }
    // The tests before this stage build it, with the features of all packages together.
    let program = forger::built_before().map_or_else(|| forger::build(workspace), Ok)?;
    let train = |(name, options): (&str, &str)| -> Result<RunDir> {
        let root = reports.join("runs").join(name);
        let mut train = programs::command(&program, &workspace.root);
        train.arg("train").args(options.split(' ')).args(["--threads", "1", "--run"]).arg(&root);
        train.arg("--runs").arg(reports.join("runs"));
        train.env(gan_cli::ROOT_VARIABLE, &workspace.root);
        train.stdout(Stdio::null());
        must_succeed(&mut train, "forger train")?;
        let run = RunDir::open(&root)?;
        let page = reports.join(format!("{name}.html"));
        fs::copy(run.report_path(), &page)
            .with_context(|| format!("cannot copy {}", run.report_path().display()))?;
        Ok(run)
    };
    let train = &train;
    let runs: Vec<RunDir> = thread::scope(|scope| {
        let trained = RUNS.map(|run| scope.spawn(move || train(run)));
        trained.into_iter().map(joined).collect::<Result<_>>()
    })?;
    let training = report::html(&runs[0], State::Training)?;
    let path = reports.join("training.html");
    fs::write(&path, training).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(report::write_comparison(&runs, &reports.join("compare.html"))?)
}

/// The result of a thread.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn must_succeed(command: &mut Command, what: &str) -> Result<()> {
    if succeeds(command)? {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let line: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    eprint_line(format_args!("failed: {program} {}", line.join(" ")));
    Err(user_error(
        format!("{what} failed; the messages are above"),
        "correct the error, then run `cargo xtask test` again",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "trains short runs and needs Chromium; `cargo xtask test` does the same"]
    fn reports_work_in_a_browser() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(missing_program(&workspace), None);
        run(&workspace).unwrap();
    }
}
