//! Signals, terminals and help: what the caller of the program decides.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{appears, bars, command, data, forger, refuses, signal, succeeds, text};

/// A run in `dir` that trains for minutes, started by a shell after `before`.
fn training(dir: &Path, before: &str) -> Child {
    data(&dir.join("data"));
    let train = "train --data data --batch 8 --seconds 600 --threads 1 --run run";
    let child = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" {train}"), env!("CARGO_BIN_EXE_forger")])
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    appears(&dir.join("run/samples/000020.idx3"));
    child
}

/// As `nohup` ignores SIGHUP, and a shell SIGINT for a job in the background.
#[test]
fn signals_that_the_caller_ignores_stay_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut child = training(dir, "trap '' HUP INT;");
    for name in ["-HUP", "-INT"] {
        signal(&child, name);
        signal(&child, name);
    }
    let more = dir.join("run/samples/000100.idx3");
    appears(&more);
    assert!(child.try_wait().unwrap().is_none(), "a signal ended it");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn an_abort_for_want_of_memory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let child = training(dir.path(), "");
    signal(&child, "-ABRT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("error: out of memory") && told.contains("--batch"), "{told}");
}

/// The layers of a step with 6,000 images need more than 4 GB.
#[cfg(target_os = "linux")]
#[test]
fn a_step_that_needs_too_much_memory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    bars(&dir.path().join("data"), 3, 6000);
    let line = "bench steps --preset modern --precision f32 --width 4 --batch 6000 --seconds 0.1 \
                --threads 1 --data data";
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v 4000000; exec \"$0\" {line}")])
        .arg(env!("CARGO_BIN_EXE_forger"))
        .current_dir(dir.path())
        .output()
        .unwrap();
    refuses(&output, "out of memory; a smaller --batch");
    assert_eq!(output.status.code(), Some(1));
}

/// Ten million images do not fit into memory. They are written while they are generated.
#[test]
fn an_interrupted_sample_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let train = "train --data data --preset golbin --set train_images=0 --batch 8 --steps 2";
    succeeds(&forger(dir, &format!("{train} --threads 1 --run run")));
    fs::create_dir(dir.join("out")).unwrap();
    let sample = "sample --run run --count 10000000 --out out/x.idx3 --threads 1";
    let child = command(dir, sample).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let files = || fs::read_dir(dir.join("out")).unwrap().map(|e| e.unwrap().path());
    let since = std::time::Instant::now();
    // The first images are on the disk.
    while !files().any(|file| file.metadata().is_ok_and(|m| m.len() > 1_000_000)) {
        assert!(since.elapsed().as_secs() < 60, "nothing is written");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no file was written"));
    assert_eq!(files().count(), 0);
}

#[test]
fn escape_characters_of_files_and_names_do_not_reach_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    succeeds(&forger(dir, "train --preset gaussian --steps 2 --threads 1"));
    let config = dir.join("runs/latest/config.toml");
    let right = fs::read_to_string(&config).unwrap();
    fs::write(&config, right.replace("\"gaussian\"", "\"\\u001B[2Jgone\"")).unwrap();
    fs::remove_file(dir.join("runs/latest/checksums.jsonl")).unwrap();
    for line in ["sample", "evaluate", "sample --run no\u{1b}[2Jrun"] {
        let output = forger(dir, line);
        assert!(!output.status.success(), "{line}");
        let told = text(&output.stderr);
        assert!(!told.contains('\u{1b}'), "{line}: {told:?}");
        assert!(told.contains("\\u001b[2J"), "{line}: {told:?}");
    }
}

#[test]
fn help_names_the_program_that_was_typed() {
    let dir = tempfile::tempdir().unwrap();
    for line in ["train --help", "sample --help", "evaluate -h"] {
        let name = line.split(' ').next().unwrap();
        let typed = succeeds(&forger(dir.path(), line));
        assert!(typed.contains(&format!("Usage: forger {name}")), "{typed}");
        assert!(!typed.contains("cargo xtask"), "{typed}");
        let mut started = command(dir.path(), line);
        let started = succeeds(&started.env("FORGER_ROOT", dir.path()).output().unwrap());
        assert!(started.contains(&format!("Usage: cargo xtask {name}")), "{started}");
        assert!(!started.contains("forger"), "{started}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_printed_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for line in ["--help", "train --help", "--version", "train --list"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command(dir.path(), line).stdout(full).output().unwrap();
        refuses(&output, "cannot write to standard output");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// Ten samples in half-block characters, with escape sequences that the terminal understands.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_can_show_them_gets_ten_digits_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    for (columns, term, no_color, side) in [
        (120, "xterm", "", 12),
        (60, "xterm", "", 6),
        (59, "xterm", "", 0),
        (120, "dumb", "", 0),
        (120, "xterm", "1", 0),
    ] {
        let line = format!(
            "stty cols {columns} rows 40; {} train --data data --steps 2 --batch 8 --threads 1",
            env!("CARGO_BIN_EXE_forger")
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(dir.path()).stdin(Stdio::null());
        let output = script.env("TERM", term).env("NO_COLOR", no_color).output().unwrap();
        let told = succeeds(&output);
        let rows: Vec<&str> = told.lines().filter(|line| line.contains('▀')).collect();
        assert_eq!(rows.len(), side / 2, "{columns} columns, {term}, {no_color:?}: {told:?}");
        for row in rows {
            assert_eq!(row.matches('▀').count(), 10 * side, "{row:?}");
            assert_eq!(row.matches("\u{1b}[38;5;").count(), 10 * side, "{row:?}");
            assert!(!row.contains("u001b"), "{row:?}");
        }
    }
    let piped = succeeds(&forger(dir.path(), "train --data data --steps 2 --batch 8 --threads 1"));
    assert!(!piped.contains('▀'), "{piped}");
}

/// `script` runs the program on a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_cannot_draw_over_a_line_gets_plain_lines() {
    let dir = tempfile::tempdir().unwrap();
    let train = "train --preset gaussian --steps 30 --threads 1 --run";
    for (term, drawn) in [("dumb", false), ("xterm", true)] {
        let line = format!("{} {train} {term}", env!("CARGO_BIN_EXE_forger"));
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(dir.path())
            .env("TERM", term)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = succeeds(&output);
        assert_eq!(told.contains('\u{1b}'), drawn, "{term}: {told:?}");
        assert!(told.contains("trained 30 steps"), "{told}");
    }
}
