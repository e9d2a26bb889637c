//! All figures of a run directory, and errors for invalid runs.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;

use common::runs::{empty_run, files, paths, run, run_of, sample};
use common::{gray_as_rgb, images, read_gif, read_png};
use gan_config::FigureLayout;
use gan_viz::figures::{FigureKind, draw_all, draw_progress};
use gan_viz::{Error, GridStyle, StripStyle, grid, real_vs_fake, strip};
use mnist_io::Images;
use run_dir::{DensityRow, Measurement, QualityRow};

#[test]
fn draw_all_draws_every_figure() {
    let (_dir, run) = run(64, 28, 28, &[0, 20, 100, 300]);
    let figures = draw_all(&run).unwrap();
    let names = [
        "progress.png",
        "progress.gif",
        "originals_vs_forgeries.png",
        "losses.svg",
        "originals.png",
        "samples",
    ];
    let folder = run.figures_dir();
    assert_eq!(paths(&figures), names.map(|name| folder.join(name)));
    assert_eq!(
        files(&folder),
        [
            "losses.svg",
            "originals.png",
            "originals_vs_forgeries.png",
            "progress.gif",
            "progress.png",
            "samples/000000.png",
            "samples/000020.png",
            "samples/000100.png",
            "samples/000300.png",
        ]
    );

    let style = StripStyle::default();
    let snapshots = [0, 20, 100, 300].map(|step| sample(64, 28, 28, step));
    let labels = ["step 0", "step 20", "step 100", "step 300"];
    let blocks: Vec<(&str, &Images)> = labels.into_iter().zip(&snapshots).collect();
    let expected = strip(&blocks, &style).unwrap();
    assert!(read_png(&folder.join("progress.png")).2 == expected.pixels());

    let whole = StripStyle { columns: 8, rows: 8, ..style };
    let (real, last) = (images(64, 28, 28, 99), &snapshots[3]);
    let sides = [("real", &real), ("generated, step 300", last)];
    let expected = real_vs_fake(sides[0], sides[1], &whole).unwrap();
    let drawn = read_png(&folder.join("originals_vs_forgeries.png"));
    assert!(drawn.2 == expected.pixels());

    let frames = read_gif(&folder.join("progress.gif"));
    assert_eq!(frames.len(), 4);
    for (frame, block) in frames.iter().zip(&blocks) {
        let expected = strip(&[*block], &whole).unwrap();
        assert!(frame.pixels == gray_as_rgb(expected.pixels()));
    }

    let drawn = read_png(&folder.join("originals.png"));
    let expected = grid(&real, 8, &GridStyle::default()).unwrap();
    assert!(drawn.2 == expected.pixels());

    for (step, images) in [(0, &snapshots[0]), (300, last)] {
        let drawn = read_png(&folder.join(format!("samples/{step:06}.png")));
        let expected = grid(images, 8, &GridStyle::default()).unwrap();
        assert!(drawn.2 == expected.pixels());
    }
}

/// A kind of figure that no run gets would only have a row in the pages.
#[test]
fn each_kind_of_figure_is_drawn_of_a_run_that_has_its_data() {
    let (_dir, run) = run(4, 28, 28, &[0, 20]);
    run.write_images(&run.nearest_path(), &images(4, 28, 28, 1)).unwrap();
    run.write_image_rows(&run.latent_walk_path(), &[images(3, 28, 28, 2)], Some(3)).unwrap();
    run.write_image_rows(&run.class_rows_path(), &[images(10, 28, 28, 3)], Some(10)).unwrap();
    for step in [0, 20] {
        let fid = Measurement { value: 20.0 - step as f64, ..Measurement::default() };
        let metrics = [("fid".to_owned(), fid)].into();
        run.append_quality(&QualityRow { step, metrics, ..QualityRow::default() }).unwrap();
        let density = DensityRow {
            step,
            low: 0.0,
            high: 1.0,
            real: vec![1.0; 2],
            fake: vec![1.0; 2],
            discriminator: vec![0.5; 2],
            value: -1.4,
        };
        run.append_density(&density).unwrap();
    }
    let letters = Some(&images(4, 28, 28, 4));
    let (_dir, other) = run_of(FigureLayout::default(), letters, (0..=25).collect());
    other.write_snapshot(0, &sample(4, 28, 28, 0)).unwrap();
    other.write_image_rows(&other.class_rows_path(), &[images(26, 28, 28, 5)], Some(26)).unwrap();
    let mut figures = draw_all(&run).unwrap();
    figures.extend(draw_all(&other).unwrap());
    let drawn: Vec<FigureKind> = figures.iter().map(|figure| figure.kind).collect();
    for kind in FigureKind::ALL {
        assert!(drawn.contains(kind), "{} is not drawn", kind.file());
    }
}

#[test]
fn drawing_twice_gives_the_same_bytes() {
    let (_dir, run) = run(9, 28, 28, &[0, 20]);
    let read = || {
        draw_all(&run).unwrap();
        let names = files(&run.figures_dir()).into_iter();
        let read = names.map(|name| fs::read(run.figures_dir().join(name)).unwrap());
        read.collect::<Vec<_>>()
    };
    assert!(read() == read());
}

