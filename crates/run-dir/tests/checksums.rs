//! Changed files of a run, and files as killed processes and users leave them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{config, metrics_row, real_images};
use mnist_io::Images;
use run_dir::{Error, Logits, MetricsRow, QualityRow, ReportData, Result, RewindPoint, RunDir};

/// A file and the function that reads it.
type Reader = (PathBuf, fn(&RunDir) -> Result<()>);

/// Every file whose SHA-256 is recorded.
fn reads(run: &RunDir) -> Vec<Reader> {
    vec![
        (run.config_path(), |run| run.config().map(drop)),
        (run.metrics_path(), |run| run.metrics().map(drop)),
        (run.quality_path(), |run| run.quality().map(drop)),
        (run.real_images_path(), |run| run.read_images(&run.real_images_path()).map(drop)),
        (run.snapshot_path(300), |run| run.read_images(&run.snapshot_path(300)).map(drop)),
        (run.nearest_path(), |run| run.nearest().map(drop)),
        (run.latent_walk_path(), |run| run.image_rows(&run.latent_walk_path(), None).map(drop)),
        (run.class_rows_path(), |run| run.image_rows(&run.class_rows_path(), Some(10)).map(drop)),
        (run.game_path(), |run| run.image_rows(&run.game_path(), None).map(drop)),
        (run.real_nearest_path(), |run| run.image_rows(&run.real_nearest_path(), None).map(drop)),
        (run.report_data_path(), |run| run.report_data().map(drop)),
        (run.generator_graph_path(), |run| run.read(&run.generator_graph_path(), 99).map(drop)),
    ]
}

/// A run with two rows and every other file.
fn run_in(dir: &Path) -> RunDir {
    let run = RunDir::create(&dir.join("run"), &config(), Some(&real_images())).unwrap();
    let digits = Images::new(1, 1, (0..10).collect()).unwrap();
    for step in [100, 300] {
        run.append_metrics(&MetricsRow { step, ..metrics_row() }).unwrap();
        run.append_quality(&QualityRow { step, ..QualityRow::default() }).unwrap();
        run.write_snapshot(step, &real_images()).unwrap();
    }
    run.write_images(&run.nearest_path(), &real_images()).unwrap();
    run.write_image_rows(&run.latent_walk_path(), &[real_images()], None).unwrap();
    run.write_image_rows(&run.class_rows_path(), &[digits], Some(10)).unwrap();
    run.write_image_rows(&run.game_path(), &[real_images(), real_images()], None).unwrap();
    run.write_image_rows(&run.real_nearest_path(), &[real_images(), real_images()], None).unwrap();
    run.save(&run.generator_graph_path(), b"a network").unwrap();
    let (logits, game) = (Logits::default(), Logits::default());
    let machine = "a machine".to_owned();
    run.write_report_data(&ReportData { step: 300, machine, logits, game, evaluation: None })
        .unwrap();
    run.record_rows().unwrap();
    run
}

/// The same folder, as another process opens it.
fn again(run: &RunDir) -> RunDir {
    RunDir::open(run.root()).unwrap()
}

#[track_caller]
fn is_named(result: Result<()>, path: &Path) {
    let error = result.unwrap_err();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{name}: it is damaged")), "{error}");
}

#[test]
fn one_changed_byte_is_named_by_the_function_that_reads_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    again(&run).check_files().unwrap();
    for (path, read) in reads(&run) {
        read(&again(&run)).unwrap();
        let intact = fs::read(&path).unwrap();
        for place in (0..intact.len()).step_by(5).chain([intact.len() - 1]) {
            let mut damaged = intact.clone();
            damaged[place] ^= 1;
            fs::write(&path, damaged).unwrap();
            is_named(read(&again(&run)), &path);
            // A process that has read the file before.
            is_named(read(&run), &path);
            is_named(again(&run).check_files(), &path);
        }
        fs::write(&path, intact).unwrap();
        read(&run).unwrap();
    }
}

#[test]
fn a_row_file_cut_at_the_end_of_a_row_is_named_and_later_rows_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let rows = fs::read_to_string(run.metrics_path()).unwrap();
    let first = rows.split_inclusive('\n').next().unwrap();
    for cut in [first, ""] {
        fs::write(run.metrics_path(), cut).unwrap();
        is_named(run.metrics().map(drop), &run.metrics_path());
        is_named(run.check_files(), &run.metrics_path());
    }
    fs::write(run.metrics_path(), &rows).unwrap();
    run.append_metrics(&MetricsRow { step: 400, ..metrics_row() }).unwrap();
    assert_eq!(again(&run).metrics().unwrap().len(), 3);
    again(&run).check_files().unwrap();
}

