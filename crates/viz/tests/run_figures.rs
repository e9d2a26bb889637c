//! All figures of run directories: whole, short, odd and broken ones.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{images, read_png};
use gan_viz::figures::{Figure, draw_all, draw_progress};
use gan_viz::{Error, GridStyle, StripStyle, grid, originals_vs_forgeries, strip};
use mnist_io::Images;
use run_dir::{Config, DatasetInfo, MetricsRow, RunDir, Software};
use tempfile::TempDir;

fn empty_run() -> (TempDir, RunDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        preset: "modern".into(),
        seed: 1,
        batch: 64,
        seconds: None,
        device: "cpu".into(),
        precision: "f32".into(),
        threads: 1,
        dataset: DatasetInfo {
            name: "mnist".into(),
            path: "data".into(),
            images: 60_000,
            images_sha256: String::new(),
            labels_sha256: String::new(),
        },
        software: Software {
            trainer: "0.1.0".into(),
            libtorch: "2.13.0".into(),
        },
        train: toml::Table::new(),
    };
    let run = RunDir::create(
        &dir.path().join("0001-modern"),
        &config,
        &images(1, 28, 28, 99),
    )
    .unwrap();
    (dir, run)
}

/// A run with snapshots of `n` images at `steps`, originals, and two rows.
fn run(n: usize, rows: usize, cols: usize, steps: &[u64]) -> (TempDir, RunDir) {
    let (dir, run) = empty_run();
    for step in steps {
        run.write_samples(*step, &sample(n, rows, cols, *step))
            .unwrap();
    }
    let originals = images(n, rows, cols, 99);
    originals.write_file(&run.originals_path()).unwrap();
    for step in [1, 300] {
        let row = MetricsRow {
            step,
            images_seen: step * 64,
            seconds: 1.0,
            loss_d: 0.5,
            loss_g: 0.7,
            real_called_real: 0.8,
            fake_called_real: 0.2,
            lr_d: 1e-3,
            lr_g: 1e-3,
        };
        run.append_metrics(&row).unwrap();
    }
    (dir, run)
}

fn sample(n: usize, rows: usize, cols: usize, step: u64) -> Images {
    images(n, rows, cols, step as u32 * 2 + 1)
}

/// Paths under `dir`, sorted, with `/` between their parts.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap();
                found.push(name.replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn paths(figures: &[Figure]) -> Vec<PathBuf> {
    figures.iter().map(|figure| figure.path.clone()).collect()
}

fn gif_frames(path: &Path) -> usize {
    let file = fs::File::open(path).unwrap();
    let mut decoder = gif::DecodeOptions::new().read_info(file).unwrap();
    let mut count = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        count += 1;
    }
    count
}

