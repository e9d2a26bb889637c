//! The pages name every preset, loss, metric, figure and data set.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn systems_page_has_a_section_for_every_preset() {
    let page = page("docs/systems.md");
    let headings: String = page.lines().filter(|l| l.starts_with("## ")).collect();
    for preset in gan_config::presets() {
        let name = format!("`{}`", preset.name);
        assert!(headings.contains(&name), "no heading names {name}");
    }
}

#[test]
fn systems_page_has_a_row_for_every_loss() {
    let page = page("docs/systems.md");
    for loss in gan_config::LOSSES {
        let row = format!("| `loss={}` |", loss.name);
        assert!(page.contains(&row), "no row {row}");
    }
}

#[test]
fn readme_of_mnist_io_names_every_known_data_set() {
    let page = page("crates/mnist-io/README.md");
    for set in mnist_io::known::ALL {
        assert!(page.contains(set.title), "no {}", set.title);
    }
}

#[test]
fn results_page_has_a_row_for_every_metric() {
    let page = page("docs/results.md");
    for name in gan_metrics::names() {
        let (cell, option) = (format!("| `{name}` |"), format!("| `--{name}` |"));
        assert!(page.contains(&cell) || page.contains(&option), "no row {cell}");
    }
}
