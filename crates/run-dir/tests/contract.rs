//! The public API of a run directory.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{config, real_images};
use gan_config::FigureLayout;
use mnist_io::{Idx, IdxData, Images};
use run_dir::{CONFIG_FORMAT, DensityRow, Error, MetricsRow, RunConfig, RunDir};

fn row(step: u64, loss_d: f64) -> MetricsRow {
    MetricsRow {
        step,
        images_seen: step * 32,
        seconds: 0.5,
        loss_d,
        loss_g: 1.0 / 3.0,
        d_real: 0.75,
        d_fake: 0.25,
        lr_d: 1e-3,
        lr_g: 2e-3,
    }
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn written_files_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config(), Some(&real_images())).unwrap();
    let samples = Images::new(2, 2, (0..12).collect()).unwrap();
    for step in [1000, 0, 20] {
        run.write_snapshot(step, &samples).unwrap();
        run.append_metrics(&row(step, 0.1)).unwrap();
    }

    let run = RunDir::open(&dir.path().join("run")).unwrap();
    assert_eq!(run.config().unwrap(), config());
    let snapshots = run.snapshots().unwrap();
    let steps: Vec<u64> = snapshots.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [0, 20, 1000]);
    assert_eq!(Images::read_file(&snapshots[2].1).unwrap(), samples);
    let rows = run.metrics().unwrap();
    assert_eq!(rows, [row(1000, 0.1), row(0, 0.1), row(20, 0.1)]);
    assert_eq!(run.newest_checkpoint().unwrap(), None);
    assert_eq!(Images::read_file(&run.real_images_path()).unwrap(), real_images());
}

#[test]
fn steps_beyond_six_digits_sort_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    for step in [999_999, 1_000_000] {
        fs::write(run.checkpoint_path(step), b"").unwrap();
    }
    let (step, path) = run.newest_checkpoint().unwrap().unwrap();
    assert_eq!((step, path), (1_000_000, run.checkpoint_path(1_000_000)));
}

#[test]
fn create_next_numbers_runs_and_set_latest_links_one() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    for (name, expected) in [("modern", "0001-modern"), ("golbin", "0002-golbin")] {
        let run = RunDir::create_next(&runs, name, &config(), Some(&real_images())).unwrap();
        assert_eq!(run.root(), runs.join(expected));
        run.set_latest(&runs).unwrap();
        let latest = RunDir::open(&runs.join("latest")).unwrap();
        assert_eq!(latest.root(), runs.join(expected));
    }
    assert_eq!(entries(&runs), ["0001-modern", "0002-golbin", "latest"]);
}

#[test]
fn numbering_continues_after_the_largest_number() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("0041-kept")).unwrap();
    fs::create_dir(dir.path().join("notes-of-mine")).unwrap();
    let run = RunDir::create_next(dir.path(), "modern", &config(), Some(&real_images())).unwrap();
    assert_eq!(run.root(), dir.path().join("0042-modern"));
}

#[test]
fn create_rejects_a_folder_that_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), b"x").unwrap();
    let refused = RunDir::create(dir.path(), &config(), Some(&real_images()));
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));
    assert_eq!(entries(dir.path()), ["mine"]);
}

/// The number of the folder does not fit into any more digits.
#[test]
fn numbering_ignores_absurd_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["18446744073709551615-golbin", "0003-modern"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let run = RunDir::create_next(dir.path(), "modern", &config(), None).unwrap();
    assert_eq!(run.root(), dir.path().join("0004-modern"));
}

#[test]
fn a_folder_in_the_place_of_the_link_is_an_error_and_the_run_stays() {
    let dir = tempfile::tempdir().unwrap();
    // A folder cannot be replaced by a link.
    fs::create_dir_all(dir.path().join("latest/mine")).unwrap();
    let run = RunDir::create_next(dir.path(), "modern", &config(), None).unwrap();
    let refused = run.set_latest(dir.path());
    assert!(matches!(refused, Err(Error::Io { action: "link", .. })));
    assert_eq!(entries(dir.path()), ["0001-modern", "latest"]);
}

#[cfg(unix)]
#[test]
fn the_link_of_a_killed_process_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create_next(dir.path(), "modern", &config(), None).unwrap();
    std::os::unix::fs::symlink("gone", dir.path().join(".latest")).unwrap();
    run.set_latest(dir.path()).unwrap();
    assert_eq!(entries(dir.path()), ["0001-modern", "latest"]);
}

