//! A row of generated images in the terminal.

use std::env;
use std::fmt::Write;
use std::ops::Range;

use mnist_io::Images;
use run_dir::RunDir;
use terminal_size::{Width, terminal_size_of};

/// Images in the row.
const IMAGES: usize = 10;
/// Pixels of at least this gray level count as ink.
const INK: u8 = 64;
/// Columns of the narrowest terminal that shows the row.
const MIN_COLUMNS: usize = 60;

/// The first samples of the newest snapshot of `run` as lines for standard output; `None`
/// if it is no terminal that can show them, or if there are no samples.
pub fn preview(run: &RunDir) -> Option<String> {
    let columns = terminal_size_of(std::io::stdout()).map(|(Width(width), _)| width.into());
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let dumb = set("TERM").is_none_or(|term| term == "dumb") && !cfg!(windows);
    let side = side(columns, set("NO_COLOR").is_some(), dumb)?;
    let (_, path) = run.snapshots().ok()?.pop()?;
    let samples = run.read_images(&path).ok()?;
    Some(half_blocks(&samples, side))
}

/// Columns and pixel rows of an image on a terminal of so many `columns`.
fn side(columns: Option<usize>, no_color: bool, dumb: bool) -> Option<usize> {
    let columns = columns.filter(|columns| *columns >= MIN_COLUMNS && !no_color && !dumb)?;
    // An even number, because a character shows two pixels, one above the other.
    Some((columns / IMAGES).min(28) & !1)
}

/// The first images in one row, each of `side`×`side` pixels, in shades of gray.
fn half_blocks(images: &Images, side: usize) -> String {
    let cols = images.cols();
    let shown = images.iter().take(IMAGES);
    // Without the margin that all share: at 80 columns a digit has 8 pixels in a row.
    let ink = || {
        let pixels = shown.clone().flat_map(|image| image.iter().enumerate());
        pixels.filter(|(_, gray)| **gray >= INK).map(|(i, _)| i)
    };
    let (rows, columns) =
        (range(ink().map(|i| i / cols), images.rows()), range(ink().map(|i| i % cols), cols));
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        for image in shown.clone() {
            for x in 0..side {
                let column = part(&columns, x, side);
                let shade = |y| shade(mean(image, cols, part(&rows, y, side), column.clone()));
                // The upper half in the foreground color, the lower one in the background.
                let _ = write!(text, "\x1b[38;5;{};48;5;{}m▀", shade(y), shade(y + 1));
            }
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

/// From the first to the last of `places`; without any, all up to `length`.
fn range(places: impl Iterator<Item = usize> + Clone, length: usize) -> Range<usize> {
    let (first, last) = (places.clone().min(), places.max());
    first.unwrap_or(0)..last.map_or(length, |last| last + 1)
}

/// The pixels of `range` that fall on pixel `i` of `side`, at least one.
fn part(range: &Range<usize>, i: usize, side: usize) -> Range<usize> {
    let start = range.start + i * range.len() / side;
    start..(range.start + (i + 1) * range.len() / side).max(start + 1)
}

/// The mean of the pixels in `rows` and `columns` of an image with `cols` columns.
fn mean(image: &[u8], cols: usize, rows: Range<usize>, columns: Range<usize>) -> usize {
    let pixels = rows.flat_map(|row| columns.clone().map(move |col| row * cols + col));
    let (sum, count) =
        pixels.fold((0, 0), |(sum, count), i| (sum + usize::from(image[i]), count + 1));
    sum / count
}

/// The nearest of the terminal's 256 colors: black, then 24 grays from 232 on.
fn shade(gray: usize) -> usize {
    match gray * 24 / 255 {
        0 => 16,
        step => 231 + step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wide_terminals_with_colors_show_images() {
        assert_eq!(side(Some(80), false, false), Some(8));
        assert_eq!(side(Some(60), false, false), Some(6));
        assert_eq!(side(Some(1000), false, false), Some(28));
        assert_eq!(side(Some(59), false, false), None);
        assert_eq!(side(Some(80), true, false), None);
        assert_eq!(side(Some(80), false, true), None);
        assert_eq!(side(None, false, false), None);
    }

    #[test]
    fn half_blocks_show_two_pixels_each_and_the_first_ten_images() {
        let mut pixels = vec![0; 12 * 16];
        // Of the first image the upper left quarter is white, of the second all is.
        for i in [0, 1, 4, 5].into_iter().chain(16..32) {
            pixels[i] = 255;
        }
        let images = Images::new(4, 4, pixels).unwrap();
        let text = half_blocks(&images, 2);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(text.matches('▀').count(), 20);
        assert!(text.starts_with("\x1b[38;5;255;48;5;16m▀\x1b[38;5;16;48;5;16m▀"), "{text:?}");
        assert!(text.ends_with("\x1b[0m\n"));
    }

    #[test]
    fn half_blocks_leave_out_the_margin_that_all_images_share() {
        let image =
            |ink: &[usize]| (0..64).map(|i| if ink.contains(&i) { 255 } else { 9 }).collect();
        // Ink in rows 2 to 5 and columns 3 to 6.
        let images: [Vec<u8>; 2] =
            [image(&[2 * 8 + 3, 2 * 8 + 4, 3 * 8 + 3, 3 * 8 + 4]), image(&[5 * 8 + 6])];
        let text = half_blocks(&Images::new(8, 8, images.concat()).unwrap(), 2);
        assert!(text.starts_with("\x1b[38;5;255;48;5;16m▀\x1b[38;5;16;48;5;16m▀"), "{text:?}");
        let blank = half_blocks(&Images::new(8, 8, vec![0; 64]).unwrap(), 2);
        assert_eq!(blank.matches('▀').count(), 2);
    }
}
