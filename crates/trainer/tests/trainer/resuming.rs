//! Resuming: a stopped run ends as an uninterrupted one, and damaged files are refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gan_config::{Preset, Pretraining, Settings, presets};
use gan_trainer::{Checkpoint, Checkpointer, Error, Observer, TrainConfig, TrainData, train};
use mnist_io::Split;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use run_dir::{MetricsRow, RunDir};

use crate::quality_curve::{digits, train_with_curve};
use crate::training::{checkpointer, golbin, run_in, tensors, train_config, without_times};
use crate::{lock_generator, new_gan, settings, train_on_bars, values, with};

/// Stops after so many rows.
pub struct Until(pub usize);

impl Observer for Until {
    fn metrics_written(&mut self, _row: &MetricsRow, _progress: f64) {
        self.0 -= 1;
    }
    fn should_stop(&mut self) -> bool {
        self.0 == 0
    }
}

/// Every file of a folder by its path in the folder, sorted.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The files that do not hold times: all but rows, checkpoints and the hashes of rows.
fn files_without_times(run: &RunDir) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = files(run.root());
    files.retain(|(name, _)| {
        let rows = name.extension().is_some_and(|e| e == "jsonl");
        !rows && !name.starts_with("checkpoints")
    });
    files
}

/// The state of the newest checkpoint, except times and the number of checkpoints
/// before it.
fn state(run: &RunDir) -> serde_json::Value {
    let (_, path) = run.newest_checkpoint().unwrap().unwrap();
    let checkpoint = Checkpoint::read(run, &path).unwrap();
    let mut state = serde_json::to_value(checkpoint.metadata()).unwrap();
    let all = state.as_object_mut().unwrap();
    all.remove("number").unwrap();
    let train = all["train"].as_object_mut().unwrap();
    train.remove("seconds").unwrap();
    state
}

/// Asserts that two runs differ in times only.
#[track_caller]
pub fn assert_same(a: &RunDir, b: &RunDir, what: &str) {
    let (a_files, b_files) = (files_without_times(a), files_without_times(b));
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&a_files), names(&b_files), "{what}");
    for ((name, a), (_, b)) in a_files.iter().zip(&b_files) {
        assert!(a == b, "{what}: {} differs", name.display());
    }
    assert_eq!(state(a), state(b), "{what}");
    let step = |run: &RunDir| run.newest_checkpoint().unwrap().unwrap().0;
    let (a_tensors, b_tensors) = (tensors(a, step(a)), tensors(b, step(b)));
    assert_eq!(a_tensors.len(), b_tensors.len(), "{what}");
    for ((name, a), (other, b)) in a_tensors.iter().zip(&b_tensors) {
        assert!(name == other && a == b, "{what}: {name} differs");
    }
    let rows = |run: &RunDir| without_times(&run.metrics().unwrap());
    assert_eq!(rows(a), rows(b), "{what}");
    let quality = |run: &RunDir| {
        let mut rows = run.quality().unwrap();
        for row in &mut rows {
            (row.seconds, row.evaluation_seconds) = (0.0, 0.0);
        }
        rows
    };
    assert_eq!(quality(a), quality(b), "{what}");
    assert_eq!(a.densities().unwrap(), b.densities().unwrap(), "{what}");
}

/// Resumes, and lists the reasons for invalid checkpoints.
pub fn resume(run: &RunDir) -> Result<(Checkpointer, Vec<String>), Error> {
    let mut skipped = Vec::new();
    let checkpointer =
        Checkpointer::resume(run.clone(), None, &mut |e| skipped.push(e.to_string()))?;
    Ok((checkpointer, skipped))
}

/// Every pair of networks, and every setting with a state of its own or a dependence
/// on the step.
fn systems() -> Vec<(String, &'static str, Settings)> {
    let presets = presets().iter();
    let mut systems: Vec<_> = presets
        .filter(|preset| !preset.name.starts_with("oshea-"))
        .map(|preset| {
            let Preset { name, networks, settings, .. } = preset;
            (name.clone(), networks.as_str(), settings.clone())
        })
        .collect();
    for (preset, pairs) in [
        ("golbin", &["spectral_norm=true", "ema_images=20"][..]),
        ("golbin", &["optimizer=sgd", "momentum.first=0.5", "momentum.last=0.7"]),
        ("golbin-conditional", &["dragan=1", "with_replacement=true"]),
        ("modern", &["loss=wasserstein", "r1=0", "r2=0", "gradient_penalty=10"]),
        ("golbin", &["clip=0.01", "schedule=notebook"]),
        ("modern", &["pretrain_images=64", "spectral_norm=true"]),
    ] {
        let changed = with(settings(preset), pairs);
        systems.push((format!("{preset} {}", pairs.join(" ")), preset, changed));
    }
    systems
}