#[test]
fn draw_all_accepts_any_number_and_shape_of_images() {
    for (n, rows, cols) in [(1, 32, 32), (2, 28, 28), (5, 1, 1), (200, 7, 300)] {
        let (_dir, run) = run(n, rows, cols, &[0, 1_000_000]);
        let names = [
            "progress.png",
            "progress.gif",
            "originals_vs_forgeries.png",
            "losses.svg",
            "originals.png",
            "samples",
        ];
        let drawn = paths(&draw_all(&run).unwrap());
        assert_eq!(drawn, names.map(|name| run.figures_dir().join(name)), "{n} of {rows}x{cols}");
        let frames = read_gif(&run.figures_dir().join("progress.gif"));
        assert_eq!(frames.len(), 2);
    }
}

#[test]
fn animation_of_a_long_run_has_64_frames_with_the_first_and_the_last() {
    let steps: Vec<u64> = (0..150).collect();
    let (_dir, run) = run(1, 4, 4, &steps);
    draw_all(&run).unwrap();
    let frames = read_gif(&run.figures_dir().join("progress.gif"));
    assert_eq!(frames.len(), 64);
    let style = StripStyle {
        grid: GridStyle { scale: 4, ..StripStyle::default().grid },
        ..StripStyle::default()
    };
    for (frame, step) in [(0, 0), (63, 149)] {
        let label = format!("{:8}", format!("step {step}"));
        let expected = strip(&[(&label, &sample(1, 4, 4, step))], &style).unwrap();
        assert!(frames[frame].pixels == gray_as_rgb(expected.pixels()));
    }
}

#[test]
fn draw_progress_reads_only_the_snapshots_that_it_shows() {
    let steps: Vec<u64> = (0..=10).chain([20, 100, 300, 1000, 5000]).collect();
    let (_dir, run) = run(4, 28, 28, &steps);
    fs::write(run.snapshot_path(7), b"broken").unwrap();
    let figures = draw_progress(&run).unwrap();
    let names = ["progress.png", "losses.svg", "samples/005000.png"];
    assert_eq!(paths(&figures), names.map(|name| run.figures_dir().join(name)));
    let error = draw_all(&run).unwrap_err().to_string();
    assert!(error.contains("000007.idx3"), "{error}");
}

#[test]
fn run_without_metrics_gets_the_other_figures() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    fs::remove_file(run.metrics_path()).unwrap();
    for figures in [draw_progress(&run).unwrap(), draw_all(&run).unwrap()] {
        assert!(!paths(&figures).iter().any(|path| path.ends_with("losses.svg")));
        assert!(figures.iter().all(|figure| figure.path.exists()));
    }
    assert!(!run.figures_dir().join("losses.svg").exists());
}

#[test]
fn run_without_snapshots_is_an_error() {
    let (_dir, run) = empty_run();
    for drawn in [draw_all(&run), draw_progress(&run)] {
        let error = drawn.unwrap_err();
        assert!(matches!(&error, Error::NoSnapshots { path } if *path == run.snapshots_dir()));
    }
    assert!(files(&run.figures_dir()).is_empty());
}

#[test]
fn snapshots_of_different_shapes_are_an_error_with_both_paths() {
    let (_dir, run) = run(4, 28, 28, &[0, 10, 20]);
    for odd in [images(3, 28, 28, 1), images(4, 28, 27, 1)] {
        run.write_snapshot(10, &odd).unwrap();
        for drawn in [draw_all(&run), draw_progress(&run)] {
            let error = drawn.unwrap_err();
            assert!(matches!(error, Error::ShapesDiffer { .. }));
            let text = error.to_string();
            let (rows, cols) = (odd.rows(), odd.cols());
            for part in [
                "000010.idx3",
                "000020.idx3",
                &format!("{} images of {rows}x{cols}", odd.len()),
                "4 images of 28x28",
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
}

#[test]
fn unsuitable_real_images_are_an_error_with_the_path() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    let path = run.real_images_path();
    let failure = || {
        let error = draw_all(&run).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("originals.idx3"), "{text}");
        error
    };
    run.write_images(&path, &images(4, 32, 32, 1)).unwrap();
    assert!(matches!(failure(), Error::ShapesDiffer { .. }));
    run.write_images(&path, &Images::new(28, 28, Vec::new()).unwrap()).unwrap();
    assert!(matches!(failure(), Error::NoImages { .. }));
    run.save(&path, b"\0\0\x08\x03\0\0\0\x01").unwrap();
    assert!(matches!(failure(), Error::Run(run_dir::Error::Idx(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(failure(), Error::Run(run_dir::Error::Io { action: "open", .. })));
    assert!(!run.figures_dir().join("originals_vs_forgeries.png").exists());
}

#[test]
fn draw_all_accepts_more_or_fewer_real_images_than_samples() {
    let (_dir, run) = run(9, 28, 28, &[0]);
    for count in [1, 9, 100] {
        let real = images(count, 28, 28, 5);
        run.write_images(&run.real_images_path(), &real).unwrap();
        draw_all(&run).unwrap();
    }
}

#[test]
fn invalid_metrics_row_is_an_error_with_file_and_line() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    fs::write(run.metrics_path(), "{}\n").unwrap();
    for drawn in [draw_all(&run), draw_progress(&run)] {
        let error = drawn.unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl line 1"), "{error}");
    }
}