/// A killed [`RunDir::create`] leaves some of these.
#[test]
fn a_folder_with_leftovers_of_a_killed_creation_counts_as_empty() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let leave = || {
        for folder in ["samples", "checkpoints", "figures"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in ["lock", ".tmp-0", "originals.idx3", "checksums.jsonl", "figures/.tmp-7"] {
            fs::write(at(file), if file == "lock" { "" } else { "half" }).unwrap();
        }
    };
    leave();
    for mine in ["notes", "figures/mine.png", "checkpoints/000001.safetensors"] {
        fs::write(at(mine), b"x").unwrap();
        let refused = RunDir::create(dir.path(), &config(), Some(&real_images()));
        assert!(matches!(refused, Err(Error::NotEmpty { .. })), "{mine}");
        fs::remove_file(at(mine)).unwrap();
    }
    assert_eq!(fs::read(at("originals.idx3")).unwrap(), b"half");
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    assert_eq!(run.read_images(&run.real_images_path()).unwrap(), real_images());
    assert_eq!(
        entries(dir.path()),
        [
            "checkpoints",
            "checksums.jsonl",
            "config.toml",
            "figures",
            "lock",
            "originals.idx3",
            "samples"
        ]
    );
    assert!(entries(&run.figures_dir()).is_empty());
    let refused = RunDir::create(dir.path(), &config(), None);
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));
}

#[test]
fn creation_refuses_a_lock_or_images_of_another_program() {
    for (name, content) in
        [("lock", "pid 7"), ("originals.idx3", "mine"), ("checksums.jsonl", "mine")]
    {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), content).unwrap();
        let refused = RunDir::create(dir.path(), &config(), Some(&real_images()));
        assert!(matches!(refused, Err(Error::NotEmpty { .. })));
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), content);
        assert_eq!(entries(dir.path()), [name]);
    }
}

#[test]
fn missing_folder_of_checkpoints_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    assert_eq!(run.checkpoints().unwrap(), []);
    fs::remove_dir(run.checkpoints_dir()).unwrap();
    let error = run.checkpoints().unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound));
    assert!(error.to_string().contains("checkpoints"), "{error}");
}

/// The folder of runs can be moved, because the link is relative.
#[cfg(unix)]
#[test]
fn run_inside_the_folder_of_runs_gets_a_relative_link() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().canonicalize().unwrap().join("runs");
    let here = std::env::current_dir().unwrap().canonicalize().unwrap();
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(runs.strip_prefix("/").unwrap()).join("mine");
    let run = RunDir::create(&relative, &config(), Some(&real_images())).unwrap();
    run.set_latest(&runs).unwrap();
    let link = fs::read_link(runs.join("latest")).unwrap();
    assert_eq!(link, Path::new("mine"));
}

#[test]
fn run_outside_the_folder_of_runs_does_not_become_the_latest() {
    let dir = tempfile::tempdir().unwrap();
    let (runs, elsewhere) = (dir.path().join("runs"), dir.path().join("mine"));
    let run = RunDir::create(&elsewhere, &config(), Some(&real_images())).unwrap();
    run.set_latest(&runs).unwrap();
    assert_eq!(entries(dir.path()), ["mine"]);
}

#[test]
fn open_rejects_a_folder_without_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    fs::remove_file(run.config_path()).unwrap();
    let refused = RunDir::open(dir.path());
    assert!(matches!(refused, Err(Error::NotARun { .. })));
}

#[test]
fn open_distinguishes_a_missing_folder_from_a_missing_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let missing = RunDir::open(&dir.path().join("nowhere"));
    assert!(matches!(missing, Err(Error::Io { action: "open", .. })));
    let empty = RunDir::open(dir.path());
    assert!(matches!(empty, Err(Error::NotARun { .. })));
}

#[test]
fn infinite_and_nan_losses_are_read_as_nan() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    for loss in [f64::NAN, f64::INFINITY, 0.5] {
        run.append_metrics(&row(1, loss)).unwrap();
    }
    let losses: Vec<f64> = run.metrics().unwrap().iter().map(|r| r.loss_d).collect();
    assert!(losses[0].is_nan() && losses[1].is_nan());
    assert_eq!(losses[2], 0.5);
}

/// Training and evaluation may append at the same time.
#[test]
fn concurrent_writers_lose_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
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
fn partial_last_line_is_skipped_and_invalid_line_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    run.append_metrics(&row(1, 0.5)).unwrap();
    let whole = fs::read_to_string(run.metrics_path()).unwrap();

    fs::write(run.metrics_path(), format!("{whole}{}", &whole[..20])).unwrap();
    assert_eq!(run.metrics().unwrap(), [row(1, 0.5)]);

    fs::write(run.metrics_path(), format!("{whole}not json\n{whole}")).unwrap();
    assert!(matches!(run.metrics(), Err(Error::Row { line: Some(2), .. })));
}

