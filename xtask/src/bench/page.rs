//! The page of results: each part between markers of its own, so that one can be
//! measured again and the others stay.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use run_dir::write_atomic;

use super::Part;
use crate::error::user_error;

/// The page before anything was measured.
const EMPTY: &str = include_str!("page.md");

/// The page, and what is said below each part.
pub struct Page<F> {
    path: PathBuf,
    below: F,
}

impl<F: Fn(Part) -> String> Page<F> {
    pub fn new(path: PathBuf, below: F) -> Page<F> {
        Page { path, below }
    }

    /// Puts `text` in the place of what the page says of `part`. The file is
    /// replaced whole or not at all, and made where there is none.
    pub fn put(&self, part: Part, text: &str) -> Result<()> {
        let page = match fs::read_to_string(&self.path) {
            Ok(page) => page,
            Err(e) if e.kind() == ErrorKind::NotFound => EMPTY.to_owned(),
            Err(e) => {
                return Err(e).with_context(|| format!("cannot read {}", self.path.display()));
            }
        };
        let below = (self.below)(part);
        let text = format!("{}\n\n{below}\n", text.trim_end());
        let Some(page) = with_part(&page, part, &text) else {
            return Err(user_error(
                format!(
                    "{} has no place for the part `{}`",
                    self.path.display(),
                    part.name()
                ),
                "move the page away, so that it is written anew",
            ));
        };
        Ok(write_atomic(&self.path, |w| w.write_all(page.as_bytes()))?)
    }
}

/// `page` with `text` between the markers of `part`, where it has them.
fn with_part(page: &str, part: Part, text: &str) -> Option<String> {
    let (begin, end) = markers(part);
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{text}{end}{after}"))
}

fn markers(part: Part) -> (String, String) {
    let name = part.name();
    (
        format!("<!-- measured: {name} -->"),
        format!("<!-- end of {name} -->"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_page_has_a_place_for_every_part_in_order() {
        let mut rest = EMPTY;
        for part in Part::ALL {
            let (begin, end) = markers(part);
            let (_, after) = rest.split_once(&begin).unwrap();
            (_, rest) = after.split_once(&end).unwrap();
        }
    }

    #[test]
    fn a_part_is_replaced_and_all_else_stays_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page.md");
        let page = Page::new(path.clone(), |part: Part| {
            format!("made by {}", part.name())
        });
        page.put(Part::Steps, "first").unwrap();
        page.put(Part::Formats, "kept\n").unwrap();
        page.put(Part::Steps, "| a |\n| b |\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let steps =
            "<!-- measured: steps -->\n| a |\n| b |\n\nmade by steps\n<!-- end of steps -->";
        let formats =
            "<!-- measured: formats -->\nkept\n\nmade by formats\n<!-- end of formats -->";
        let expected = EMPTY
            .replace(
                "<!-- measured: steps -->\nNot measured yet.\n<!-- end of steps -->",
                steps,
            )
            .replace(
                "<!-- measured: formats -->\nNot measured yet.\n<!-- end of formats -->",
                formats,
            );
        assert_eq!(text, expected);
        assert!(text.contains(steps) && text.contains(formats));
    }

    #[test]
    fn a_page_without_the_markers_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page.md");
        fs::write(&path, "mine <!-- measured: steps -->").unwrap();
        let page = Page::new(path.clone(), |_| String::new());
        assert!(page.put(Part::Steps, "x").is_err() && page.put(Part::Peak, "x").is_err());
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "mine <!-- measured: steps -->"
        );
    }
}
