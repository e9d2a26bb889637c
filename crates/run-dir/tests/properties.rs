//! What holds for every file of a run directory, tried on generated ones.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use mnist_io::Images;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use run_dir::{Config, DatasetInfo, DensityRow, Error, MetricsRow, Pictures, RunDir, Software};

/// A folder that is a run directory as far as opening it goes, and a property
/// tried on it with generated values, the same in every run.
fn holds<S: Strategy>(seed: u64, strategy: S, test: impl Fn(&RunDir, S::Value) -> TestCaseResult) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "").unwrap();
    let run = RunDir::open(dir.path()).unwrap();
    let config = ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&strategy, |value| test(&run, value));
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Every number, the odd ones often.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => any::<f64>(),
        6 => -2.0..2.0,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324]),
    ]
}

prop_compose! {
    fn metrics_row()(
        step in any::<u64>(), images_seen in any::<u64>(),
        [seconds, loss_d, loss_g, real_called_real, fake_called_real, lr_d, lr_g]
            in prop::array::uniform7(number()),
    ) -> MetricsRow {
        MetricsRow {
            step, images_seen, seconds, loss_d, loss_g, real_called_real, fake_called_real,
            lr_d, lr_g,
        }
    }
}

prop_compose! {
    fn density_row()(points in 0_usize..6)(
        step in any::<u64>(),
        [low, high, value] in prop::array::uniform3(number()),
        [originals, forgeries, decision] in prop::array::uniform3(vec(number(), points)),
    ) -> DensityRow {
        DensityRow { step, low, high, originals, forgeries, decision, value }
    }
}

prop_compose! {
    fn config()(
        [preset, device, precision, trainer, libtorch] in prop::array::uniform5(any::<String>()),
        [seed, batch, threads] in prop::array::uniform3(prop_oneof![0..u64::MAX, 0..100_u64]),
        seconds in prop::option::of(number()),
        dataset in prop::option::of(prop::array::uniform4(any::<String>())),
        test_images_sha256 in prop::option::of(any::<String>()),
        cells in prop::array::uniform5(0_u64..20),
        originals_above in any::<bool>(),
        train in prop::collection::btree_map(any::<String>(), any::<i64>(), 0..4),
    ) -> Config {
        let value = |(key, value)| (key, toml::Value::Integer(value));
        Config {
            preset, seed, batch, seconds, device, precision, threads,
            dataset: dataset.map(|[name, path, images_sha256, labels_sha256]| DatasetInfo {
                name, path, images: threads, images_sha256, labels_sha256, test_images_sha256,
            }),
            pictures: Pictures {
                grid: [cells[0], cells[1]],
                last_grid: [cells[2], cells[3]],
                originals_above,
                nearest_row: cells[4],
            },
            software: Software { trainer, libtorch },
            train: train.into_iter().map(value).collect(),
        }
    }
}

/// 1 to 4 rows of 1 to 4 images of one size.
fn stack(columns: usize) -> impl Strategy<Value = Vec<Images>> {
    (1_usize..4, 1_usize..4, 1_usize..4).prop_flat_map(move |(rows, height, width)| {
        let row = vec(any::<u8>(), columns * height * width);
        vec(
            row.prop_map(move |row| Images::new(height, width, row).unwrap()),
            rows,
        )
    })
}

/// Compared as text: a NaN does not equal itself, and 0 equals -0.
fn text<T: Debug>(value: T) -> String {
    format!("{value:?}")
}

/// JSON has neither infinities nor NaN.
fn nan_unless_finite(number: f64) -> f64 {
    if number.is_finite() { number } else { f64::NAN }
}

fn names(error: &Error, path: &Path) -> bool {
    error.to_string().contains(path.to_str().unwrap())
}

#[test]
fn a_configuration_comes_back_or_is_refused_before_anything_is_there() {
    holds(1, config(), |run, config| {
        let dir = run.root().join("new");
        match RunDir::create(&dir, &config, None) {
            Ok(run) => prop_assert_eq!(text(run.config().unwrap()), text(config)),
            Err(error) => {
                prop_assert!(matches!(error, Error::Config { .. }), "{error}");
                prop_assert!(!dir.exists());
                return Ok(());
            }
        }
        fs::remove_dir_all(dir).unwrap();
        Ok(())
    });
}

