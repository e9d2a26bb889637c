//! Grids and strips, compared pixel by pixel with a naive implementation.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use common::{images, read_png};
use embedded_graphics::pixelcolor::Gray8;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use gan_viz::{Canvas, Error, GridStyle, StripStyle, grid, real_vs_fake, square_columns, strip};
use mnist_io::Images;

/// A naive implementation: finds the image for each pixel of the picture.
fn naive_grid(images: &Images, columns: usize, style: &GridStyle) -> (usize, usize, Vec<u8>) {
    let (tile_w, tile_h) = (images.cols() * style.scale, images.rows() * style.scale);
    let lines = images.len().div_ceil(columns);
    let width = columns * tile_w + (columns - 1) * style.gap + 2 * style.margin;
    let height = lines * tile_h + (lines - 1) * style.gap + 2 * style.margin;
    let cell = |at: usize, tile: usize| {
        let inside = at.checked_sub(style.margin)?;
        let (index, offset) = (inside / (tile + style.gap), inside % (tile + style.gap));
        (offset < tile).then_some((index, offset / style.scale))
    };
    let pixel = |x, y| {
        let ((column, x), (line, y)) = (cell(x, tile_w)?, cell(y, tile_h)?);
        let image = (column < columns).then(|| images.get(line * columns + column))??;
        Some(image[y * images.cols() + x])
    };
    let mut pixels = Vec::new();
    for y in 0..height {
        pixels.extend((0..width).map(|x| pixel(x, y).unwrap_or(style.background)));
    }
    (width, height, pixels)
}

#[test]
fn grid_equals_the_naive_implementation() {
    for (n, rows, cols, columns) in
        [(1, 1, 1, 1), (6, 3, 5, 3), (7, 4, 2, 3), (64, 28, 28, 8), (10, 32, 32, 10)]
    {
        for (scale, gap, margin) in [(1, 0, 0), (2, 1, 3), (3, 4, 0)] {
            let images = images(n, rows, cols, 7);
            let style = GridStyle { scale, gap, margin, background: 77 };
            let canvas = grid(&images, columns, &style).unwrap();
            let (width, height, pixels) = naive_grid(&images, columns, &style);
            assert_eq!((canvas.width(), canvas.height()), (width, height));
            assert!(canvas.pixels() == pixels, "{n} {rows}x{cols} at {scale}");
        }
    }
}

#[test]
fn grid_has_one_column_to_one_per_image() {
    let (images, style) = (images(3, 2, 2, 1), GridStyle::default());
    let three = grid(&images, 3, &style).unwrap();
    assert_eq!(grid(&images, usize::MAX, &style).unwrap(), three);
    let one = grid(&images, 1, &style).unwrap();
    assert_eq!(grid(&images, 0, &style).unwrap(), one);
}

#[test]
fn scale_0_is_scale_1() {
    let images = images(2, 3, 3, 1);
    let at = |scale| {
        let style = GridStyle { scale, ..GridStyle::default() };
        grid(&images, 2, &style).unwrap()
    };
    assert_eq!(at(0), at(1));
}

#[test]
fn square_columns_are_the_fewest_for_a_grid_not_taller_than_wide() {
    for count in 1..500_usize {
        let naive = (1..).find(|columns| count.div_ceil(*columns) <= *columns);
        assert_eq!(Some(square_columns(count)), naive);
    }
    assert_eq!(square_columns(0), 0);
}

#[test]
fn no_images_are_an_error() {
    let none = Images::new(28, 28, Vec::new()).unwrap();
    let some = images(1, 28, 28, 1);
    let style = StripStyle::default();
    assert!(matches!(grid(&none, 4, &style.grid), Err(Error::Empty)));
    assert!(matches!(strip(&[], &style), Err(Error::Empty)));
    for pair in [(&some, &none), (&none, &some)] {
        let blocks = [("a", pair.0), ("b", pair.1)];
        assert!(matches!(strip(&blocks, &style), Err(Error::Empty)));
        let sides = real_vs_fake(blocks[0], blocks[1], &style);
        assert!(matches!(sides, Err(Error::Empty)));
    }
}

#[test]
fn size_above_the_limit_is_an_error() {
    let images = images(2, 28, 28, 1);
    for huge in [1 << 14, 1 << 40, usize::MAX] {
        let scaled = GridStyle { scale: huge, ..GridStyle::default() };
        let spaced = GridStyle { gap: huge, margin: huge, ..GridStyle::default() };
        for grid_style in [scaled, spaced] {
            let picture = grid(&images, 2, &grid_style);
            assert!(matches!(picture, Err(Error::TooLarge { .. })));
            let style = StripStyle {
                label_scale: huge,
                spacing: huge,
                grid: grid_style,
                ..StripStyle::default()
            };
            let picture = strip(&[("a", &images), ("b", &images)], &style);
            assert!(matches!(picture, Err(Error::TooLarge { .. })));
        }
    }
    assert!(matches!(Canvas::new(0, 9, 0), Err(Error::Empty)));
}

#[test]
fn gap_without_neighbors_may_be_any_number() {
    let image = images(1, 28, 28, 1);
    let style = |gap| StripStyle {
        spacing: gap,
        grid: GridStyle { gap, ..GridStyle::default() },
        ..StripStyle::default()
    };
    let (none, any) = (style(0), style(usize::MAX));
    assert_eq!(grid(&image, 1, &any.grid).unwrap(), grid(&image, 1, &none.grid).unwrap());
    let blocks = [("a", &image)];
    assert_eq!(strip(&blocks, &any).unwrap(), strip(&blocks, &none).unwrap());
}

