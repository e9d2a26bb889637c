//! Checks that `docs/reliability.md` names tests that exist.

use std::collections::HashSet;
use std::fs;

use anyhow::{Context, Result};

use crate::cargo::{cargo, stdout};
use crate::error::user_error;
use crate::progress::eprint_line;
use crate::workspace::Workspace;

/// The page with the tables of promises.
const PAGE: &str = "docs/reliability.md";

/// Compares the page with the tests that cargo lists.
pub fn check(workspace: &Workspace) -> Result<()> {
    let page = fs::read_to_string(workspace.root.join(PAGE)).context(PAGE)?;
    let list = "test --workspace --quiet --tests -- --list";
    let list = stdout(cargo(workspace).args(list.split(' ')))?;
    let promises = promises(&page);
    let wrong = wrong_rows(&promises, &test_names(&list));
    if promises.is_empty() || !wrong.is_empty() {
        return Err(user_error(
            format!(
                "{PAGE}: {} rows, of which these name no test or a missing one:\n{}",
                promises.len(),
                wrong.join("\n")
            ),
            "write the name of a test in backquotes in the last column",
        ));
    }
    eprint_line(format_args!("{} promises have their tests", promises.len()));
    Ok(())
}

/// The names of tests in a list such as `module::name: test`, without modules.
fn test_names(list: &str) -> HashSet<&str> {
    let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
    names.map(|name| name.rsplit_once("::").map_or(name, |(_, name)| name)).collect()
}

/// The rows of the tables whose last column is `kept by`: each row, and the names of tests in
/// that column.
fn promises(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut kept_by = false;
    let mut found = Vec::new();
    for row in page.lines() {
        let Some((_, last)) = row.strip_suffix(" |").and_then(|row| row.rsplit_once(" | ")) else {
            kept_by &= row.starts_with('|');
            continue;
        };
        if last == "kept by" {
            kept_by = true;
        } else if kept_by {
            let quoted = last.split('`').skip(1).step_by(2);
            found.push((row, quoted.filter(|word| is_test(word)).collect()));
        }
    }
    found
}

/// Whether a quoted word is the name of a test and not of a file, a command or a fuzz target.
fn is_test(word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.contains('_') && word.chars().all(is_name) && word != "run_dir"
}

/// The rows that name no test, or one that does not exist.
fn wrong_rows<'a>(promises: &[(&'a str, Vec<&str>)], tests: &HashSet<&str>) -> Vec<&'a str> {
    let is_wrong = |(_, names): &&(&str, Vec<&str>)| {
        names.is_empty() || names.iter().any(|name| !tests.contains(name))
    };
    promises.iter().filter(is_wrong).map(|(row, _)| *row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_tests_and_with_missing_tests_are_found() {
        let page = "# Title\n\n| promise | kept by |\n|---|---|\n\
            | holds | `a_test`; the fuzz target `run_dir`; `cargo test a_b -- --ignored` |\n\
            | is gone | `a_test`, `another_test` |\n\
            | has none | `tests/file_name.mjs` |\n\n\
            | trials | outcome |\n|---|---|\n| 3 | `no_test` |\n";
        let promises = promises(page);
        assert_eq!(promises.len(), 3);
        let tests = test_names("module::deep::a_test: test\nother: test\nbench_it: benchmark\n");
        assert_eq!(tests, HashSet::from(["a_test", "other"]));
        let wrong = wrong_rows(&promises, &tests);
        assert_eq!(wrong.len(), 2);
        assert!(wrong[0].contains("is gone") && wrong[1].contains("has none"), "{wrong:?}");
    }
}
