//! Run directories for the tests, and lists of their figures.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::path::{Path, PathBuf};

use gan_config::{Classes, FigureLayout, Precision};
use gan_viz::figures::Figure;
use mnist_io::Images;
use run_dir::{CONFIG_FORMAT, DatasetInfo, MetricsRow, RunConfig, RunDir, Software};
use tempfile::TempDir;

use super::images;

/// A run with one real image and nothing else.
pub fn empty_run() -> (TempDir, RunDir) {
    run_with(FigureLayout::default(), Some(&images(1, 28, 28, 99)))
}

/// A run with this layout and these real images.
pub fn run_with(layout: FigureLayout, real: Option<&Images>) -> (TempDir, RunDir) {
    run_of(layout, real, Classes::default())
}

/// The same with the classes of the training images.
pub fn run_of(layout: FigureLayout, real: Option<&Images>, classes: Classes) -> (TempDir, RunDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = RunConfig {
        format: CONFIG_FORMAT,
        preset: "modern".into(),
        networks: "modern".into(),
        seed: 1,
        seconds: None,
        device: "cpu".into(),
        precision: Precision::F32,
        threads: 1,
        classes,
        dataset: real.map(|_| DatasetInfo {
            name: "mnist".into(),
            path: "data".into(),
            images: 60_000,
            images_sha256: String::new(),
            labels_sha256: String::new(),
            test_images_sha256: None,
        }),
        figures: layout,
        software: Software { trainer: "0.1.0".into(), libtorch: "2.13.0".into() },
        settings: gan_config::preset("modern").unwrap().settings.clone(),
    };
    let run = RunDir::create(&dir.path().join("0001-modern"), &config, real).unwrap();
    (dir, run)
}

/// A run with snapshots of `n` images at `steps`, real images, and two rows.
pub fn run(n: usize, rows: usize, cols: usize, steps: &[u64]) -> (TempDir, RunDir) {
    let (dir, run) = empty_run();
    for step in steps {
        run.write_snapshot(*step, &sample(n, rows, cols, *step)).unwrap();
    }
    let real = images(n, rows, cols, 99);
    run.write_images(&run.real_images_path(), &real).unwrap();
    for step in [1, 300] {
        run.append_metrics(&row(step)).unwrap();
    }
    (dir, run)
}

/// A row of metrics.
pub fn row(step: u64) -> MetricsRow {
    MetricsRow {
        step,
        images_seen: step * 64,
        seconds: 1.0,
        loss_d: 0.5,
        loss_g: 0.7,
        d_real: 0.8,
        d_fake: 0.2,
        lr_d: 1e-3,
        lr_g: 1e-3,
    }
}

/// The images of a snapshot in [`run`].
pub fn sample(n: usize, rows: usize, cols: usize, step: u64) -> Images {
    images(n, rows, cols, step as u32 * 2 + 1)
}

/// Paths under `dir`, sorted, with `/` between their parts.
pub fn files(dir: &Path) -> Vec<String> {
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

/// The paths of figures.
pub fn paths(figures: &[Figure]) -> Vec<PathBuf> {
    figures.iter().map(|figure| figure.path.clone()).collect()
}
