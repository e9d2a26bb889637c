//! Every promise in `docs/reliability.md` names tests that exist.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    // The section on fuzzing makes no promises.
    let (page, _) = page.split_once("\n## Fuzzing\n").unwrap();
    let mut sections = Vec::new();
    for row in page.lines() {
        if let Some(title) = row.strip_prefix("## ") {
            sections.push((title, 0));
        }
        if !row.starts_with("| ") {
            continue;
        }
        let (_, kept_by) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        if kept_by == "kept by" {
            continue;
        }
        let mut source = String::new();
        let mut tests = 0;
        // Backquotes enclose a source file, then the names of tests in it.
        for word in kept_by.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                source = fs::read_to_string(root.join(word)).unwrap();
            } else if word.contains('_') && !word.contains(' ') && word != "run_dir" {
                assert!(source.contains(&format!("fn {word}(")), "no {word}: {row}");
                tests += 1;
            }
        }
        assert!(tests > 0, "no test checks this promise: {row}");
        sections.last_mut().unwrap().1 += 1;
    }
    for (title, promises) in sections {
        assert_eq!(promises > 0, title != "Dependencies", "{title} has {promises} promises");
    }
}

/// `cargo test` accepts one filter only.
#[test]
fn every_quoted_cargo_test_has_at_most_one_filter() {
    assert_eq!(filters("KILLS=5 cargo test -p a --test b c d -- --ignored e"), ["c", "d"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let mut commands = 0;
    for quoted in page.split('`').skip(1).step_by(2) {
        if quoted.contains("cargo test ") {
            assert!(filters(quoted).len() <= 1, "{quoted}");
            commands += 1;
        }
    }
    assert!(commands > 2, "only {commands} commands were found");
}

/// The words up to `--` that are neither options nor their values.
fn filters(command: &str) -> Vec<&str> {
    let (_, words) = command.split_once("cargo test ").unwrap();
    let mut words = words.split_whitespace();
    let mut filters = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--" => break,
            "-p" | "--package" | "--test" | "--bin" => drop(words.next()),
            option if option.starts_with('-') => {}
            filter => filters.push(filter),
        }
    }
    filters
}
