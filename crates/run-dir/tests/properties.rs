//! Property tests of the files of a run directory.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use gan_config::{Classes, FigureLayout, LipschitzConstraint, PenaltyKind, Precision, Settings};
use mnist_io::Images;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngSeed, TestCaseResult, TestRunner};
use run_dir::{
    CONFIG_FORMAT, DatasetInfo, DensityRow, Error, MetricsRow, RunConfig, RunDir, Software,
};

/// Checks a property with 300 generated values, the same in every test run. The
/// run directory has an empty configuration.
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

/// Any number; NaN, infinities and other special values are frequent.
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
        [seconds, loss_d, loss_g, d_real, d_fake, lr_d, lr_g]
            in prop::array::uniform7(number()),
    ) -> MetricsRow {
        MetricsRow {
            step, images_seen, seconds, loss_d, loss_g, d_real, d_fake,
            lr_d, lr_g,
        }
    }
}

prop_compose! {
    fn density_row()(points in 0_usize..6)(
        step in any::<u64>(),
        [low, high, value] in prop::array::uniform3(number()),
        [real, fake, discriminator] in prop::array::uniform3(vec(number(), points)),
    ) -> DensityRow {
        DensityRow { step, low, high, real, fake, discriminator, value }
    }
}

prop_compose! {
    fn config()(
        [preset, networks, device, trainer, libtorch] in prop::array::uniform5(any::<String>()),
        [seed, batch, threads] in prop::array::uniform3(prop_oneof![0..u64::MAX, 0..100_u64]),
        precision in prop_oneof![Just(Precision::F32), Just(Precision::Bf16)],
        loss in any::<String>(),
        [lr_d, lr_g] in prop::array::uniform2(number()),
        limit in prop::option::of(number()),
        gamma in number(),
        seconds in prop::option::of(number()),
        dataset in prop::option::of(prop::array::uniform4(any::<String>())),
        test_images_sha256 in prop::option::of(any::<String>()),
        cells in prop::array::uniform5(0_u64..20),
        real_above in any::<bool>(),
        labels in vec(any::<u8>(), 0..20),
    ) -> RunConfig {
        let mut settings = gan_config::preset("modern").unwrap().settings.clone();
        settings.set_penalty(PenaltyKind::R1, gamma);
        let lipschitz_constraint = limit.map(|limit| LipschitzConstraint::Clip { limit });
        RunConfig {
            format: CONFIG_FORMAT,
            preset, networks, seed, seconds, device, precision, threads,
            classes: Classes::from_labels(&labels),
            dataset: dataset.map(|[name, path, images_sha256, labels_sha256]| DatasetInfo {
                name, path, images: threads, images_sha256, labels_sha256, test_images_sha256,
            }),
            figures: FigureLayout {
                grid: [cells[0], cells[1]],
                last_grid: [cells[2], cells[3]],
                real_above,
                nearest_row: cells[4],
            },
            software: Software { trainer, libtorch },
            settings: Settings { batch, loss, lr_d, lr_g, lipschitz_constraint, ..settings },
        }
    }
}

/// 1 to 4 rows of 1 to 4 images of one size.
fn image_rows(columns: usize) -> impl Strategy<Value = Vec<Images>> {
    (1_usize..4, 1_usize..4, 1_usize..4).prop_flat_map(move |(rows, height, width)| {
        let row = vec(any::<u8>(), columns * height * width);
        vec(row.prop_map(move |row| Images::new(height, width, row).unwrap()), rows)
    })
}

/// Text for comparisons, because NaN does not equal itself and 0 equals -0.
fn text<T: Debug>(value: T) -> String {
    format!("{value:?}")
}

/// JSON has no infinity and no NaN.
fn nan_unless_finite(number: f64) -> f64 {
    if number.is_finite() { number } else { f64::NAN }
}

fn has_path(error: &Error, path: &Path) -> bool {
    error.to_string().contains(path.to_str().unwrap())
}

