//! The contract of a run directory, from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{config, originals};
use mnist_io::{Idx, IdxData, Images};
use run_dir::{Config, DensityRow, Error, MetricsRow, Pictures, RunDir};

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
    let run = RunDir::create(&dir.path().join("run"), &config(), Some(&originals())).unwrap();
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
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
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
        let run = RunDir::create_next(&runs, name, &config(), Some(&originals())).unwrap();
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
    let run = RunDir::create_next(dir.path(), "modern", &config(), Some(&originals())).unwrap();
    assert_eq!(run.root(), dir.path().join("0042-modern"));
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), b"x").unwrap();
    let refused = RunDir::create(dir.path(), &config(), Some(&originals()));
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));
    assert_eq!(entries(dir.path()), ["mine"]);
}

#[test]
fn a_run_that_cannot_be_linked_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    // A folder cannot be replaced by a link.
    fs::create_dir_all(dir.path().join("latest/mine")).unwrap();
    let refused = RunDir::create_next(dir.path(), "modern", &config(), Some(&originals()));
    assert!(matches!(refused, Err(Error::Io { action: "link", .. })));
    assert_eq!(entries(dir.path()), ["latest"]);
}

/// So that the folder of runs can be moved, whichever way each was typed.
#[cfg(unix)]
#[test]
fn a_run_among_the_runs_is_linked_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().canonicalize().unwrap().join("runs");
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(runs.strip_prefix("/").unwrap()).join("mine");
    let run = RunDir::create(&relative, &config(), Some(&originals())).unwrap();
    run.set_latest(&runs).unwrap();
    let link = fs::read_link(runs.join("latest")).unwrap();
    assert_eq!(link, Path::new("mine"));
}

#[test]
fn a_run_elsewhere_can_be_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, elsewhere) = (dir.path().join("runs"), dir.path().join("mine"));
    let run = RunDir::create(&elsewhere, &config(), Some(&originals())).unwrap();
    run.set_latest(&runs).unwrap();
    assert_eq!(
        RunDir::open(&runs.join("latest")).unwrap().root(),
        elsewhere
    );
}

#[test]
fn a_folder_without_its_configuration_is_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
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
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    for loss in [f64::NAN, f64::INFINITY, 0.5] {
        run.append_metrics(&row(1, loss)).unwrap();
    }
    let losses: Vec<f64> = run.metrics().unwrap().iter().map(|r| r.loss_d).collect();
    assert!(losses[0].is_nan() && losses[1].is_nan());
    assert_eq!(losses[2], 0.5);
}

/// As where a run is measured while it is trained.
#[test]
fn rows_of_two_writers_at_once_are_all_there() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    std::thread::scope(|scope| {
        for first in [0, 3000] {
            let run = &run;
            scope.spawn(move || {
                for step in first..first + 3000 {
                    run.append_metrics(&row(step, 0.5)).unwrap();
                }
            });
        }
    });
    let mut steps: Vec<u64> = run.metrics().unwrap().iter().map(|r| r.step).collect();
    steps.sort_unstable();
    assert!(steps.into_iter().eq(0..6000));
}

#[test]
fn a_line_cut_short_is_left_out_and_a_broken_one_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    run.append_metrics(&row(1, 0.5)).unwrap();
    let whole = fs::read_to_string(run.metrics_path()).unwrap();

    fs::write(run.metrics_path(), format!("{whole}{}", &whole[..20])).unwrap();
    assert_eq!(run.metrics().unwrap(), [row(1, 0.5)]);

    fs::write(run.metrics_path(), format!("{whole}not json\n{whole}")).unwrap();
    assert!(matches!(
        run.metrics(),
        Err(Error::Row { line: Some(2), .. })
    ));
}

#[test]
fn a_configuration_without_pictures_gets_the_usual_squares() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    let text = fs::read_to_string(run.config_path()).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    assert!(table.remove("pictures").is_some());
    fs::write(run.config_path(), table.to_string()).unwrap();
    let usual = Pictures {
        grid: [8, 8],
        last_grid: [8, 8],
        originals_above: false,
        nearest_row: 1,
    };
    let expected = Config {
        pictures: usual,
        ..config()
    };
    assert_eq!(run.config().unwrap(), expected);
}