#[test]
fn every_system_ends_the_same_after_a_stop() {
    let _generator = lock_generator();
    for (name, networks, mut settings) in systems() {
        let dir = tempfile::tempdir().unwrap();
        settings.train_images = None;
        // Epochs of 4.5 steps, and a snapshot outside the schedule at the stop.
        settings.batch = 2;
        settings.images = 2 * settings.schedule.batches_for_steps(7).unwrap();
        settings.pretraining =
            settings.pretraining.map(|p| Pretraining { images: p.images.min(4), batch: 4 });
        (settings.report_every, settings.snapshot_every) = (1, 4);
        settings.penalty_every = settings.penalty_every.min(2);
        let config = train_config(settings, networks);
        let generator = &config.networks.generator;
        let conditional = generator.conditional();
        let data = match generator.image_side() {
            1 => TrainData::Gaussian,
            _ => train_on_bars(9),
        };
        let (uninterrupted, stopped) = (run_in(&dir, "a"), run_in(&dir, "b"));
        let mut a = checkpointer(&uninterrupted);
        train(&config, &data, &mut a, &mut Until(99)).unwrap();

        let mut b = checkpointer(&stopped);
        train(&config, &data, &mut b, &mut Until(5)).unwrap();
        drop(b);
        let (mut b, skipped) = resume(&stopped).unwrap();
        assert_eq!(skipped, [""; 0]);
        assert!(!b.is_complete(conditional).unwrap());
        train(&config, &data, &mut b, &mut Until(99)).unwrap();
        drop(b);
        assert_same(&uninterrupted, &stopped, &name);
        let (b, _) = resume(&stopped).unwrap();
        assert!(b.is_complete(conditional).unwrap());
    }
}

#[test]
fn each_point_of_the_quality_curve_occurs_once_after_a_stop() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..64), digits(Split::Test, 0..100));
    let data = train_with_curve(training, test);
    let mut config = golbin(10);
    config.settings.evaluate_every = Some(4);
    config.settings.report_every = 1;
    let (uninterrupted, stopped) = (run_in(&dir, "a"), run_in(&dir, "b"));
    let train_until = |checkpointer: &mut Checkpointer, rows| {
        train(&config, &data, checkpointer, &mut Until(rows)).unwrap();
    };
    train_until(&mut checkpointer(&uninterrupted), 99);
    train_until(&mut checkpointer(&stopped), 5);
    // As a process leaves it that is killed after its last checkpoint.
    let after = run_dir::QualityRow { step: 8, ..uninterrupted.quality().unwrap()[0].clone() };
    stopped.append_quality(&after).unwrap();
    train_until(&mut resume(&stopped).unwrap().0, 99);
    let steps: Vec<u64> = stopped.quality().unwrap().iter().map(|r| r.step).collect();
    assert_eq!(steps, [4, 8, 10]);
    assert_same(&uninterrupted, &stopped, "evaluated");
}

/// Networks of numbers: their steps and checkpoints are the smallest.
fn small_config(steps: u64) -> TrainConfig {
    let mut config = golbin(steps);
    config.networks = gan_models::by_name("gaussian", gan_models::DIGITS, None).unwrap();
    config
}

/// A run with a checkpoint after each of `steps` steps.
fn run_of(steps: u64, dir: &tempfile::TempDir, name: &str) -> (TrainConfig, RunDir) {
    let (config, run) = (small_config(steps), run_in(dir, name));
    let mut checkpointer = Checkpointer::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let until = &mut Until(99);
    train(&config, &TrainData::Gaussian, &mut checkpointer, until).unwrap();
    (config, run)
}