#[test]
fn configuration_is_read_back_or_rejected_without_leaving_a_file() {
    holds(1, config(), |run, config| {
        let dir = run.root().join("new");
        match RunDir::create(&dir, &config, None) {
            Ok(run) => prop_assert_eq!(text(run.config().unwrap()), text(config)),
            Err(error) => {
                prop_assert!(matches!(error, Error::Invalid { .. }), "{error}");
                prop_assert!(!dir.exists());
                return Ok(());
            }
        }
        fs::remove_dir_all(dir).unwrap();
        Ok(())
    });
}

/// Checks that `read` is the `expected` row, or empty if the row was rejected.
fn read_back_or_rejected<R: PartialEq + Debug>(
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
fn metrics_row_is_read_back_or_rejected_before_it_is_written() {
    holds(2, metrics_row(), |run, row| {
        let _ = fs::remove_file(run.metrics_path());
        let written = run.append_metrics(&row);
        let read = run.metrics().unwrap();
        let expected = MetricsRow {
            loss_d: nan_unless_finite(row.loss_d),
            loss_g: nan_unless_finite(row.loss_g),
            ..row
        };
        read_back_or_rejected(written, read, expected)
    });
}

#[test]
fn density_row_is_read_back_or_rejected_before_it_is_written() {
    holds(3, density_row(), |run, row| {
        let _ = fs::remove_file(run.densities_path());
        let written = run.append_density(&row);
        let read = run.densities().unwrap();
        let finite = |column: &[f64]| column.iter().copied().map(nan_unless_finite).collect();
        let expected = DensityRow {
            real: finite(&row.real),
            fake: finite(&row.fake),
            discriminator: finite(&row.discriminator),
            value: nan_unless_finite(row.value),
            ..row
        };
        read_back_or_rejected(written, read, expected)
    });
}

#[test]
fn row_file_cut_anywhere_loses_only_the_partial_row_and_can_be_appended() {
    let rows = vec(metrics_row().prop_map(finite), 1..4);
    holds(4, (rows, any::<Index>()), |run, (rows, at)| {
        let file = file_of(run, &rows);
        let cut = at.index(file.len() + 1);
        fs::write(run.metrics_path(), &file[..cut]).unwrap();
        let whole = file[..cut].iter().filter(|&&byte| byte == b'\n').count();
        prop_assert_eq!(text(run.metrics().unwrap()), text(&rows[..whole]));
        // The next row starts a new line.
        let next = &rows[rows.len() - 1];
        run.append_metrics(next).unwrap();
        let expected: Vec<_> = rows[..whole].iter().chain([next]).collect();
        prop_assert_eq!(text(run.metrics().unwrap()), text(expected));
        Ok(())
    });
}

#[test]
fn one_changed_byte_is_an_error_with_its_line_or_changes_only_that_row() {
    let rows = vec(metrics_row().prop_map(finite), 1..4);
    let input = (rows, any::<Index>(), 1_u8..);
    holds(5, input, |run, (rows, at, change)| {
        let mut file = file_of(run, &rows);
        let at = at.index(file.len());
        let line = file[..at].iter().filter(|&&byte| byte == b'\n').count();
        file[at] ^= change;
        fs::write(run.metrics_path(), &file).unwrap();
        match run.metrics() {
            Ok(read) => {
                // Without the last line end the last line is skipped.
                prop_assert!(read.len() == rows.len() || at == file.len() - 1);
                for (i, (read, row)) in read.iter().zip(&rows).enumerate() {
                    prop_assert!(i == line || text(read) == text(row), "row {i}");
                }
            }
            Err(Error::Row { path, line: told, .. }) => {
                prop_assert_eq!((path, told), (run.metrics_path(), Some(line + 1)));
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    });
}

/// Replaces NaN and infinities, so the row is read back unchanged.
fn finite(mut row: MetricsRow) -> MetricsRow {
    for number in [
        &mut row.seconds,
        &mut row.loss_d,
        &mut row.loss_g,
        &mut row.d_real,
        &mut row.d_fake,
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
fn image_rows_are_read_back() {
    holds(6, (image_rows(3), image_rows(10)), |run, (walk, digits)| {
        run.write_image_rows(&run.latent_walk_path(), &walk, None).unwrap();
        prop_assert_eq!(run.image_rows(&run.latent_walk_path(), None).unwrap(), Some(walk));
        run.write_image_rows(&run.class_rows_path(), &digits, Some(10)).unwrap();
        prop_assert_eq!(run.image_rows(&run.class_rows_path(), Some(10)).unwrap(), Some(digits));
        Ok(())
    });
}

#[test]
fn damaged_image_rows_are_an_error_with_the_path_or_differ_in_one_pixel() {
    let input = (image_rows(10), any::<Index>(), 1_u8..);
    holds(7, input, |run, (rows, at, change)| {
        run.write_image_rows(&run.class_rows_path(), &rows, Some(10)).unwrap();
        fs::remove_file(run.checksums_path()).unwrap();
        let run = RunDir::open(run.root()).unwrap();
        let path = run.class_rows_path();
        let mut file = fs::read(&path).unwrap();
        fs::write(&path, &file[..at.index(file.len())]).unwrap();
        prop_assert!(has_path(
            &run.image_rows(&run.class_rows_path(), Some(10)).unwrap_err(),
            &path
        ));

        let at = at.index(file.len());
        file[at] ^= change;
        fs::write(&path, &file).unwrap();
        match run.image_rows(&run.class_rows_path(), Some(10)) {
            Ok(read) => {
                let pixels = |rows: &[Images]| {
                    rows.iter().flat_map(Images::pixels).copied().collect::<Vec<_>>()
                };
                let (read, rows) = (pixels(&read.unwrap()), pixels(&rows));
                prop_assert_eq!(read.len(), rows.len());
                prop_assert_eq!(read.iter().zip(&rows).filter(|(a, b)| a != b).count(), 1);
            }
            Err(error) => prop_assert!(has_path(&error, &path), "{error}"),
        }
        Ok(())
    });
}

/// A file and the function that reads it.
type Reader = (PathBuf, fn(&RunDir) -> Result<(), Error>);

fn readers(run: &RunDir) -> [Reader; 9] {
    let _ = fs::create_dir(run.snapshots_dir());
    [
        (run.config_path(), |run| run.config().map(drop)),
        (run.metrics_path(), |run| run.metrics().map(drop)),
        (run.densities_path(), |run| run.densities().map(drop)),
        (run.quality_path(), |run| run.quality().map(drop)),
        (run.real_images_path(), |run| run.read_images(&run.real_images_path()).map(drop)),
        (run.snapshot_path(300), |run| run.read_images(&run.snapshot_path(300)).map(drop)),
        (run.nearest_path(), |run| run.nearest().map(drop)),
        (run.latent_walk_path(), |run| run.image_rows(&run.latent_walk_path(), None).map(drop)),
        (run.class_rows_path(), |run| run.image_rows(&run.class_rows_path(), Some(10)).map(drop)),
    ]
}

#[test]
fn any_bytes_in_any_file_are_read_or_are_an_error_with_the_path() {
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
                prop_assert!(has_path(&error, &path), "{error}");
            }
        }
        Ok(())
    });
}

/// A recursive parser without a limit would overflow its stack.
#[test]
fn deep_nesting_is_an_error_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("config.toml"), "").unwrap();
    let run = RunDir::open(dir.path()).unwrap();
    for open in ["[", "{\"a\":", "a=[", "a={a=", "[a."] {
        for (path, read) in readers(&run) {
            fs::write(&path, format!("{}\n", open.repeat(100_000))).unwrap();
            assert!(has_path(&read(&run).unwrap_err(), &path));
        }
    }
}