#[test]
fn configuration_of_another_format_is_rejected_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    let text = fs::read_to_string(run.config_path()).unwrap();
    let current = format!("format = {CONFIG_FORMAT}\n");
    for (other, found) in [("", "no format"), ("format = 1\n", "format 1")] {
        run.save(&run.config_path(), text.replacen(&current, other, 1).as_bytes()).unwrap();
        let refused = run.config().unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }));
        assert!(refused.to_string().contains(found), "{refused}");
        assert!(refused.to_string().contains("config.toml"), "{refused}");
    }
}

#[test]
fn layout_with_a_zero_is_rejected_with_its_key() {
    let bad = |key, change: fn(&mut FigureLayout)| {
        let mut config = config();
        change(&mut config.figures);
        (key, config)
    };
    for (key, wrong) in [
        bad("figures.grid", |p| p.grid[0] = 0),
        bad("figures.grid", |p| p.grid[1] = 0),
        bad("figures.last_grid", |p| p.last_grid[0] = 0),
        bad("figures.nearest_row", |p| p.nearest_row = 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let refused = RunDir::create(dir.path(), &wrong, Some(&real_images())).unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }));
        assert!(refused.to_string().contains(key), "{refused}");
        assert!(entries(dir.path()).is_empty());

        let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
        run.save(&run.config_path(), toml::to_string(&wrong).unwrap().as_bytes()).unwrap();
        let refused = run.config().unwrap_err();
        assert!(matches!(refused, Error::Invalid { .. }));
        assert!(refused.to_string().contains(key), "{refused}");
    }
}

#[test]
fn run_without_images_has_no_dataset_and_no_real_images() {
    let dir = tempfile::tempdir().unwrap();
    let config = RunConfig { dataset: None, ..config() };
    let run = RunDir::create(dir.path(), &config, None).unwrap();
    assert_eq!(run.config().unwrap(), config);
    assert!(!run.real_images_path().exists());
    let text = fs::read_to_string(run.config_path()).unwrap();
    assert!(!text.contains("dataset"), "{text}");
}

fn density(step: u64) -> DensityRow {
    DensityRow {
        step,
        low: -1.0,
        high: 2.5,
        real: vec![0.0, 0.1, 1e-300],
        fake: vec![0.25, 0.5, 1.0 / 3.0],
        discriminator: vec![0.5, 0.0, 1.0],
        value: -(4.0_f64.ln()),
    }
}

#[test]
fn densities_are_read_back_without_a_partial_last_line() {
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
fn infinite_and_nan_densities_are_read_as_nan() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), None).unwrap();
    let mut row = density(1);
    row.value = f64::NEG_INFINITY;
    row.real[0] = f64::NAN;
    row.fake[1] = f64::INFINITY;
    row.discriminator[2] = f64::NAN;
    run.append_density(&row).unwrap();
    let read = run.densities().unwrap().remove(0);
    assert!(read.value.is_nan() && read.real[0].is_nan());
    assert!(read.fake[1].is_nan() && read.discriminator[2].is_nan());
    assert_eq!(read.real[1..], row.real[1..]);
}

