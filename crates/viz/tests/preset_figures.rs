//! Figures with different layouts: snapshots, nearest images, walks, digits.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;
use std::path::Path;

use common::runs::{paths, run_of};
use common::{images, read_png};
use gan_config::{Classes, FigureLayout};
use gan_viz::figures::{draw_all, draw_progress};
use gan_viz::{Canvas, Error, GridStyle, StripStyle, grid, nearest, strip};
use mnist_io::Images;
use run_dir::RunDir;
use tempfile::TempDir;

/// A run with 64 real images and snapshots of `n` images at steps 0 and 50.
fn run(layout: FigureLayout, n: usize) -> (TempDir, RunDir) {
    run_of_classes(layout, n, Classes::default())
}

fn run_of_classes(layout: FigureLayout, n: usize, classes: Classes) -> (TempDir, RunDir) {
    let (dir, run) = run_of(layout, Some(&images(64, 28, 28, 99)), classes);
    for step in [0, 50] {
        run.write_snapshot(step, &sample(n, step)).unwrap();
    }
    (dir, run)
}

fn sample(n: usize, step: u64) -> Images {
    images(n, 28, 28, step as u32 + 1)
}

fn first(images: &Images, count: usize) -> Images {
    images.select(&(0..count).collect::<Vec<_>>()).unwrap()
}

fn at_scale(scale: usize) -> GridStyle {
    GridStyle { scale, ..GridStyle::default() }
}

fn assert_shows(path: &Path, expected: &Canvas) {
    let (width, height, pixels) = read_png(path);
    assert_eq!((width, height), (expected.width(), expected.height()));
    assert!(pixels == expected.pixels(), "{}", path.display());
}

#[test]
fn snapshots_and_real_images_have_the_grid_and_the_last_snapshot_its_own() {
    let layout = FigureLayout { grid: [4, 4], last_grid: [5, 5], ..FigureLayout::default() };
    let (_dir, run) = run(layout, 64);
    let folder = run.figures_dir();
    let sixteen = |images: &Images| grid(&first(images, 16), 4, &at_scale(4)).unwrap();

    draw_progress(&run).unwrap();
    assert_shows(&folder.join("samples/000050.png"), &sixteen(&sample(64, 50)));

    draw_all(&run).unwrap();
    assert_shows(&folder.join("samples/000000.png"), &sixteen(&sample(64, 0)));
    let last = grid(&first(&sample(64, 50), 25), 5, &at_scale(4)).unwrap();
    assert_shows(&folder.join("samples/000050.png"), &last);
    assert_shows(&folder.join("originals.png"), &sixteen(&images(64, 28, 28, 99)));
}

#[test]
fn real_images_are_above_the_samples() {
    let layout = FigureLayout {
        grid: [1, 10],
        last_grid: [2, 10],
        real_above: true,
        ..FigureLayout::default()
    };
    let (_dir, run) = run(layout, 64);
    draw_all(&run).unwrap();
    let real = images(64, 28, 28, 99);
    for (step, count) in [(0, 10), (50, 20)] {
        let (above, below) = (first(&real, count), first(&sample(64, step), count));
        let both = [above.pixels(), below.pixels()].concat();
        let both = Images::new(28, 28, both).unwrap();
        let path = run.snapshot_path(step).with_extension("png");
        let path = run.figures_dir().join("samples").join(path.file_name().unwrap());
        assert_shows(&path, &grid(&both, 10, &at_scale(2)).unwrap());
    }
    fs::remove_file(run.real_images_path()).unwrap();
    let error = draw_progress(&run).unwrap_err().to_string();
    assert!(error.contains("originals.idx3"), "{error}");
}

#[test]
fn fewer_images_than_cells_form_a_square_if_the_layout_permits() {
    for (cells, n, columns, scale) in [
        ([8, 8], 9, 3, 4),
        ([8, 8], 63, 8, 2),
        ([1, 10], 4, 4, 4),
        ([2, 10], 9, 5, 4),
        ([100, 2], 9, 2, 4),
        ([u64::MAX, u64::MAX], 9, 3, 4),
    ] {
        let layout = FigureLayout { grid: cells, ..FigureLayout::default() };
        let (_dir, run) = run(layout, n);
        draw_progress(&run).unwrap();
        let expected = grid(&sample(n, 50), columns, &at_scale(scale)).unwrap();
        assert_shows(&run.figures_dir().join("samples/000050.png"), &expected);
    }
}