#[test]
fn pictures_without_cells_are_refused_by_key() {
    let bad = |key, change: fn(&mut Pictures)| {
        let mut config = config();
        change(&mut config.pictures);
        (key, config)
    };
    for (key, wrong) in [
        bad("pictures.grid", |p| p.grid[0] = 0),
        bad("pictures.grid", |p| p.grid[1] = 0),
        bad("pictures.last_grid", |p| p.last_grid[0] = 0),
        bad("pictures.nearest_row", |p| p.nearest_row = 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let refused = RunDir::create(dir.path(), &wrong, Some(&originals())).unwrap_err();
        assert!(matches!(refused, Error::Config { .. }));
        assert!(refused.to_string().contains(key), "{refused}");
        assert!(entries(dir.path()).is_empty());

        let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
        fs::write(run.config_path(), toml::to_string(&wrong).unwrap()).unwrap();
        let refused = run.config().unwrap_err();
        assert!(matches!(refused, Error::Config { .. }));
        assert!(refused.to_string().contains(key), "{refused}");
    }
}

#[test]
fn a_run_without_images_has_neither_dataset_nor_originals() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        dataset: None,
        ..config()
    };
    let run = RunDir::create(dir.path(), &config, None).unwrap();
    assert_eq!(run.config().unwrap(), config);
    assert!(!run.originals_path().exists());
    let text = fs::read_to_string(run.config_path()).unwrap();
    assert!(!text.contains("dataset"), "{text}");
}

fn density(step: u64) -> DensityRow {
    DensityRow {
        step,
        low: -1.0,
        high: 2.5,
        originals: vec![0.0, 0.1, 1e-300],
        forgeries: vec![0.25, 0.5, 1.0 / 3.0],
        decision: vec![0.5, 0.0, 1.0],
        value: -(4.0_f64.ln()),
    }
}

#[test]
fn densities_come_back_in_order_and_without_a_line_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    assert_eq!(run.densities().unwrap(), []);
    for step in [0, 100] {
        run.append_density(&density(step)).unwrap();
    }
    assert_eq!(run.densities().unwrap(), [density(0), density(100)]);
    let whole = fs::read_to_string(run.densities_path()).unwrap();
    fs::write(run.densities_path(), &whole[..whole.len() - 1]).unwrap();
    assert_eq!(run.densities().unwrap(), [density(0)]);
}

#[test]
fn numbers_of_a_density_that_are_not_finite_come_back_as_nan() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    let mut row = density(1);
    row.value = f64::NEG_INFINITY;
    row.originals[0] = f64::NAN;
    row.forgeries[1] = f64::INFINITY;
    row.decision[2] = f64::NAN;
    run.append_density(&row).unwrap();
    let read = run.densities().unwrap().remove(0);
    assert!(read.value.is_nan() && read.originals[0].is_nan());
    assert!(read.forgeries[1].is_nan() && read.decision[2].is_nan());
    assert_eq!(read.originals[1..], row.originals[1..]);
}

#[test]
fn a_density_row_that_breaks_a_rule_is_neither_written_nor_read() {
    let breaks: [fn(&mut DensityRow); 7] = [
        |row| row.low = row.high,
        |row| row.low = f64::NAN,
        |row| row.high = f64::INFINITY,
        |row| row.originals.push(0.0),
        |row| row.forgeries.clear(),
        |row| row.decision.truncate(2),
        |row| {
            for column in [&mut row.originals, &mut row.forgeries, &mut row.decision] {
                column.truncate(1);
            }
        },
    ];
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    for (i, break_rule) in breaks.into_iter().enumerate() {
        let mut row = density(1);
        break_rule(&mut row);
        let refused = run.append_density(&row).unwrap_err();
        assert!(matches!(refused, Error::Row { line: None, .. }), "{i}");
        assert!(refused.to_string().contains("densities.jsonl"), "{refused}");
        assert!(!run.densities_path().exists());

        let line = serde_json::to_string(&row).unwrap();
        let sound = serde_json::to_string(&density(0)).unwrap();
        fs::write(run.densities_path(), format!("{sound}\n{line}\n")).unwrap();
        let refused = run.densities().unwrap_err();
        assert!(matches!(refused, Error::Row { line: Some(2), .. }), "{i}");
        fs::remove_file(run.densities_path()).unwrap();
    }
}