/// Of a file that held no row before one was `written`: it holds what was
/// `expected` or, where the row was refused, still nothing.
fn came_back_or_was_refused<R: PartialEq + Debug>(
    written: run_dir::Result<()>,
    read: Vec<R>,
    expected: R,
) -> TestCaseResult {
    match written {
        Ok(()) => prop_assert_eq!(text(read), text([expected])),
        Err(error) => {
            prop_assert!(matches!(error, Error::Row { line: None, .. }), "{error}");
            prop_assert_eq!(read, []);
        }
    }
    Ok(())
}

#[test]
fn a_metrics_row_comes_back_or_is_refused_before_it_is_written() {
    holds(2, metrics_row(), |run, row| {
        let _ = fs::remove_file(run.metrics_path());
        let written = run.append_metrics(&row);
        let read = run.metrics().unwrap();
        let expected = MetricsRow {
            loss_d: nan_unless_finite(row.loss_d),
            loss_g: nan_unless_finite(row.loss_g),
            ..row
        };
        came_back_or_was_refused(written, read, expected)
    });
}

#[test]
fn a_density_row_comes_back_or_is_refused_before_it_is_written() {
    holds(3, density_row(), |run, row| {
        let _ = fs::remove_file(run.densities_path());
        let written = run.append_density(&row);
        let read = run.densities().unwrap();
        let finite = |column: &[f64]| column.iter().copied().map(nan_unless_finite).collect();
        let expected = DensityRow {
            originals: finite(&row.originals),
            forgeries: finite(&row.forgeries),
            decision: finite(&row.decision),
            value: nan_unless_finite(row.value),
            ..row
        };
        came_back_or_was_refused(written, read, expected)
    });
}

#[test]
fn rows_cut_anywhere_lose_only_the_last_and_go_on() {
    let rows = vec(metrics_row().prop_map(sound), 1..4);
    holds(4, (rows, any::<Index>()), |run, (rows, at)| {
        let file = file_of(run, &rows);
        let cut = at.index(file.len() + 1);
        fs::write(run.metrics_path(), &file[..cut]).unwrap();
        let whole = file[..cut].iter().filter(|&&byte| byte == b'\n').count();
        prop_assert_eq!(text(run.metrics().unwrap()), text(&rows[..whole]));
        // Whole again with the next row.
        let next = &rows[rows.len() - 1];
        run.append_metrics(next).unwrap();
        let expected: Vec<_> = rows[..whole].iter().chain([next]).collect();
        prop_assert_eq!(text(run.metrics().unwrap()), text(expected));
        Ok(())
    });
}