#[test]
fn all_figures_of_a_run() {
    let (_dir, run) = run(64, 28, 28, &[0, 20, 100, 300]);
    let figures = draw_all(&run).unwrap();
    let names = [
        "progress.png",
        "progress.gif",
        "progress-animated.png",
        "originals_vs_forgeries.png",
        "losses.svg",
        "samples",
    ];
    let folder = run.figures_dir();
    assert_eq!(paths(&figures), names.map(|name| folder.join(name)));
    assert_eq!(
        files(&folder),
        [
            "losses.svg",
            "originals_vs_forgeries.png",
            "progress-animated.png",
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
    assert!(read_png(&folder.join("progress.png")).2[0].0 == expected.pixels());

    let whole = StripStyle {
        columns: 8,
        rows: 8,
        ..style
    };
    let (originals, last) = (images(64, 28, 28, 99), &snapshots[3]);
    let sides = [("originals", &originals), ("forgeries, step 300", last)];
    let expected = originals_vs_forgeries(sides[0], sides[1], &whole).unwrap();
    let drawn = read_png(&folder.join("originals_vs_forgeries.png"));
    assert!(drawn.2[0].0 == expected.pixels());

    let frames = read_png(&folder.join("progress-animated.png")).2;
    assert_eq!(frames.len(), 4);
    for ((pixels, _), block) in frames.iter().zip(&blocks) {
        assert!(pixels == strip(&[*block], &whole).unwrap().pixels());
    }
    assert_eq!(gif_frames(&folder.join("progress.gif")), 4);

    for (step, images) in [(0, &snapshots[0]), (300, last)] {
        let drawn = read_png(&folder.join(format!("samples/{step:06}.png")));
        let expected = grid(images, 8, &GridStyle::default()).unwrap();
        assert!(drawn.2[0].0 == expected.pixels());
    }
}

#[test]
fn drawing_again_gives_the_same_bytes() {
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
fn any_number_and_shape_of_images() {
    for (n, rows, cols) in [(1, 32, 32), (2, 28, 28), (5, 1, 1), (200, 7, 300)] {
        let (_dir, run) = run(n, rows, cols, &[0, 1_000_000]);
        assert_eq!(draw_all(&run).unwrap().len(), 6, "{n} of {rows}x{cols}");
        let (_, _, frames) = read_png(&run.figures_dir().join("progress-animated.png"));
        assert_eq!(frames.len(), 2);
    }
}

#[test]
fn animations_of_long_runs_keep_first_and_last_of_64_frames() {
    let steps: Vec<u64> = (0..150).collect();
    let (_dir, run) = run(1, 4, 4, &steps);
    draw_all(&run).unwrap();
    let (_, _, frames) = read_png(&run.figures_dir().join("progress-animated.png"));
    assert_eq!(frames.len(), 64);
    assert_eq!(gif_frames(&run.figures_dir().join("progress.gif")), 64);
    let style = StripStyle {
        grid: GridStyle {
            scale: 4,
            ..StripStyle::default().grid
        },
        ..StripStyle::default()
    };
    for (frame, step) in [(0, 0), (63, 149)] {
        let label = format!("{:8}", format!("step {step}"));
        let expected = strip(&[(&label, &sample(1, 4, 4, step))], &style).unwrap();
        assert!(frames[frame].0 == expected.pixels());
    }
}

#[test]
fn progress_reads_only_the_snapshots_it_shows() {
    let steps: Vec<u64> = (0..=10).chain([20, 100, 300, 1000, 5000]).collect();
    let (_dir, run) = run(4, 28, 28, &steps);
    fs::write(run.samples_path(7), b"broken").unwrap();
    let figures = draw_progress(&run).unwrap();
    let names = ["progress.png", "losses.svg", "samples/005000.png"];
    assert_eq!(
        paths(&figures),
        names.map(|name| run.figures_dir().join(name))
    );
    let error = draw_all(&run).unwrap_err().to_string();
    assert!(error.contains("000007.idx3"), "{error}");
}

#[test]
fn a_run_without_metrics_gets_its_pictures() {
    let (_dir, run) = run(4, 28, 28, &[0, 10]);
    fs::remove_file(run.metrics_path()).unwrap();
    for figures in [draw_progress(&run).unwrap(), draw_all(&run).unwrap()] {
        assert!(
            !paths(&figures)
                .iter()
                .any(|path| path.ends_with("losses.svg"))
        );
        assert!(figures.iter().all(|figure| figure.path.exists()));
    }
    assert!(!run.figures_dir().join("losses.svg").exists());
}

#[test]
fn a_run_without_snapshots_says_so() {
    let (_dir, run) = empty_run();
    for drawn in [draw_all(&run), draw_progress(&run)] {
        let error = drawn.unwrap_err();
        assert!(matches!(&error, Error::NoSnapshots { path } if *path == run.samples_dir()));
    }
    assert!(files(&run.figures_dir()).is_empty());
}

#[test]
fn snapshots_of_different_shapes_name_both_files() {
    let (_dir, run) = run(4, 28, 28, &[0, 10, 20]);
    for odd in [images(3, 28, 28, 1), images(4, 28, 27, 1)] {
        run.write_samples(10, &odd).unwrap();
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
fn originals_that_do_not_fit_name_their_file() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    let path = run.originals_path();
    let failure = || {
        let error = draw_all(&run).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("originals.idx3"), "{text}");
        error
    };
    images(4, 32, 32, 1).write_file(&path).unwrap();
    assert!(matches!(failure(), Error::ShapesDiffer { .. }));
    Images::new(28, 28, Vec::new())
        .unwrap()
        .write_file(&path)
        .unwrap();
    assert!(matches!(failure(), Error::NoImages { .. }));
    fs::write(&path, b"\0\0\x08\x03\0\0\0\x01").unwrap();
    assert!(matches!(failure(), Error::Idx(_)));
    fs::remove_file(&path).unwrap();
    assert!(matches!(failure(), Error::Idx(_)));
    assert!(
        !run.figures_dir()
            .join("originals_vs_forgeries.png")
            .exists()
    );
}

#[test]
fn more_or_fewer_originals_than_forgeries_are_no_error() {
    let (_dir, run) = run(9, 28, 28, &[0]);
    for count in [1, 9, 100] {
        let originals = images(count, 28, 28, 5);
        originals.write_file(&run.originals_path()).unwrap();
        draw_all(&run).unwrap();
    }
}

#[test]
fn a_broken_row_of_metrics_names_file_and_line() {
    let (_dir, run) = run(4, 28, 28, &[0]);
    fs::write(run.metrics_path(), "{}\n").unwrap();
    for drawn in [draw_all(&run), draw_progress(&run)] {
        let error = drawn.unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl line 1"), "{error}");
    }
}