/// The clock passes its end while the loop waits for the device.
#[test]
fn one_more_step_finishes_a_schedule_whose_time_was_over_at_the_checkpoint() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = small_config(1);
    config.settings.report_every = 1;
    config.time_limit_seconds = Some(3600.0);
    let data = TrainData::Gaussian;
    train(&config, &data, &mut checkpointer(&run), &mut Until(3)).unwrap();
    config.time_limit_seconds = Some(1e-9);
    let (mut resumed, _) = resume(&run).unwrap();
    let outcome = train(&config, &data, &mut resumed, &mut Until(99)).unwrap();
    assert_eq!((outcome.step, outcome.finished), (4, true));
    drop(resumed);
    assert!(resume(&run).unwrap().0.is_complete(false).unwrap());
}

fn steps(run: &RunDir) -> Vec<u64> {
    let checkpoints = run.checkpoints().unwrap();
    checkpoints.iter().map(|(step, _)| *step).collect()
}

#[test]
fn the_last_two_checkpoints_and_every_tenth_are_kept() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(23, &dir, "run");
    assert_eq!(steps(&run), [10, 20, 22, 23]);
    let names = files(&run.checkpoints_dir()).into_iter();
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    let expected = ["000010", "000020", "000022", "000023"].map(|step| {
        [".safetensors", ".safetensors.sha256"].map(|end| PathBuf::from(format!("{step}{end}")))
    });
    assert_eq!(names, expected.concat());
}

#[test]
fn a_file_that_is_no_checkpoint_is_never_removed() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let foreign = run.checkpoint_path(0);
    fs::write(&foreign, b"another program's weights").unwrap();
    let config = small_config(5);
    let mut checkpointer = Checkpointer::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let data = TrainData::Gaussian;
    train(&config, &data, &mut checkpointer, &mut Until(99)).unwrap();
    assert_eq!(steps(&run), [0, 4, 5]);
    assert_eq!(fs::read(foreign).unwrap(), b"another program's weights");
}

#[test]
fn resumes_before_a_damaged_checkpoint_and_reports_the_file() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, uninterrupted) = run_of(3, &dir, "uninterrupted");
    for (file, how) in [
        ("000003.safetensors", "changed"),
        ("000003.safetensors", "empty"),
        ("000003.safetensors.sha256", "changed"),
        ("000003.safetensors.sha256", "empty"),
        ("000003.safetensors.sha256", "gone"),
    ] {
        let (_, run) = run_of(3, &dir, &format!("{how}-{file}"));
        let path = run.checkpoints_dir().join(file);
        let mut bytes = fs::read(&path).unwrap();
        match how {
            "changed" => bytes[19] ^= 1,
            _ => bytes.clear(),
        }
        fs::write(&path, bytes).unwrap();
        if how == "gone" {
            fs::remove_file(&path).unwrap();
        }
        let (mut resumed, skipped) = resume(&run).unwrap();
        assert!(skipped.len() == 1 && skipped[0].contains(file), "{skipped:?}");
        assert_eq!(resumed.resume_state().unwrap().step, 2);
        let data = TrainData::Gaussian;
        train(&config, &data, &mut resumed, &mut Until(99)).unwrap();
        assert_same(&uninterrupted, &run, file);
        assert_eq!(steps(&run), [2, 3]);
    }
}

#[test]
fn without_a_valid_checkpoint_nothing_is_changed() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(3, &dir, "run");
    for (_, path) in run.checkpoints().unwrap() {
        fs::write(path, b"x").unwrap();
    }
    let before = files(run.root());
    let refused = resume(&run).unwrap_err();
    assert!(matches!(refused, Error::NoValidCheckpoint { .. }), "{refused}");
    assert!(files(run.root()) == before);
}

#[test]
fn refuses_a_changed_configuration_by_name() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(3, &dir, "run");
    let mut config = fs::read(run.config_path()).unwrap();
    config.push(b'\n');
    fs::write(run.config_path(), config).unwrap();
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("config.toml: it is damaged"), "{refused}");
    // Without its SHA-256, that in the checkpoint counts.
    fs::remove_file(run.checksums_path()).unwrap();
    let run = RunDir::open(run.root()).unwrap();
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("config.toml: it changed"), "{refused}");
}

