//! `docs/reliability.md` promises nothing whose test is gone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    // What was fuzzed is no promise.
    let (page, _) = page.split_once("\n## Fuzzing\n").unwrap();
    let mut promises = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let (_, kept_by) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        if kept_by == "kept by" {
            continue;
        }
        let mut source = String::new();
        let mut tests = 0;
        // Between backquotes: a source file, then the names of tests in it.
        for word in kept_by.split('`').skip(1).step_by(2) {
            if word.ends_with(".rs") {
                source = fs::read_to_string(root.join(word)).unwrap();
            } else if word.contains('_') && !word.contains(' ') && word != "run_dir" {
                assert!(source.contains(&format!("fn {word}(")), "no {word}: {row}");
                tests += 1;
            }
        }
        assert!(tests > 0, "no test keeps this: {row}");
        promises += 1;
    }
    assert!(promises > 20, "only {promises} promises were found");
}