#[test]
fn figures_without_data_are_not_drawn() {
    let (_dir, run) = run(FigureLayout::default(), 4);
    draw_all(&run).unwrap();
    for name in ["nearest.png", "latent_walk.png", "digits.png", "densities.svg"] {
        assert!(!run.figures_dir().join(name).exists(), "{name}");
    }
}

/// The gray at (x, y).
fn pixel(canvas: &Canvas, x: usize, y: usize) -> u8 {
    canvas.pixels()[y * canvas.width() + x]
}

/// Whether `canvas` contains `image` with its upper left corner at (left, top).
fn contains(canvas: &Canvas, image: &[u8], left: usize, top: usize, scale: usize) -> bool {
    (0..28 * 28).all(|i| {
        let (x, y) = (left + i % 28 * scale, top + i / 28 * scale);
        pixel(canvas, x, y) == image[i] && pixel(canvas, x + scale - 1, y + scale - 1) == image[i]
    })
}

/// Whether a tile at (left, top) has a frame of two pixels of gray 190, and the
/// background around it.
fn framed(canvas: &Canvas, left: usize, top: usize, side: usize) -> bool {
    (0..side).all(|i| {
        let around = |distance: usize| {
            [
                pixel(canvas, left + i, top - distance),
                pixel(canvas, left + i, top + side - 1 + distance),
                pixel(canvas, left - distance, top + i),
                pixel(canvas, left + side - 1 + distance, top + i),
            ]
        };
        around(1) == [190; 4] && around(2) == [190; 4] && around(3) == [40; 4]
    })
}

#[test]
fn nearest_has_eight_pairs_in_a_line() {
    let (samples, training) = (sample(64, 1), sample(64, 2));
    let canvas = nearest(&samples, &training, 1).unwrap();
    // A pair has 56 + 4 + 2 + 56 + 2 pixels, and 20 to the next. A line has 60,
    // and 4 to the next. The caption has 18 + 12, the margin 24.
    assert_eq!(canvas.width(), 24 + 8 * 120 + 7 * 20 + 24);
    assert_eq!(canvas.height(), 24 + 30 + 8 * 60 + 7 * 4 + 24);
    for i in 0..64 {
        let (left, top) = (24 + i % 8 * 140, 54 + i / 8 * 64 + 2);
        assert!(contains(&canvas, samples.get(i).unwrap(), left, top, 2));
        assert!(contains(&canvas, training.get(i).unwrap(), left + 62, top, 2));
        assert!(framed(&canvas, left + 62, top, 56));
    }
}

#[test]
fn nearest_has_rows_of_five_and_the_image_nearest_to_the_fifth() {
    let (samples, training) = (sample(23, 1), sample(23, 2));
    let canvas = nearest(&samples, &training, 5).unwrap();
    // The caption, 52 characters of 9 pixels, is narrower than the row.
    assert_eq!(canvas.width(), 24 + (5 * 84 + 4 * 4) + 6 + 84 + 2 + 24);
    assert_eq!(canvas.height(), 24 + 30 + 4 * 88 + 3 * 4 + 24);
    for row in 0..4 {
        let top = 54 + row * 92 + 2;
        for column in 0..5 {
            let image = samples.get(5 * row + column).unwrap();
            assert!(contains(&canvas, image, 24 + column * 88, top, 3));
        }
        let image = training.get(5 * row + 4).unwrap();
        assert!(contains(&canvas, image, 24 + 436 + 6, top, 3));
        assert!(framed(&canvas, 24 + 436 + 6, top, 84));
    }
}

#[test]
fn nearest_draws_any_number_of_samples() {
    for (n, per_row) in
        [(1, 1), (3, 1), (9, 1), (200, 1), (3, 5), (200, 5), (6, usize::MAX), (2, 0)]
    {
        let canvas = nearest(&sample(n, 1), &sample(n, 2), per_row).unwrap();
        assert!(canvas.height() <= 850, "{n} in rows of {per_row}");
    }
    let none = Images::new(28, 28, Vec::new()).unwrap();
    for (a, b) in [(&none, &sample(1, 1)), (&sample(1, 1), &none)] {
        assert!(matches!(nearest(a, b, 1), Err(Error::Empty)));
    }
}

#[test]
fn nearest_rejects_images_of_another_size() {
    let samples = sample(9, 1);
    for (rows, cols) in [(28, 32), (32, 28), (14, 14)] {
        let other = Images::new(rows, cols, vec![7; 9 * rows * cols]).unwrap();
        for per_row in [1, 5] {
            let error = nearest(&samples, &other, per_row).unwrap_err();
            let told = format!("one is 28x28 pixels and another {cols}x{rows}");
            assert!(error.to_string().ends_with(&told), "{error}");
        }
    }
}