/// `rows` times `columns` images of 2x3, each pixel its own number.
fn stack(rows: u8, columns: u8) -> Vec<Images> {
    let row = |r: u8| (0..columns * 6).map(|i| r * columns * 6 + i).collect();
    (0..rows)
        .map(|r| Images::new(2, 3, row(r)).unwrap())
        .collect()
}

#[test]
fn rows_of_images_come_back_and_lie_in_the_file_as_promised() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    assert_eq!(run.nearest().unwrap(), None);
    assert_eq!(run.walk().unwrap(), None);
    assert_eq!(run.digits().unwrap(), None);

    run.write_nearest(&originals()).unwrap();
    assert_eq!(run.nearest().unwrap(), Some(originals()));
    run.write_walk(&stack(3, 5)).unwrap();
    assert_eq!(run.walk().unwrap(), Some(stack(3, 5)));
    run.write_digits(&stack(4, 10)).unwrap();
    assert_eq!(run.digits().unwrap(), Some(stack(4, 10)));
    let idx = Idx::read_file(&dir.path().join("digits.idx4")).unwrap();
    assert_eq!(idx.shape(), [4, 10, 2, 3]);
    assert_eq!(idx.data(), &IdxData::U8((0..240).collect()));
}

#[test]
fn rows_that_differ_or_are_missing_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    let mut odd = stack(2, 5);
    odd.extend(stack(1, 4));
    assert!(matches!(
        run.write_walk(&odd),
        Err(Error::RowsDiffer {
            first: [5, 2, 3],
            other: [4, 2, 3],
            ..
        })
    ));
    let none = Images::new(2, 3, Vec::new()).unwrap();
    for rows in [&[][..], &[none]] {
        assert!(matches!(run.write_walk(rows), Err(Error::NotRows { .. })));
    }
    let nine = run.write_digits(&stack(2, 9));
    assert!(matches!(nine, Err(Error::NotRows { .. })));
    assert!(!run.walk_path().exists() && !run.digits_path().exists());
}

#[test]
fn files_that_hold_no_rows_of_images_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    let idx = |shape: &[usize], data| Idx::new(shape.to_vec(), data).unwrap();
    for wrong in [
        idx(&[1, 2, 3], IdxData::U8(vec![0; 6])),
        idx(&[1, 1, 1, 1, 1], IdxData::U8(vec![0])),
        idx(&[1, 10, 1, 1], IdxData::I8(vec![0; 10])),
        idx(&[0, 10, 1, 1], IdxData::U8(Vec::new())),
        idx(&[1, 10, 0, 1], IdxData::U8(Vec::new())),
    ] {
        for path in [run.walk_path(), run.digits_path()] {
            wrong.write_file(&path).unwrap();
        }
        let (walk, digits) = (run.walk().unwrap_err(), run.digits().unwrap_err());
        for (error, name) in [(walk, "latent_walk.idx4"), (digits, "digits.idx4")] {
            assert!(matches!(error, Error::NotRows { .. }), "{wrong:?}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    let nine = idx(&[1, 9, 1, 1], IdxData::U8(vec![0; 9]));
    nine.write_file(&run.digits_path()).unwrap();
    let error = run.digits().unwrap_err().to_string();
    assert!(error.contains("[rows, 10, height, width]"), "{error}");

    for path in [run.walk_path(), run.digits_path(), run.nearest_path()] {
        fs::write(&path, b"\0\0\x08").unwrap();
    }
    for (error, name) in [
        (run.walk().unwrap_err(), "latent_walk.idx4"),
        (run.digits().unwrap_err(), "digits.idx4"),
        (run.nearest().unwrap_err(), "nearest.idx3"),
    ] {
        assert!(matches!(error, Error::Idx(_)));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn an_unknown_key_in_the_configuration_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&originals())).unwrap();
    let text = fs::read_to_string(run.config_path()).unwrap();
    fs::write(run.config_path(), format!("colour = 1\n{text}")).unwrap();
    let error = run.config().unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}