/// A process may be killed between the line of a file and the file.
#[test]
fn the_old_and_the_new_content_of_a_replaced_file_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let path = run.generator_graph_path();
    for new in ["a second", "a third"] {
        let old = fs::read(&path).unwrap();
        run.save(&path, new.as_bytes()).unwrap();
        again(&run).check_files().unwrap();
        fs::write(&path, &old).unwrap();
        assert_eq!(again(&run).read(&path, 99).unwrap(), old);
        again(&run).check_files().unwrap();
    }
    // The first line of a new file, and half a line.
    run.save(&run.snapshot_path(400), b"new").unwrap();
    fs::remove_file(run.snapshot_path(400)).unwrap();
    let lines = fs::read(run.checksums_path()).unwrap();
    fs::write(run.checksums_path(), [&lines, &lines[..30]].concat()).unwrap();
    again(&run).check_files().unwrap();
    again(&run).write_snapshot(500, &real_images()).unwrap();
    again(&run).check_files().unwrap();
}

/// A reader that looked before the writer wrote.
#[test]
fn a_reader_accepts_files_that_another_process_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let reader = again(&run);
    reader.read(&run.generator_graph_path(), 99).unwrap();
    run.save(&run.generator_graph_path(), b"newer").unwrap();
    assert_eq!(reader.read(&run.generator_graph_path(), 99).unwrap(), b"newer");
}

#[test]
fn removed_files_are_accepted_and_a_resumed_run_writes_new_rows() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    fs::remove_file(run.metrics_path()).unwrap();
    fs::remove_file(run.snapshot_path(300)).unwrap();
    run.check_files().unwrap();
    assert_eq!(run.metrics().unwrap(), []);
    run.rewind(Some(RewindPoint { step: 300, last_snapshot: 300 })).unwrap();
    run.append_metrics(&MetricsRow { step: 400, ..metrics_row() }).unwrap();
    again(&run).check_files().unwrap();
    assert_eq!(again(&run).metrics().unwrap().len(), 1);
}

/// Each line that rewinding adds is the last one of a killed process.
#[test]
fn a_run_that_was_killed_while_it_rewound_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    fs::remove_file(run.quality_path()).unwrap();
    let old_rows = fs::read(run.metrics_path()).unwrap();
    let old_lines = fs::read_to_string(run.checksums_path()).unwrap().lines().count();
    run.rewind(Some(RewindPoint { step: 100, last_snapshot: 100 })).unwrap();
    let rows = fs::read(run.metrics_path()).unwrap();
    assert!(rows.len() < old_rows.len());
    let lines = fs::read_to_string(run.checksums_path()).unwrap();
    let lines: Vec<&str> = lines.split_inclusive('\n').collect();
    assert!(lines.len() > old_lines);
    for count in old_lines..=lines.len() {
        fs::write(run.checksums_path(), lines[..count].concat()).unwrap();
        let replaced = count > old_lines;
        fs::write(run.metrics_path(), if replaced { &rows } else { &old_rows }).unwrap();
        assert_eq!(again(&run).metrics().unwrap().len(), if replaced { 1 } else { 2 });
        let to = Some(RewindPoint { step: 100, last_snapshot: 100 });
        again(&run).rewind(to).unwrap();
        assert_eq!(fs::read(run.metrics_path()).unwrap(), rows);
    }
    // Before the rows were replaced, but after their line.
    fs::write(run.checksums_path(), lines[..=old_lines].concat()).unwrap();
    fs::write(run.metrics_path(), &old_rows).unwrap();
    assert_eq!(again(&run).metrics().unwrap().len(), 2);
}

#[test]
fn a_damaged_list_of_checksums_never_changes_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    let intact = fs::read(run.checksums_path()).unwrap();
    let rows = run.metrics().unwrap();
    let mut refused = 0;
    for place in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[place] ^= 1 << (place % 7);
        fs::write(run.checksums_path(), damaged).unwrap();
        match again(&run).metrics() {
            Ok(found) => assert_eq!(found, rows),
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("checksums.jsonl"), "{error}");
            }
        }
    }
    assert!(refused > 0);
    // The remedy.
    fs::remove_file(run.checksums_path()).unwrap();
    again(&run).check_files().unwrap();
    again(&run).append_metrics(&MetricsRow { step: 400, ..metrics_row() }).unwrap();
    again(&run).record_rows().unwrap();
    again(&run).check_files().unwrap();
}

#[test]
fn paths_outside_the_run_in_the_list_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(dir.path());
    fs::write(dir.path().join("victim"), "precious").unwrap();
    let lines = fs::read_to_string(run.checksums_path()).unwrap();
    let absolute = dir.path().join("victim").display().to_string();
    for path in ["../victim", &absolute] {
        let line = lines.lines().next().unwrap().replacen("originals.idx3", path, 1);
        assert!(line.contains(path));
        fs::write(run.checksums_path(), line + "\n").unwrap();
        let refused = again(&run).check_files().unwrap_err();
        assert!(matches!(refused, Error::Io { action: "open", .. }), "{refused}");
    }
}