#[test]
fn nearest_images_have_the_rows_of_the_layout() {
    for per_row in [1, 5] {
        let layout = FigureLayout { nearest_row: per_row, ..FigureLayout::default() };
        let (_dir, run) = run(layout, 25);
        run.write_images(&run.nearest_path(), &images(25, 28, 28, 7)).unwrap();
        let figures = draw_all(&run).unwrap();
        let path = run.figures_dir().join("nearest.png");
        assert!(paths(&figures).contains(&path));
        let expected = nearest(&sample(25, 50), &images(25, 28, 28, 7), per_row as usize);
        assert_shows(&path, &expected.unwrap());
    }
}

/// Real images have near neighbors too, which shows that a near neighbor is no copy.
#[test]
fn nearest_shows_real_test_images_beside_their_neighbors() {
    for per_row in [1, 5] {
        let layout = FigureLayout { nearest_row: per_row, ..FigureLayout::default() };
        let (_dir, run) = run(layout, 25);
        run.write_images(&run.nearest_path(), &images(25, 28, 28, 7)).unwrap();
        let (real, neighbors) = (images(8, 28, 28, 17), images(8, 28, 28, 27));
        run.write_image_rows(&run.real_nearest_path(), &[real.clone(), neighbors.clone()], None)
            .unwrap();
        draw_all(&run).unwrap();
        let above = nearest(&sample(25, 50), &images(25, 28, 28, 7), per_row as usize).unwrap();
        let (width, height, pixels) = read_png(&run.figures_dir().join("nearest.png"));
        let at = |x: usize, y: usize| pixels[y * width + x];
        for (i, pixel) in above.pixels().iter().enumerate() {
            assert_eq!(at(i % above.width(), i / above.width()), *pixel);
        }
        // One line of eight pairs, with the distances of `nearest_has_eight_pairs_in_a_line`.
        assert_eq!(height, above.height() + 24 + 30 + 60 + 24);
        for i in 0..8 {
            let (left, top) = (24 + i * 140, above.height() + 54 + 2);
            assert_eq!(at(left, top), real.get(i).unwrap()[0]);
            assert_eq!(at(left + 62 + 55, top + 55), neighbors.get(i).unwrap()[783]);
        }
        run.write_image_rows(
            &run.real_nearest_path(),
            &[images(8, 14, 14, 1), images(8, 14, 14, 2)],
            None,
        )
        .unwrap();
        let error = draw_all(&run).unwrap_err().to_string();
        assert!(error.contains("real_nearest.idx4"), "{error}");
    }
}

#[test]
fn unsuitable_nearest_images_are_an_error_with_the_path() {
    let (_dir, run) = run(FigureLayout::default(), 4);
    let failure = || {
        let error = draw_all(&run).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("nearest.idx3"), "{text}");
        error
    };
    for odd in [images(3, 28, 28, 1), images(4, 28, 27, 1)] {
        run.write_images(&run.nearest_path(), &odd).unwrap();
        let error = failure();
        assert!(matches!(error, Error::ShapesDiffer { .. }));
        assert!(error.to_string().contains("000050.idx3"), "{error}");
    }
    run.save(&run.nearest_path(), b"\0\0\x08\x03").unwrap();
    assert!(matches!(failure(), Error::Run(run_dir::Error::Idx(_))));
}

fn rows(count: usize, columns: usize, rows: usize, cols: usize) -> Vec<Images> {
    (0..count).map(|i| images(columns, rows, cols, 31 + i as u32)).collect()
}

fn labeled(columns: usize, rows: usize, spacing: usize, scale: usize) -> StripStyle {
    let usual = StripStyle::default();
    StripStyle {
        grid: GridStyle { scale, ..usual.grid.clone() },
        columns,
        rows,
        spacing,
        label_scale: 1,
        ..usual
    }
}

#[test]
fn each_latent_walk_is_a_row() {
    for (pairs, points, scale) in [(3, 11, 2), (1, 2, 4), (2, 40, 1)] {
        let (_dir, run) = run(FigureLayout::default(), 4);
        let walks = rows(pairs, points, 28, 28);
        run.write_image_rows(&run.latent_walk_path(), &walks, None).unwrap();
        let figures = draw_all(&run).unwrap();
        let path = run.figures_dir().join("latent_walk.png");
        assert!(paths(&figures).contains(&path));
        let pixels: Vec<u8> = walks.iter().flat_map(Images::pixels).copied().collect();
        let all = Images::new(28, 28, pixels).unwrap();
        let block = ("each row: from one latent to another", &all);
        let expected = strip(&[block], &labeled(points, pairs, 24, scale)).unwrap();
        assert_shows(&path, &expected);
    }
}

