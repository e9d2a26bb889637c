//! The examples, which `cargo test` builds beside the tests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::process::{Command, Stdio};

#[test]
fn the_list_of_figures_ends_quietly_if_its_pipe_is_closed() {
    let (_dir, run) = common::runs::run(4, 28, 28, &[0, 20]);
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().unwrap().with_file_name("examples").join("figures");
    let example = example.with_extension(std::env::consts::EXE_EXTENSION);
    assert!(example.is_file(), "run `cargo test -p gan-viz`, which builds {}", example.display());
    let mut child = Command::new(example)
        .arg(run.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