/// A changed digit leaves a valid row with another number.
#[test]
fn refuses_changed_rows_by_name_but_accepts_later_ones() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(3, &dir, "run");
    let path = run.metrics_path();
    let rows = fs::read_to_string(&path).unwrap();
    let last = run.metrics().unwrap().pop().unwrap();
    run.append_metrics(&MetricsRow { step: 4, ..last }).unwrap();
    resume(&run).unwrap();
    for changed in [
        rows.replacen("\"step\":1,", "\"step\":2,", 1),
        rows[..rows.len() - 1].to_owned(),
        String::new(),
    ] {
        fs::write(&path, changed).unwrap();
        for refused in [run.metrics().unwrap_err().into(), resume(&run).unwrap_err()] {
            let refused = refused.to_string();
            assert!(refused.contains("metrics.jsonl: it is damaged"), "{refused}");
        }
    }
    fs::remove_file(&path).unwrap();
    let (resumed, _) = resume(&run).unwrap();
    assert_eq!(resumed.resume_state().unwrap().step, 3);
}

/// A process that is killed before its first snapshot leaves such a run.
#[test]
fn a_run_without_checkpoint_and_results_begins_in_its_folder() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, uninterrupted) = run_of(3, &dir, "uninterrupted");
    let run = run_in(&dir, "run");
    drop(Checkpointer::new(run.clone(), None).unwrap());
    let (mut resumed, _) = resume(&run).unwrap();
    assert_eq!(resumed.resume_state(), None);
    train(&config, &TrainData::Gaussian, &mut resumed, &mut Until(99)).unwrap();
    assert_same(&uninterrupted, &run, "begun");
}

#[test]
fn without_checkpoints_a_run_with_results_is_deleted_only_by_restart() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, uninterrupted) = run_of(3, &dir, "uninterrupted");
    for lost in ["folder", "files", "hashes", "files of a run with figures only"] {
        let (_, run) = run_of(3, &dir, lost);
        let folder = run.checkpoints_dir();
        if lost == "hashes" {
            run.checkpoints().unwrap().iter().for_each(|(_, path)| {
                fs::write(path.with_extension("safetensors.sha256"), "").unwrap();
            });
        } else {
            fs::remove_dir_all(&folder).unwrap();
        }
        if lost.starts_with("files") {
            fs::create_dir(&folder).unwrap();
        }
        if lost.ends_with("only") {
            run.row_files().iter().for_each(|path| drop(fs::remove_file(path)));
            fs::write(run.figures_dir().join("losses.svg"), "precious").unwrap();
        }
        let before = files(run.root());
        let refused = resume(&run).unwrap_err();
        assert!(matches!(refused, Error::NoValidCheckpoint { .. }), "{lost}: {refused}");
        assert!(files(run.root()) == before, "{lost}");

        let mut restarted = Checkpointer::restart(run.clone(), Some(Duration::ZERO)).unwrap();
        assert!(files(run.root()) == before, "{lost}");
        train(&config, &TrainData::Gaussian, &mut restarted, &mut Until(99)).unwrap();
        let _ = fs::remove_file(run.figures_dir().join("losses.svg"));
        assert_same(&uninterrupted, &run, lost);
    }
}

/// A link to an unmounted disk, for example.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_checkpoints_is_refused_and_nothing_is_deleted() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, run) = run_of(3, &dir, "run");
    let folder = run.checkpoints_dir();
    fs::remove_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("gone", &folder).unwrap();
    let rows = run.metrics().unwrap();
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("checkpoints is a link"), "{refused}");
    let mut restarted = Checkpointer::restart(run.clone(), None).unwrap();
    let data = TrainData::Gaussian;
    let refused = train(&config, &data, &mut restarted, &mut Until(99)).unwrap_err().to_string();
    assert!(refused.contains("checkpoints is a link"), "{refused}");
    assert_eq!(without_times(&run.metrics().unwrap()), without_times(&rows));
}

/// Copies the files of a run at a row, as they are if the process is killed then.
struct CopiesAt<'a>(u64, &'a RunDir, PathBuf);

