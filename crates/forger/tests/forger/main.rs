//! The program `forger`, run as a user would.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;
mod classes;
mod evaluate;
mod export;
mod import;
mod refusals;
mod report;
#[cfg(unix)]
mod resume;
mod sample;
#[cfg(unix)]
mod terminal;
mod threads;
mod train;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mnist_io::{Dataset, Idx, IdxData, Images, Split};

/// A folder of four IDX files with a few bars to learn.
fn data(dir: &Path) {
    bars(dir, 3, 60);
}

/// The same with bars as thick as `width` says, and so many images to train on.
fn bars(dir: &Path, width: usize, training: usize) {
    fs::create_dir_all(dir).unwrap();
    for (split, n) in [("train", training), ("t10k", 10)] {
        let lit = |i: usize| (i % 28).abs_diff(i / 784 % 28) < width;
        // No test image is a training image.
        let ink = if split == "train" { 255 } else { 254 };
        let pixels = (0..n * 784).map(|i| if lit(i) { ink } else { 0 });
        let images = Images::new(28, 28, pixels.collect()).unwrap();
        images.write_file(&dir.join(format!("{split}-images-idx3-ubyte"))).unwrap();
        let labels = (0..n).map(|i| i as u8 % 10).collect();
        let labels = Idx::new(vec![n], IdxData::U8(labels)).unwrap();
        labels.write_file(&dir.join(format!("{split}-labels-idx1-ubyte"))).unwrap();
    }
}

/// The first digits of each of MNIST's sets, from where `cargo xtask fetch` puts it or
/// from the folder that the variable `MNIST` names.
fn digits(dir: &Path, count: usize) {
    fs::create_dir_all(dir).unwrap();
    let mnist = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    for (split, name) in [(Split::Train, "train"), (Split::Test, "t10k")] {
        let all = Dataset::open(&mnist, split)
            .unwrap_or_else(|e| panic!("{e}; `cargo xtask fetch` puts MNIST there"));
        let first: Vec<usize> = (0..count).collect();
        let images = all.images().select(&first).unwrap();
        let labels = all.labels()[..count].to_vec();
        let labels = Idx::new(vec![count], IdxData::U8(labels)).unwrap();
        let path = |kind| dir.join(format!("{name}-{kind}-ubyte"));
        images.write_file(&path("images-idx3")).unwrap();
        labels.write_file(&path("labels-idx1")).unwrap();
    }
}

/// The program with a line of options, in the folder `dir`.
fn command(dir: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forger"));
    command.args(line.split_whitespace()).current_dir(dir).env_remove("LD_LIBRARY_PATH");
    command
}

fn forger(dir: &Path, line: &str) -> Output {
    command(dir, line).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the program printed.
#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Expects one error that holds `hint`, and no panic.
#[track_caller]
fn refuses(output: &Output, hint: &str) {
    let message = text(&output.stderr);
    assert!(!output.status.success(), "accepted, with {hint:?} to refuse");
    assert!(message.contains(hint), "no {hint:?} in {message}");
    assert!(!message.contains("panicked"), "{message}");
}

/// Waits until there is a file `path`.
#[cfg(unix)]
#[track_caller]
fn appears(path: &Path) {
    let since = std::time::Instant::now();
    while !path.exists() {
        let patient = since.elapsed().as_secs() < 60;
        assert!(patient, "no {}", path.display());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}
