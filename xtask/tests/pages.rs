//! The pages name every preset, loss, metric, figure and data set.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use gan_viz::figures::FigureKind;

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
    for loss in gan_config::LOSS_INFOS {
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

#[test]
fn figures_page_has_the_row_of_every_figure_and_the_readme_names_it() {
    let (page, readme) = (page("docs/figures.md"), page("README.md"));
    for kind in FigureKind::ALL {
        let row = format!("| `{}` | {} | {} |", kind.file(), kind.shows(), kind.good());
        assert!(page.lines().any(|line| line == row), "no row {row}");
        let named = |name: &str| readme.split([' ', ',', '\n']).any(|word| word == name);
        assert!(named(kind.file()), "README.md does not name {}", kind.file());
    }
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, FigureKind::ALL.len(), "rows of figures that no run has");
}

/// Below each picture, two sentences say what you see and what good looks like.
#[test]
fn every_picture_has_a_caption_that_says_what_good_looks_like() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let files = fs::read_dir(docs).unwrap().map(|entry| entry.unwrap().file_name());
    let files = files.map(|name| format!("docs/{}", name.to_str().unwrap()));
    let files = files.filter(|name| name.ends_with(".md"));
    let mut pictures = 0;
    for file in files.chain(["README.md".to_owned(), "README.ko.md".to_owned()]) {
        let page = page(&file);
        let paragraphs: Vec<&str> = page.split("\n\n").map(str::trim).collect();
        let (sees, good) =
            if file.contains(".ko.") { ("", "잘된") } else { ("You see ", "Good") };
        for pair in paragraphs.windows(2).filter(|pair| pair[0].starts_with("![")) {
            let complete = pair[1].starts_with(sees) && pair[1].contains(good);
            assert!(complete, "{file}: {} has the caption {:?}", pair[0], pair[1]);
            pictures += 1;
        }
    }
    assert!(pictures >= 13, "only {pictures} pictures were found");
}

/// What a translation shares with the original: the levels of its headings, its blocks of code,
/// and the commands in its text and tables, in order of the alphabet.
fn skeleton(page: &str) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let (mut levels, mut code, mut text) = (Vec::new(), Vec::new(), String::new());
    for (i, part) in page.split("```").enumerate() {
        if i % 2 == 1 {
            code.push(part.to_owned());
            continue;
        }
        let headings = part.lines().filter(|line| line.starts_with('#'));
        levels.extend(headings.map(|line| line.chars().take_while(|&c| c == '#').count()));
        text += part;
    }
    let spans = text.split('`').skip(1).step_by(2);
    let mut commands: Vec<String> = spans.map(str::to_owned).collect();
    commands.sort();
    (levels, code, commands)
}

#[test]
fn korean_readme_has_the_headings_code_and_commands_of_the_english_one() {
    let (english, korean) = (skeleton(&page("README.md")), skeleton(&page("README.ko.md")));
    assert_eq!(korean.0, english.0, "levels of headings");
    assert_eq!(korean.1, english.1, "blocks of code");
    assert_eq!(korean.2, english.2, "code in the text");
}