impl Observer for CopiesAt<'_> {
    fn metrics_written(&mut self, row: &MetricsRow, _progress: f64) {
        if row.step == self.0 {
            for (name, bytes) in files(self.1.root()) {
                let path = self.2.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// The remedy of the message, and then a kill before the next checkpoint.
#[test]
fn a_run_continues_after_a_row_file_was_removed_and_the_process_was_killed() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (mut config, run) = (small_config(7), run_in(&dir, "run"));
    config.settings.report_every = 1;
    let data = TrainData::Gaussian;
    train(&config, &data, &mut checkpointer(&run), &mut Until(3)).unwrap();
    fs::write(run.metrics_path(), "damaged\n").unwrap();
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("remove metrics.jsonl and resume the run"), "{refused}");
    fs::remove_file(run.metrics_path()).unwrap();

    let copy = dir.path().join("killed");
    let (mut resumed, _) = resume(&run).unwrap();
    train(&config, &data, &mut resumed, &mut CopiesAt(5, &run, copy.clone())).unwrap();
    let killed = RunDir::open(&copy).unwrap();
    assert_eq!(killed.metrics().unwrap().len(), 2);
    let (mut resumed, skipped) = resume(&killed).unwrap();
    assert_eq!(skipped, [""; 0]);
    assert_eq!(resumed.resume_state().unwrap().step, 3);
    train(&config, &data, &mut resumed, &mut Until(99)).unwrap();
    assert_same(&run, &killed, "killed");
    let rows: Vec<u64> = killed.metrics().unwrap().iter().map(|row| row.step).collect();
    assert_eq!(rows, [4, 5, 6, 7]);
}

#[test]
fn training_stops_when_its_lock_is_removed() {
    struct RemovesLock(PathBuf);
    impl Observer for RemovesLock {
        fn metrics_written(&mut self, row: &MetricsRow, _progress: f64) {
            assert!(row.step <= 2, "training went on");
            if row.step == 2 {
                fs::remove_file(&self.0).unwrap();
            }
        }
    }
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (mut config, run) = (small_config(9), run_in(&dir, "run"));
    config.settings.report_every = 1;
    let mut first = checkpointer(&run);
    let observer = &mut RemovesLock(run.lock_path());
    let error = train(&config, &TrainData::Gaussian, &mut first, observer).unwrap_err();
    assert!(error.to_string().contains("the file lock in"), "{error}");
    assert_eq!(run.metrics().unwrap().len(), 2);
    assert_eq!(steps(&run), [0; 0]);
}

#[test]
fn an_old_checkpoint_that_cannot_be_removed_does_not_stop_training() {
    /// Puts a folder in the place of a file, which removing a file cannot remove.
    struct Blocks(RunDir);
    impl Observer for Blocks {
        fn checkpoint_saved(&mut self, step: u64, _number: u64) {
            if step == 1 {
                let hash = self.0.checkpoint_path(1).with_extension("safetensors.sha256");
                fs::remove_file(&hash).unwrap();
                fs::create_dir(&hash).unwrap();
            }
        }
    }
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, run) = (small_config(5), run_in(&dir, "run"));
    let mut checkpointer = Checkpointer::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let (data, observer) = (TrainData::Gaussian, &mut Blocks(run.clone()));
    let outcome = train(&config, &data, &mut checkpointer, observer).unwrap();
    assert!(outcome.finished);
    assert_eq!(steps(&run), [4, 5]);
}

#[test]
fn rows_that_are_damaged_during_training_do_not_stop_it_and_are_named_afterwards() {
    struct Damages(PathBuf);
    impl Observer for Damages {
        fn checkpoint_saved(&mut self, step: u64, _number: u64) {
            if step == 2 {
                let rows = fs::read_to_string(&self.0).unwrap();
                fs::write(&self.0, rows.replacen("\"step\":1,", "\"step\":0,", 1)).unwrap();
            }
        }
    }
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (mut config, run) = (small_config(5), run_in(&dir, "run"));
    config.settings.report_every = 1;
    let mut checkpointer = Checkpointer::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let (data, observer) = (TrainData::Gaussian, &mut Damages(run.metrics_path()));
    let outcome = train(&config, &data, &mut checkpointer, observer).unwrap();
    assert!(outcome.finished);
    assert_eq!(steps(&run), [4, 5]);
    drop(checkpointer);
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("metrics.jsonl: it is damaged"), "{refused}");
}

#[test]
fn a_run_that_is_stopped_during_pretraining_leaves_no_checkpoint() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (mut config, run) = (golbin(5), run_in(&dir, "run"));
    config.settings.pretraining = Some(Pretraining { images: 100, batch: 10 });
    let data = train_on_bars(64);
    let outcome = train(&config, &data, &mut checkpointer(&run), &mut Until(0)).unwrap();
    assert!(!outcome.finished && outcome.step == 0);
    assert_eq!(run.newest_checkpoint().unwrap(), None);
}

