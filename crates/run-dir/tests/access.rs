//! Links, special files and huge files in a run directory.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use common::{config, metrics_row, real_images};
use mnist_io::Images;
use run_dir::{DensityRow, Error, QualityRow, RunDir};

type Operation = (PathBuf, fn(&RunDir) -> Result<(), Error>);

/// Every file of a run with a function that reads it.
fn reads(run: &RunDir) -> Vec<Operation> {
    vec![
        (run.config_path(), |run| RunDir::open(run.root())?.config().map(drop)),
        (run.checksums_path(), |run| RunDir::open(run.root())?.config().map(drop)),
        (run.metrics_path(), |run| run.metrics().map(drop)),
        (run.densities_path(), |run| run.densities().map(drop)),
        (run.quality_path(), |run| run.quality().map(drop)),
        (run.real_images_path(), |run| run.read_images(&run.real_images_path()).map(drop)),
        (run.snapshot_path(300), |run| run.read_images(&run.snapshot_path(300)).map(drop)),
        (run.nearest_path(), |run| run.nearest().map(drop)),
        (run.latent_walk_path(), |run| run.image_rows(&run.latent_walk_path(), None).map(drop)),
        (run.class_rows_path(), |run| run.image_rows(&run.class_rows_path(), Some(10)).map(drop)),
        (run.checkpoint_path(300), |run| run.open_file(&run.checkpoint_path(300), 9).map(drop)),
    ]
}

/// Every file of a run with a function that writes it.
fn writes(run: &RunDir) -> Vec<Operation> {
    vec![
        (run.checksums_path(), |run| run.write_images(&run.nearest_path(), &real_images())),
        (run.metrics_path(), |run| run.append_metrics(&metrics_row())),
        (run.densities_path(), |run| run.append_density(&density_row())),
        (run.quality_path(), |run| run.append_quality(&QualityRow::default())),
        (run.real_images_path(), |run| run.write_images(&run.real_images_path(), &real_images())),
        (run.snapshot_path(300), |run| run.write_snapshot(300, &real_images())),
        (run.nearest_path(), |run| run.write_images(&run.nearest_path(), &real_images())),
        (run.latent_walk_path(), |run| {
            run.write_image_rows(&run.latent_walk_path(), &[real_images()], None)
        }),
        (run.class_rows_path(), |run| {
            run.write_image_rows(
                &run.class_rows_path(),
                &[Images::new(1, 1, vec![0; 10]).unwrap()],
                Some(10),
            )
        }),
        (run.checkpoint_path(300), |run| run.write(&run.checkpoint_path(300), |_| Ok(()))),
        (run.snapshot_figure_path(300), |run| {
            run.write(&run.snapshot_figure_path(300), |_| Ok(()))
        }),
        (run.lock_path(), |run| run.lock().map(drop)),
    ]
}

fn density_row() -> DensityRow {
    let ones = vec![1.0; 2];
    DensityRow {
        step: 1,
        low: 0.0,
        high: 1.0,
        real: ones.clone(),
        fake: ones.clone(),
        discriminator: ones,
        value: -1.0,
    }
}

/// A run with every file, beside the folder `outside` with one file.
fn run_in(dir: &Path) -> RunDir {
    fs::create_dir(dir.join("outside")).unwrap();
    fs::write(dir.join("outside/victim"), "precious\n").unwrap();
    let run = RunDir::create(&dir.join("run"), &config(), Some(&real_images())).unwrap();
    for (_, write) in writes(&run) {
        write(&run).unwrap();
    }
    run
}

/// Runs `operation`, which must end within ten seconds, and expects an error that names
/// `path` and holds `hint`.
#[track_caller]
fn refused(run: &RunDir, (path, operation): &Operation, at: &Path, hint: &str) {
    let (sender, receiver) = channel();
    let (run, operation) = (run.clone(), *operation);
    std::thread::spawn(move || sender.send(operation(&run)));
    let result = receiver.recv_timeout(Duration::from_secs(10));
    let error = result.unwrap_or_else(|_| panic!("{} hangs", path.display())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(at.to_str().unwrap()) && text.contains(hint), "{text}");
}

/// The folder outside the run is as it was.
#[track_caller]
fn is_untouched(dir: &Path) {
    let names: Vec<_> =
        fs::read_dir(dir.join("outside")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["victim"]);
    assert_eq!(fs::read_to_string(dir.join("outside/victim")).unwrap(), "precious\n");
}

#[test]
fn a_link_in_the_place_of_a_file_is_refused_by_name_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let operations = reads(&run).into_iter().chain(writes(&run));
    for target in ["victim", "new"] {
        for operation in operations.clone() {
            let path = &operation.0;
            let kept = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            symlink(dir.path().join("outside").join(target), path).unwrap();
            refused(&run, &operation, path, "is a link");
            fs::remove_file(path).unwrap();
            fs::write(path, kept).unwrap();
        }
        is_untouched(dir.path());
    }
}