#[test]
fn invalid_density_rows_are_not_written_and_not_read() {
    let breaks: [fn(&mut DensityRow); 7] = [
        |row| row.low = row.high,
        |row| row.low = f64::NAN,
        |row| row.high = f64::INFINITY,
        |row| row.real.push(0.0),
        |row| row.fake.clear(),
        |row| row.discriminator.truncate(2),
        |row| {
            for column in [&mut row.real, &mut row.fake, &mut row.discriminator] {
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
        let valid = serde_json::to_string(&density(0)).unwrap();
        fs::write(run.densities_path(), format!("{valid}\n{line}\n")).unwrap();
        let refused = run.densities().unwrap_err();
        assert!(matches!(refused, Error::Row { line: Some(2), .. }), "{i}");
        fs::remove_file(run.densities_path()).unwrap();
    }
}

/// `rows` times `columns` images of 2x3, each pixel its own number.
fn image_rows(rows: u8, columns: u8) -> Vec<Images> {
    let row = |r: u8| (0..columns * 6).map(|i| r * columns * 6 + i).collect();
    (0..rows).map(|r| Images::new(2, 3, row(r)).unwrap()).collect()
}

#[test]
fn image_rows_are_read_back_and_have_the_documented_shape() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    assert_eq!(run.nearest().unwrap(), None);
    assert_eq!(run.image_rows(&run.latent_walk_path(), None).unwrap(), None);
    assert_eq!(run.image_rows(&run.class_rows_path(), Some(10)).unwrap(), None);

    run.write_images(&run.nearest_path(), &real_images()).unwrap();
    assert_eq!(run.nearest().unwrap(), Some(real_images()));
    run.write_image_rows(&run.latent_walk_path(), &image_rows(3, 5), None).unwrap();
    assert_eq!(run.image_rows(&run.latent_walk_path(), None).unwrap(), Some(image_rows(3, 5)));
    run.write_image_rows(&run.class_rows_path(), &image_rows(4, 10), Some(10)).unwrap();
    assert_eq!(run.image_rows(&run.class_rows_path(), Some(10)).unwrap(), Some(image_rows(4, 10)));
    let idx = Idx::read_file(&dir.path().join("digits.idx4")).unwrap();
    assert_eq!(idx.shape(), [4, 10, 2, 3]);
    assert_eq!(idx.data(), &IdxData::U8((0..240).collect()));
}

#[test]
fn image_rows_of_different_shapes_or_without_images_are_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    let mut odd = image_rows(2, 5);
    odd.extend(image_rows(1, 4));
    assert!(matches!(
        run.write_image_rows(&run.latent_walk_path(), &odd, None),
        Err(Error::ImageRowsDiffer { first: [5, 2, 3], other: [4, 2, 3], .. })
    ));
    let none = Images::new(2, 3, Vec::new()).unwrap();
    for rows in [&[][..], &[none]] {
        assert!(matches!(
            run.write_image_rows(&run.latent_walk_path(), rows, None),
            Err(Error::NotImageRows { .. })
        ));
    }
    let nine = run.write_image_rows(&run.class_rows_path(), &image_rows(2, 9), Some(10));
    assert!(matches!(nine, Err(Error::NotImageRows { .. })));
    assert!(!run.latent_walk_path().exists() && !run.class_rows_path().exists());
}

#[test]
fn invalid_image_row_files_are_errors_with_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    let idx = |shape: &[usize], data| Idx::new(shape.to_vec(), data).unwrap();
    for wrong in [
        idx(&[1, 2, 3], IdxData::U8(vec![0; 6])),
        idx(&[1, 1, 1, 1, 1], IdxData::U8(vec![0])),
        idx(&[1, 10, 1, 1], IdxData::I8(vec![0; 10])),
        idx(&[0, 10, 1, 1], IdxData::U8(Vec::new())),
        idx(&[1, 10, 0, 1], IdxData::U8(Vec::new())),
    ] {
        for path in [run.latent_walk_path(), run.class_rows_path()] {
            wrong.write_file(&path).unwrap();
        }
        let (walk, digits) = (
            run.image_rows(&run.latent_walk_path(), None).unwrap_err(),
            run.image_rows(&run.class_rows_path(), Some(10)).unwrap_err(),
        );
        for (error, name) in [(walk, "latent_walk.idx4"), (digits, "digits.idx4")] {
            assert!(matches!(error, Error::NotImageRows { .. }), "{wrong:?}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    let nine = idx(&[1, 9, 1, 1], IdxData::U8(vec![0; 9]));
    nine.write_file(&run.class_rows_path()).unwrap();
    let error = run.image_rows(&run.class_rows_path(), Some(10)).unwrap_err().to_string();
    assert!(error.contains("[rows, 10, height, width]"), "{error}");

    for path in [run.latent_walk_path(), run.class_rows_path(), run.nearest_path()] {
        fs::write(&path, b"\0\0\x08").unwrap();
    }
    for (error, name) in [
        (run.image_rows(&run.latent_walk_path(), None).unwrap_err(), "latent_walk.idx4"),
        (run.image_rows(&run.class_rows_path(), Some(10)).unwrap_err(), "digits.idx4"),
        (run.nearest().unwrap_err(), "nearest.idx3"),
    ] {
        assert!(matches!(error, Error::Idx(_)));
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn unknown_configuration_key_is_an_error_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(dir.path(), &config(), Some(&real_images())).unwrap();
    let text = fs::read_to_string(run.config_path()).unwrap();
    run.save(&run.config_path(), format!("colour = 1\n{text}").as_bytes()).unwrap();
    let error = run.config().unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}