#[test]
fn the_clock_continues_from_the_checkpoint() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (mut config, run) = (golbin(1), run_in(&dir, "run"));
    let mut train_for = |seconds: f64, checkpointer: &mut Checkpointer, rows| {
        config.time_limit_seconds = Some(seconds);
        let data = train_on_bars(64);
        train(&config, &data, checkpointer, &mut Until(rows)).unwrap()
    };
    let stopped = train_for(1e6, &mut checkpointer(&run), 3);
    assert!(!stopped.finished);
    let (mut resumed, _) = resume(&run).unwrap();
    assert_eq!(resumed.resume_state().unwrap().seconds, stopped.seconds);
    // A clock that starts at 0 again would take more than one step.
    let ended = train_for(stopped.seconds + 1e-9, &mut resumed, usize::MAX);
    assert!(ended.finished && ended.seconds > stopped.seconds);
    assert_eq!(ended.step, stopped.step + 1);
    let seconds: Vec<f64> = run.metrics().unwrap().iter().map(|r| r.seconds).collect();
    assert!(seconds.is_sorted(), "{seconds:?}");
}

#[test]
fn a_state_that_diverged_is_not_saved() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1000);
    (config.settings.lr_d, config.settings.lr_g) = (1e30, 1e30);
    config.settings.report_every = 1000;
    let mut every_step = Checkpointer::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let data = train_on_bars(64);
    let error = train(&config, &data, &mut every_step, &mut Until(99)).unwrap_err();
    assert!(matches!(&error, Error::Diverged { .. }), "{error}");
    for (_, path) in run.checkpoints().unwrap() {
        let mut gan = new_gan("golbin", &config.settings);
        Checkpoint::read(&run, &path).unwrap().restore(&mut gan).unwrap();
        assert_eq!(gan.first_non_finite(), None);
    }
}

/// A byte outside the checkpoints makes the run refused by the name of the file.
#[test]
fn one_changed_byte_anywhere_in_a_run_never_changes_the_weights() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (config, run) = run_of(3, &dir, "run");
    let weights = |path: &Path| {
        let mut gan = new_gan("gaussian", &config.settings);
        Checkpoint::read(&run, path).unwrap().restore(&mut gan).unwrap();
        let state = gan.state_dict().into_iter();
        state.map(|(_, _, x)| values(&x)).collect::<Vec<_>>()
    };
    let saved = [2, 3].map(|step| weights(&run.checkpoint_path(step)));
    assert!(saved[0] != saved[1]);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let all: Vec<_> =
        files(run.root()).into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
    let (mut refused, mut skipped_newest) = (0, 0);
    for _ in 0..1000 {
        let (name, intact) = &all[rng.random_range(0..all.len())];
        let mut damaged = intact.clone();
        let place = rng.random_range(0..intact.len());
        damaged[place] ^= rng.random_range(1..=255u8);
        let path = run.root().join(name);
        fs::write(&path, damaged).unwrap();
        let file = name.file_name().unwrap().to_str().unwrap();
        let hashed = !name.starts_with("checkpoints") && file != "checksums.jsonl";
        match run.config().map_err(Error::from).and_then(|_| resume(&run)) {
            Ok((resumed, skipped)) => {
                assert!(!hashed, "{}", name.display());
                let step = resumed.resume_state().unwrap().step;
                let newest = file.starts_with("000003.safetensors");
                assert_eq!(step, if newest { 2 } else { 3 });
                assert_eq!(skipped.len(), usize::from(newest));
                assert!(skipped.iter().all(|reason| reason.contains(file)));
                skipped_newest += skipped.len();
                let saved = &saved[(step - 2) as usize];
                assert!(weights(&run.checkpoint_path(step)) == *saved);
            }
            Err(error) => {
                assert!(hashed || file == "checksums.jsonl", "{}", name.display());
                assert!(error.to_string().contains(file), "{error}");
                refused += 1;
            }
        }
        fs::write(&path, intact).unwrap();
    }
    assert!(refused > 0 && skipped_newest > 0);
}