#[test]
fn pixels_outside_the_canvas_are_ignored() {
    let mut canvas = Canvas::new(3, 2, 0).unwrap();
    canvas.draw_image(&[1, 2, 3, 4], 2, 1, 1, 2);
    assert_eq!(canvas.pixels(), [0, 0, 0, 0, 1, 1]);
    canvas.draw_image(&[9; 4], 2, 3, 0, 1);
    canvas.draw_image(&[9; 4], 2, 0, usize::MAX, 1);
    canvas.draw_image(&[9; 4], 0, 0, 0, 1);
    canvas.draw_text("far", usize::MAX, 1, usize::MAX, 9);
    assert_eq!(canvas.pixels(), [0, 0, 0, 0, 1, 1]);
}

#[test]
fn embedded_graphics_draws_on_a_canvas() {
    let mut canvas = Canvas::new(4, 3, 0).unwrap();
    let style = PrimitiveStyle::with_fill(Gray8::new(5));
    let rectangle = Rectangle::new(Point::new(-1, 1), Size::new(3, 9));
    rectangle.into_styled(style).draw(&mut canvas).unwrap();
    assert_eq!(canvas.pixels(), [0, 0, 0, 0, 5, 5, 0, 0, 5, 5, 0, 0]);
}

#[test]
fn scaled_text_is_the_text_in_squares() {
    let draw = |scale, width, height| {
        let mut canvas = Canvas::new(width, height, 20).unwrap();
        canvas.draw_text("step 1,000 é", 3 * scale, 2 * scale, scale, 220);
        canvas
    };
    let (one, three) = (draw(1, 120, 24), draw(3, 360, 72));
    assert!(one.pixels().contains(&220));
    assert!(one.pixels().iter().all(|gray| [20, 220].contains(gray)));
    for y in 0..72 {
        for x in 0..360 {
            let expected = one.pixels()[y / 3 * 120 + x / 3];
            assert_eq!(three.pixels()[y * 360 + x], expected);
        }
    }
}

#[test]
fn text_stays_in_one_line() {
    let draw = |text| {
        let mut canvas = Canvas::new(60, 60, 0).unwrap();
        canvas.draw_text(text, 0, 0, 1, 255);
        canvas
    };
    assert_eq!(draw("a\n\rb"), draw("a  b"));
}

/// Whether `whole` contains `part` with its upper left corner at (x, y).
fn contains(whole: &Canvas, part: &Canvas, x: usize, y: usize) -> bool {
    let line = |canvas: &Canvas, y: usize, x: usize| {
        let start = y * canvas.width() + x;
        canvas.pixels()[start..start + part.width()].to_vec()
    };
    (0..part.height()).all(|row| line(part, row, 0) == line(whole, y + row, x))
}

#[test]
fn strip_has_grids_below_labels() {
    let style = StripStyle {
        grid: GridStyle { scale: 2, gap: 3, margin: 10, background: 33 },
        columns: 2,
        rows: 2,
        spacing: 7,
        label_scale: 1,
        label_gray: 200,
    };
    let tile_style = GridStyle { margin: 0, ..style.grid.clone() };
    let (a, b) = (images(9, 28, 28, 1), images(4, 28, 28, 2));
    let canvas = strip(&[("step 0", &a), ("a label wider than", &b)], &style).unwrap();
    // The second label, 18 characters of 9 pixels, is wider than the grids.
    assert_eq!(canvas.width(), 10 + 162 + 7 + 162 + 10);
    assert_eq!(canvas.height(), 10 + 18 + 4 + 115 + 10);
    let first_four = a.select(&[0, 1, 2, 3]).unwrap();
    let a_grid = grid(&first_four, 2, &tile_style).unwrap();
    let b_grid = grid(&b, 2, &tile_style).unwrap();
    assert!(contains(&canvas, &a_grid, 10, 32));
    assert!(contains(&canvas, &b_grid, 179, 32));
    let mut label = Canvas::new(162, 18, 33).unwrap();
    label.draw_text("a label wider than", 0, 0, 1, 200);
    assert!(contains(&canvas, &label, 179, 10));
}

#[test]
fn real_vs_fake_shows_equally_many() {
    let style = StripStyle::default();
    let (many, few) = (images(16, 8, 8, 1), images(7, 8, 8, 2));
    let seven = many.select(&[0, 1, 2, 3, 4, 5, 6]).unwrap();
    assert_eq!(
        real_vs_fake(("o", &many), ("f", &few), &style).unwrap(),
        strip(&[("o", &seven), ("f", &few)], &style).unwrap()
    );
    assert_eq!(
        real_vs_fake(("o", &few), ("f", &many), &style).unwrap(),
        strip(&[("o", &few), ("f", &seven)], &style).unwrap()
    );
}

#[test]
fn png_has_the_pixels_of_the_canvas() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/folder/grid.png");
    let canvas = grid(&images(5, 28, 28, 3), 3, &GridStyle::default()).unwrap();
    canvas.write_png(&path).unwrap();
    let (width, height, pixels) = read_png(&path);
    assert_eq!((width, height), (canvas.width(), canvas.height()));
    assert!(pixels == canvas.pixels());
}

#[test]
fn write_png_error_has_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let canvas = Canvas::new(1, 1, 0).unwrap();
    let error = canvas.write_png(dir.path()).unwrap_err().to_string();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
}