#[test]
fn each_digit_is_a_labeled_column() {
    let (_dir, run) = run(FigureLayout::default(), 4);
    let latents = rows(3, 10, 28, 28);
    run.write_image_rows(&run.class_rows_path(), &latents, Some(10)).unwrap();
    let figures = draw_all(&run).unwrap();
    let path = run.figures_dir().join("digits.png");
    assert!(paths(&figures).contains(&path));
    let column = |digit| {
        let pixels = latents.iter().flat_map(|row| row.get(digit).unwrap());
        Images::new(28, 28, pixels.copied().collect()).unwrap()
    };
    let columns: Vec<Images> = (0..10).map(column).collect();
    // A tile of 56 pixels is as wide as 6 characters of 9.
    let labels: Vec<String> = (0..10).map(|digit| format!("  {digit}   ")).collect();
    let blocks: Vec<(&str, &Images)> = labels.iter().map(String::as_str).zip(&columns).collect();
    assert_shows(&path, &strip(&blocks, &labeled(1, 3, 4, 2)).unwrap());
}

/// 62 classes, without the class 5: four lines of 16 columns at most.
#[test]
fn many_classes_are_lines_of_labeled_columns() {
    let classes: Vec<u8> = (0..=62).filter(|&class| class != 5).collect();
    let (_dir, run) = run_of_classes(FigureLayout::default(), 4, Classes::from_labels(&classes));
    let latents = rows(3, 62, 28, 28);
    run.write_image_rows(&run.class_rows_path(), &latents, Some(62)).unwrap();
    let figures = draw_all(&run).unwrap();
    let path = run.figures_dir().join("classes.png");
    assert!(paths(&figures).contains(&path) && !run.figures_dir().join("digits.png").exists());
    let column = |(i, class): (usize, &u8)| {
        let pixels = latents.iter().flat_map(|row| row.get(i).unwrap());
        // A tile of 28 pixels is as wide as 3 characters of 9.
        (format!("{class:^3}"), Images::new(28, 28, pixels.copied().collect()).unwrap())
    };
    let columns: Vec<(String, Images)> = classes.iter().enumerate().map(column).collect();
    let line = |columns: &[(String, Images)]| {
        let blocks: Vec<(&str, &Images)> = columns.iter().map(|(l, i)| (l.as_str(), i)).collect();
        strip(&blocks, &labeled(1, 3, 4, 1)).unwrap()
    };
    let lines: Vec<Canvas> = columns.chunks(16).map(line).collect();
    let width = lines[0].width();
    // The last line has two columns less.
    let last = lines[3].pixels().chunks_exact(lines[3].width());
    let padded = last.flat_map(|row| [row, &[40; 2 * 32]].concat());
    let pixels = lines[..3].iter().flat_map(|line| line.pixels().to_vec()).chain(padded);
    let mut expected = Canvas::new(width, 4 * lines[0].height(), 40).unwrap();
    expected.draw_image(&pixels.collect::<Vec<_>>(), width, 0, 0, 1);
    assert_shows(&path, &expected);
}

#[test]
fn unsuitable_walks_and_digits_are_an_error_with_the_path() {
    let (_dir, run) = run(FigureLayout::default(), 4);
    let failure = |name: &str| {
        let error = draw_all(&run).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        error
    };
    run.write_image_rows(&run.class_rows_path(), &rows(2, 10, 27, 28), Some(10)).unwrap();
    assert!(matches!(failure("digits.idx4"), Error::ShapesDiffer { .. }));
    run.save(&run.class_rows_path(), b"\0\0\x08\x04").unwrap();
    assert!(matches!(failure("digits.idx4"), Error::Run(_)));
    fs::remove_file(run.class_rows_path()).unwrap();

    run.write_image_rows(&run.latent_walk_path(), &rows(2, 5, 28, 29), None).unwrap();
    assert!(matches!(failure("latent_walk.idx4"), Error::ShapesDiffer { .. }));
    run.write_images(&run.latent_walk_path(), &sample(4, 1)).unwrap();
    let error = failure("latent_walk.idx4");
    assert!(matches!(error, Error::Run(run_dir::Error::NotImageRows { .. })));
}