#[test]
fn one_byte_changed_in_rows_is_refused_by_line_or_changes_that_row_alone() {
    let rows = vec(metrics_row().prop_map(sound), 1..4);
    let input = (rows, any::<Index>(), 1_u8..);
    holds(5, input, |run, (rows, at, change)| {
        let mut file = file_of(run, &rows);
        let at = at.index(file.len());
        let line = file[..at].iter().filter(|&&byte| byte == b'\n').count();
        file[at] ^= change;
        fs::write(run.metrics_path(), &file).unwrap();
        match run.metrics() {
            Ok(read) => {
                // The last line end gone, the last line is one cut short.
                prop_assert!(read.len() == rows.len() || at == file.len() - 1);
                for (i, (read, row)) in read.iter().zip(&rows).enumerate() {
                    prop_assert!(i == line || text(read) == text(row), "row {i}");
                }
            }
            Err(Error::Row {
                path, line: told, ..
            }) => {
                prop_assert_eq!((path, told), (run.metrics_path(), Some(line + 1)));
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    });
}

/// The rows as they can be written and read without a change.
fn sound(mut row: MetricsRow) -> MetricsRow {
    for number in [
        &mut row.seconds,
        &mut row.loss_d,
        &mut row.loss_g,
        &mut row.real_called_real,
        &mut row.fake_called_real,
        &mut row.lr_d,
        &mut row.lr_g,
    ] {
        if !number.is_finite() {
            *number = 0.5;
        }
    }
    row
}

/// The bytes of `metrics.jsonl` with these rows.
fn file_of(run: &RunDir, rows: &[MetricsRow]) -> Vec<u8> {
    let _ = fs::remove_file(run.metrics_path());
    for row in rows {
        run.append_metrics(row).unwrap();
    }
    fs::read(run.metrics_path()).unwrap()
}

#[test]
fn rows_of_images_come_back() {
    holds(6, (stack(3), stack(10)), |run, (walk, digits)| {
        run.write_walk(&walk).unwrap();
        prop_assert_eq!(run.walk().unwrap(), Some(walk));
        run.write_digits(&digits).unwrap();
        prop_assert_eq!(run.digits().unwrap(), Some(digits));
        Ok(())
    });
}

#[test]
fn a_damaged_file_of_images_is_refused_by_name_or_differs_in_one_pixel() {
    let input = (stack(10), any::<Index>(), 1_u8..);
    holds(7, input, |run, (rows, at, change)| {
        run.write_digits(&rows).unwrap();
        let path = run.digits_path();
        let mut file = fs::read(&path).unwrap();
        fs::write(&path, &file[..at.index(file.len())]).unwrap();
        prop_assert!(names(&run.digits().unwrap_err(), &path));

        let at = at.index(file.len());
        file[at] ^= change;
        fs::write(&path, &file).unwrap();
        match run.digits() {
            Ok(read) => {
                let pixels = |rows: &[Images]| {
                    rows.iter()
                        .flat_map(Images::pixels)
                        .copied()
                        .collect::<Vec<_>>()
                };
                let (read, rows) = (pixels(&read.unwrap()), pixels(&rows));
                prop_assert_eq!(read.len(), rows.len());
                prop_assert_eq!(read.iter().zip(&rows).filter(|(a, b)| a != b).count(), 1);
            }
            Err(error) => prop_assert!(names(&error, &path), "{error}"),
        }
        Ok(())
    });
}

/// How each file is read, with its path.
type Read = (PathBuf, fn(&RunDir) -> Result<(), Error>);

fn readers(run: &RunDir) -> [Read; 9] {
    let _ = fs::create_dir(run.samples_dir());
    [
        (run.config_path(), |run| run.config().map(drop)),
        (run.metrics_path(), |run| run.metrics().map(drop)),
        (run.densities_path(), |run| run.densities().map(drop)),
        (run.quality_path(), |run| run.quality().map(drop)),
        (run.originals_path(), |run| images(&run.originals_path())),
        (run.samples_path(300), |run| images(&run.samples_path(300))),
        (run.nearest_path(), |run| run.nearest().map(drop)),
        (run.walk_path(), |run| run.walk().map(drop)),
        (run.digits_path(), |run| run.digits().map(drop)),
    ]
}

fn images(path: &Path) -> Result<(), Error> {
    Ok(Images::read_file(path).map(drop)?)
}

#[test]
fn any_bytes_in_any_file_are_read_or_refused_by_name() {
    let bytes = vec(any::<u8>(), 0..200);
    let words = vec(
        prop_oneof![
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "\n", "=", "null", "1e999", "-", "step",
                "preset", "\u{feff}",
            ])
            .prop_map(|word| word.as_bytes().to_vec()),
            vec(any::<u8>(), 0..4),
        ],
        0..60,
    )
    .prop_map(|words| words.concat());
    holds(8, prop_oneof![bytes, words], |run, bytes| {
        for (path, read) in readers(run) {
            fs::write(&path, &bytes).unwrap();
            if let Err(error) = read(run) {
                prop_assert!(names(&error, &path), "{error}");
            }
        }
        Ok(())
    });
}

/// Brackets that a parser would follow down until its stack is gone.
#[test]
fn deep_nesting_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "").unwrap();
    let run = RunDir::open(dir.path()).unwrap();
    for open in ["[", "{\"a\":", "a=[", "a={a=", "[a."] {
        for (path, read) in readers(&run) {
            fs::write(&path, format!("{}\n", open.repeat(100_000))).unwrap();
            assert!(names(&read(&run).unwrap_err(), &path));
        }
    }
}
