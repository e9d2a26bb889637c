//! Reads any bytes as a file of a run directory. Checks that nothing panics and
//! that a valid file is written and read back unchanged. The first byte selects
//! the file.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mnist_io::Images;
use run_dir::{Result, RunDir};
use tempfile::TempDir;

/// A run directory to read from, and one to write to.
struct Dirs {
    _root: TempDir,
    from: RunDir,
    to: RunDir,
}

static DIRS: LazyLock<Dirs> = LazyLock::new(|| {
    let root = TempDir::new().expect("a temporary folder");
    let [from, to] = ["from", "to"].map(|name| {
        let dir = root.path().join(name);
        fs::create_dir(&dir).expect("a folder");
        fs::write(dir.join("config.toml"), "").expect("a file in the folder");
        let run = RunDir::open(&dir).expect("a run directory");
        fs::create_dir(run.snapshots_dir()).expect("a folder for samples");
        run
    });
    Dirs { _root: root, from, to }
});

fuzz_target!(|bytes: &[u8]| {
    let Some((pick, bytes)) = bytes.split_first() else {
        return;
    };
    let Dirs { from, to, .. } = &*DIRS;
    // Without the checksums of earlier files.
    let _ = fs::remove_file(to.checksums_path());
    let to = &RunDir::open(to.root()).expect("a run directory");
    let put = |path: &Path| fs::write(path, bytes).expect("room for a small file");
    match pick % 9 {
        0 => {
            put(&from.config_path());
            again(from.config(), |config| {
                let text = toml::to_string(config).expect("a valid configuration can be written");
                fs::write(to.config_path(), text).expect("room for a small file");
                to.config()
            });
        }
        1 => {
            put(&from.metrics_path());
            again(from.metrics(), |rows| {
                let _ = fs::remove_file(to.metrics_path());
                rows.iter().try_for_each(|row| to.append_metrics(row))?;
                to.metrics()
            });
        }
        2 => {
            put(&from.densities_path());
            again(from.densities(), |rows| {
                let _ = fs::remove_file(to.densities_path());
                rows.iter().try_for_each(|row| to.append_density(row))?;
                to.densities()
            });
        }
        3 => {
            put(&from.latent_walk_path());
            exactly(from.image_rows(&from.latent_walk_path(), None), |rows| {
                to.write_image_rows(
                    &to.latent_walk_path(),
                    rows.as_deref().unwrap_or_default(),
                    None,
                )?;
                to.image_rows(&to.latent_walk_path(), None)
            });
        }
        4 => {
            put(&from.class_rows_path());
            exactly(from.image_rows(&from.class_rows_path(), Some(10)), |rows| {
                to.write_image_rows(
                    &to.class_rows_path(),
                    rows.as_deref().unwrap_or_default(),
                    Some(10),
                )?;
                to.image_rows(&to.class_rows_path(), Some(10))
            });
        }
        5 => {
            put(&from.quality_path());
            again(from.quality(), |rows| {
                let _ = fs::remove_file(to.quality_path());
                rows.iter().try_for_each(|row| to.append_quality(row))?;
                to.quality()
            });
        }
        6 => {
            put(&from.snapshot_path(300));
            exactly(snapshot(from), |images| {
                to.write_snapshot(300, images)?;
                snapshot(to)
            });
        }
        7 => {
            put(&from.real_images_path());
            exactly(real_images(from), |images| {
                to.write_images(&to.real_images_path(), images)?;
                real_images(to)
            });
        }
        _ => {
            put(&from.checksums_path());
            if let Err(error) = from.check_files() {
                drop(error.to_string());
            }
            fs::remove_file(from.checksums_path()).expect("a file that was written");
        }
    }
});

fn snapshot(run: &RunDir) -> Result<Images> {
    run.read_images(&run.snapshot_path(300))
}

fn real_images(run: &RunDir) -> Result<Images> {
    run.read_images(&run.real_images_path())
}

/// Compares as text, because NaN does not equal itself.
fn again<T: std::fmt::Debug>(read: Result<T>, again: impl FnOnce(&T) -> Result<T>) {
    match read {
        Ok(first) => {
            let second = again(&first).expect("a valid file can be written and read");
            assert_eq!(format!("{first:?}"), format!("{second:?}"));
        }
        // Formatting the message must not panic.
        Err(error) => drop(error.to_string()),
    }
}

/// Compares pixels, because the text of images shows only their size.
fn exactly<T: PartialEq + std::fmt::Debug>(read: Result<T>, write: impl FnOnce(&T) -> Result<T>) {
    again(read, |first| {
        let second = write(first)?;
        assert!(second == *first, "different pixels");
        Ok(second)
    });
}
