//! The contract of a run directory, from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use mnist_io::Images;
use run_dir::{Config, DatasetInfo, Error, MetricsRow, RunDir, Software};

fn config() -> Config {
    let mut train = toml::Table::new();
    train.insert("batch".to_owned(), toml::Value::Integer(32));
    Config {
        preset: "modern".to_owned(),
        seed: 7,
        batch: 32,
        seconds: None,
        device: "cpu".to_owned(),
        precision: "bf16".to_owned(),
        threads: 2,
        dataset: DatasetInfo {
            name: "mnist".to_owned(),
            path: "data/mnist".to_owned(),
            images: 60_000,
            images_sha256: "ba89".to_owned(),
            labels_sha256: "65a5".to_owned(),
        },
        software: Software {
            trainer: "0.1.0".to_owned(),
            libtorch: "2.13.0".to_owned(),
        },
        train,
    }
}

fn originals() -> Images {
    Images::new(2, 2, vec![9; 8]).unwrap()
}

fn row(step: u64, loss_d: f64) -> MetricsRow {
    MetricsRow {
        step,
        images_seen: step * 32,
        seconds: 0.5,
        loss_d,
        loss_g: 1.0 / 3.0,
        real_called_real: 0.75,
        fake_called_real: 0.25,
        lr_d: 1e-3,
        lr_g: 2e-3,
    }
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config(), &originals()).unwrap();
    let samples = Images::new(2, 2, (0..12).collect()).unwrap();
    for step in [1000, 0, 20] {
        run.write_samples(step, &samples).unwrap();
        run.append_metrics(&row(step, 0.1)).unwrap();
    }

    let run = RunDir::open(&dir.path().join("run")).unwrap();
    assert_eq!(run.config().unwrap(), config());
    let snapshots = run.snapshots().unwrap();
    let steps: Vec<u64> = snapshots.iter().map(|s| s.step).collect();
    assert_eq!(steps, [0, 20, 1000]);
    assert_eq!(Images::read_file(&snapshots[2].path).unwrap(), samples);
    let rows = run.metrics().unwrap();
    assert_eq!(rows, [row(1000, 0.1), row(0, 0.1), row(20, 0.1)]);
    assert_eq!(run.newest_checkpoint().unwrap(), None);
    assert_eq!(
        Images::read_file(&run.originals_path()).unwrap(),
        originals()
    );
}

#[test]
fn steps_beyond_six_digits_sort_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), &originals()).unwrap();
    for step in [999_999, 1_000_000] {
        fs::create_dir(run.checkpoint_path(step)).unwrap();
    }
    let (step, path) = run.newest_checkpoint().unwrap().unwrap();
    assert_eq!((step, path), (1_000_000, run.checkpoint_path(1_000_000)));
}

#[test]
fn runs_are_numbered_and_latest_names_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    for (name, expected) in [("modern", "0001-modern"), ("golbin", "0002-golbin")] {
        let run = RunDir::create_next(&runs, name, &config(), &originals()).unwrap();
        assert_eq!(run.root(), runs.join(expected));
        let latest = RunDir::open(&runs.join("latest")).unwrap();
        assert_eq!(latest.root(), runs.join(expected));
    }
    assert_eq!(entries(&runs), ["0001-modern", "0002-golbin", "latest"]);
}

#[test]
fn numbering_goes_on_after_the_greatest_number() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("0041-kept")).unwrap();
    fs::create_dir(dir.path().join("notes-of-mine")).unwrap();
    let run = RunDir::create_next(dir.path(), "modern", &config(), &originals()).unwrap();
    assert_eq!(run.root(), dir.path().join("0042-modern"));
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), b"x").unwrap();
    let refused = RunDir::create(dir.path(), &config(), &originals());
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));
    assert_eq!(entries(dir.path()), ["mine"]);
}

#[test]
fn a_run_that_cannot_be_linked_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    // A folder cannot be replaced by a link.
    fs::create_dir_all(dir.path().join("latest/mine")).unwrap();
    let refused = RunDir::create_next(dir.path(), "modern", &config(), &originals());
    assert!(matches!(refused, Err(Error::Io { action: "link", .. })));
    assert_eq!(entries(dir.path()), ["latest"]);
}

#[test]
fn a_run_elsewhere_can_be_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, elsewhere) = (dir.path().join("runs"), dir.path().join("mine"));
    let run = RunDir::create(&elsewhere, &config(), &originals()).unwrap();
    run.set_latest(&runs).unwrap();
    assert_eq!(
        RunDir::open(&runs.join("latest")).unwrap().root(),
        elsewhere
    );
}

#[test]
fn a_folder_without_its_configuration_is_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), &originals()).unwrap();
    fs::remove_file(run.config_path()).unwrap();
    let refused = RunDir::open(dir.path());
    assert!(matches!(refused, Err(Error::NotARun { .. })));
}

#[test]
fn opening_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let missing = RunDir::open(&dir.path().join("nowhere"));
    assert!(matches!(missing, Err(Error::Io { action: "open", .. })));
    let empty = RunDir::open(dir.path());
    assert!(matches!(empty, Err(Error::NotARun { .. })));
}

#[test]
fn a_diverged_loss_comes_back_as_nan() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), &originals()).unwrap();
    for loss in [f64::NAN, f64::INFINITY, 0.5] {
        run.append_metrics(&row(1, loss)).unwrap();
    }
    let losses: Vec<f64> = run.metrics().unwrap().iter().map(|r| r.loss_d).collect();
    assert!(losses[0].is_nan() && losses[1].is_nan());
    assert_eq!(losses[2], 0.5);
}

#[test]
fn a_line_cut_short_is_left_out_and_a_broken_one_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), &originals()).unwrap();
    run.append_metrics(&row(1, 0.5)).unwrap();
    let whole = fs::read_to_string(run.metrics_path()).unwrap();

    fs::write(run.metrics_path(), format!("{whole}{}", &whole[..20])).unwrap();
    assert_eq!(run.metrics().unwrap(), [row(1, 0.5)]);

    fs::write(run.metrics_path(), format!("{whole}not json\n{whole}")).unwrap();
    assert!(matches!(run.metrics(), Err(Error::Row { line: 2, .. })));
}

#[test]
fn an_unknown_key_in_the_configuration_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), &originals()).unwrap();
    let text = fs::read_to_string(run.config_path()).unwrap();
    fs::write(run.config_path(), format!("colour = 1\n{text}")).unwrap();
    let error = run.config().unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}