#[test]
fn a_link_in_the_place_of_a_folder_is_refused_by_name_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let outside = dir.path().join("outside");
    for folder in
        [run.snapshots_dir(), run.checkpoints_dir(), run.snapshot_figures_dir(), run.figures_dir()]
    {
        let kept = dir.path().join("kept");
        fs::rename(&folder, &kept).unwrap();
        symlink(&outside, &folder).unwrap();
        for operation in reads(&run).into_iter().chain(writes(&run)) {
            if operation.0.starts_with(&folder) {
                refused(&run, &operation, &folder, "is a link");
            }
        }
        let cleaning = (folder.clone(), RunDir::remove_temporary_files as fn(&RunDir) -> _);
        refused(&run, &cleaning, &folder, "is a link");
        fs::write(outside.join(".tmp-0"), "x").unwrap();
        assert!(run.remove_temporary_files().is_err() && outside.join(".tmp-0").exists());
        fs::remove_file(outside.join(".tmp-0")).unwrap();
        fs::remove_file(&folder).unwrap();
        fs::rename(kept, &folder).unwrap();
    }
    run.rewind(None).unwrap();
    is_untouched(dir.path());
}

#[test]
fn rewinding_through_a_link_is_refused_and_removes_nothing_outside() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let outside = dir.path().join("outside");
    for (folder, file) in
        [(run.snapshots_dir(), "000300.idx3"), (run.snapshot_figures_dir(), "000300.png")]
    {
        fs::write(outside.join(file), "precious").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        symlink(&outside, &folder).unwrap();
        let error = run.rewind(None).unwrap_err().to_string();
        assert!(error.contains(folder.to_str().unwrap()) && error.contains("is a link"), "{error}");
        assert!(outside.join(file).exists());
        fs::remove_file(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
    }
}

#[test]
fn the_path_of_the_run_itself_may_be_a_link() {
    let dir = tempfile::tempdir().unwrap();
    run_in(dir.path());
    symlink("run", dir.path().join("link")).unwrap();
    let run = RunDir::open(&dir.path().join("link")).unwrap();
    run.append_metrics(&metrics_row()).unwrap();
    assert_eq!(run.metrics().unwrap().len(), 2);
}

#[test]
fn a_fifo_socket_or_folder_in_the_place_of_a_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    for kind in ["FIFO", "socket", "folder"] {
        for operation in reads(&run).into_iter().chain(writes(&run)) {
            let path = &operation.0;
            let kept = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            match kind {
                "FIFO" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
                "socket" => drop(UnixListener::bind(path).unwrap()),
                _ => fs::create_dir(path).unwrap(),
            }
            refused(&run, &operation, path, kind);
            fs::remove_file(path).or_else(|_| fs::remove_dir(path)).unwrap();
            fs::write(path, kept).unwrap();
        }
    }
}

/// The files are sparse: they take no space.
#[test]
fn a_huge_file_is_refused_at_once_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    for operation in reads(&run) {
        let kept = fs::read(&operation.0).unwrap();
        let file = File::options().write(true).open(&operation.0).unwrap();
        file.set_len(100_000_000_000).unwrap();
        refused(&run, &operation, &operation.0, "100000000000 bytes");
        fs::write(&operation.0, kept).unwrap();
    }
}

#[test]
fn an_endless_line_is_refused_with_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let file = File::options().write(true).open(run.metrics_path()).unwrap();
    file.set_len(1 << 29).unwrap();
    let error = run.metrics().unwrap_err();
    assert!(matches!(error, Error::Row { line: Some(2), .. }), "{error}");
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
    let error = run.append_metrics(&metrics_row()).unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl") && error.contains("longer than 1 MiB"), "{error}");
    // A row that could not be read back is not written.
    let long = DensityRow { real: vec![0.1; 1 << 18], ..density_row() };
    let long = DensityRow { fake: long.real.clone(), discriminator: long.real.clone(), ..long };
    let error = run.append_density(&long).unwrap_err();
    assert!(matches!(error, Error::Row { line: None, .. }), "{error}");
}

#[test]
fn compressed_images_are_refused_in_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let mut bomb = Vec::new();
    mnist_io::Idx::from(Images::new(4000, 4000, vec![0; 16_000_000]).unwrap())
        .write_gzip(&mut bomb)
        .unwrap();
    fs::write(run.nearest_path(), bomb).unwrap();
    fs::remove_file(run.checksums_path()).unwrap();
    let error = run.nearest().unwrap_err().to_string();
    assert!(error.contains("nearest.idx3"), "{error}");
}
