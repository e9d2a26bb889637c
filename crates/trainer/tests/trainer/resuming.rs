//! Checkpoints and resuming: a run that was stopped ends as if it had not been,
//! and nothing damaged is ever taken for whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gan_trainer::checkpoint::{self, Progress, RunFiles, STATE, State, Whole};
use gan_trainer::keeper::Keeper;
use gan_trainer::plan::{Exhibits, Plan};
use gan_trainer::settings::Settings;
use gan_trainer::train::{Watch, train};
use gan_trainer::{Error, presets};
use mnist_io::Split;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use run_dir::{MetricsRow, RunDir};

use crate::evaluator::{digits, evaluator};
use crate::training::{plan, run_in, without_times};
use crate::{exhibits, game, settings, take_turns};

/// Stops after so many rows.
struct Until(usize);

impl Watch for Until {
    fn reported(&mut self, _row: &MetricsRow, _done: f64) {
        self.0 -= 1;
    }
    fn stop(&mut self) -> bool {
        self.0 == 0
    }
}

/// Every file of a folder, by its path in there, in order.
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

/// The files that must not depend on where a run was stopped: all but those
/// with times in them, and the checkpoints before the last.
fn outputs(run: &RunDir) -> Vec<(PathBuf, Vec<u8>)> {
    let (_, last) = run.newest_checkpoint().unwrap().unwrap();
    let last = last.strip_prefix(run.root()).unwrap();
    let mut outputs = files(run.root());
    outputs.retain(|(name, _)| {
        let timed = name.ends_with(STATE) || name.extension().is_some_and(|e| e == "jsonl");
        !timed && (!name.starts_with("checkpoints") || name.starts_with(last))
    });
    outputs
}

#[track_caller]
fn same(a: &RunDir, b: &RunDir, what: &str) {
    let (a_files, b_files) = (outputs(a), outputs(b));
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&a_files), names(&b_files), "{what}");
    for ((name, a), (_, b)) in a_files.iter().zip(&b_files) {
        assert!(a == b, "{what}: {} differs", name.display());
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

fn resume(run: &RunDir) -> Result<(Keeper, Vec<String>), Error> {
    let mut skipped = Vec::new();
    let keeper = Keeper::resume(run.clone(), None, &mut |e| skipped.push(e.to_string()))?;
    Ok((keeper, skipped))
}

/// Every pair of networks, and everything that has a state of its own or changes
/// with the steps.
fn systems() -> Vec<(String, Settings)> {
    let mut systems: Vec<_> = presets::all()
        .into_iter()
        .filter(|preset| !preset.name.starts_with("oshea-"))
        .map(|preset| (preset.name.to_owned(), preset.settings))
        .collect();
    for (preset, sets) in [
        ("golbin", &["spectral_norm=true", "ema_images=20"][..]),
        (
            "golbin",
            &["optimizer=sgd", "momentum.first=0.5", "momentum.last=0.7"],
        ),
        ("golbin-conditional", &["dragan=1", "with_replacement=true"]),
        (
            "modern",
            &["loss=wasserstein", "r1=0", "r2=0", "gradient_penalty=10"],
        ),
        ("golbin", &["clip=0.01", "schedule=notebook"]),
        ("modern", &["pretrain_images=64", "spectral_norm=true"]),
    ] {
        let set = |settings: Settings, pair: &&str| settings.with(pair).unwrap();
        let changed = sets.iter().fold(settings(preset), set);
        systems.push((format!("{preset} {}", sets.join(" ")), changed));
    }
    systems
}

#[test]
fn every_system_ends_the_same_wherever_it_was_stopped() {
    let _turn = take_turns();
    for (name, settings) in systems() {
        let dir = tempfile::tempdir().unwrap();
        let mut plan = Plan {
            settings,
            ..plan(1)
        };
        let settings = &mut plan.settings;
        settings.train_images = 0;
        // Epochs of 4.5 steps, and a snapshot off the schedule at the stop.
        settings.batch = 2;
        settings.images = 2 * settings.schedule.batches_of(7).unwrap();
        settings.pretrain_images = settings.pretrain_images.min(4);
        settings.pretrain_batch = 4;
        (settings.report_every, settings.snapshot_every) = (1, 4);
        settings.penalty_every = settings.penalty_every.min(2);
        let set = exhibits(9);
        let images = !plan.settings.network.draws_originals();
        let exhibits = images.then_some(&set);
        let (straight, stopped) = (run_in(&dir, "a"), run_in(&dir, "b"));
        let mut keeper = Keeper::new(straight.clone(), None).unwrap();
        train(&plan, exhibits, &mut keeper, &mut Until(99)).unwrap();

        let mut keeper = Keeper::new(stopped.clone(), None).unwrap();
        train(&plan, exhibits, &mut keeper, &mut Until(5)).unwrap();
        drop(keeper);
        let (mut keeper, skipped) = resume(&stopped).unwrap();
        assert_eq!(skipped, [""; 0]);
        assert!(!keeper.is_complete(&plan.settings).unwrap());
        train(&plan, exhibits, &mut keeper, &mut Until(99)).unwrap();
        drop(keeper);
        same(&straight, &stopped, &name);
        let (keeper, _) = resume(&stopped).unwrap();
        assert!(keeper.is_complete(&plan.settings).unwrap());
    }
}

#[test]
fn each_point_of_the_quality_curve_is_there_once() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (training, test) = (digits(Split::Train, 0..64), digits(Split::Test, 0..100));
    let exhibits = Exhibits {
        evaluator: Some(evaluator(&training, &test, None)),
        shown: test,
        training: training.into(),
    };
    let mut plan = plan(10);
    (plan.settings.evaluate_every, plan.settings.report_every) = (4, 1);
    let (straight, stopped) = (run_in(&dir, "a"), run_in(&dir, "b"));
    let go = |keeper: &mut Keeper, rows| {
        train(&plan, Some(&exhibits), keeper, &mut Until(rows)).unwrap();
    };
    go(&mut Keeper::new(straight.clone(), None).unwrap(), 99);
    go(&mut Keeper::new(stopped.clone(), None).unwrap(), 5);
    // As if it had been killed further on.
    let after = run_dir::QualityRow {
        step: 8,
        ..straight.quality().unwrap()[0].clone()
    };
    stopped.append_quality(&after).unwrap();
    go(&mut resume(&stopped).unwrap().0, 99);
    let steps: Vec<u64> = stopped.quality().unwrap().iter().map(|r| r.step).collect();
    assert_eq!(steps, [4, 8, 10]);
    same(&straight, &stopped, "evaluated");
}

/// A run with a checkpoint after every step.
fn run_of(steps: u64, dir: &tempfile::TempDir, name: &str) -> (Plan, RunDir) {
    let mut plan = plan(steps);
    plan.settings.network = gan_trainer::networks::Network::Gaussian;
    let run = run_in(dir, name);
    let mut keeper = Keeper::new(run.clone(), Some(Duration::ZERO)).unwrap();
    train(&plan, None, &mut keeper, &mut Until(99)).unwrap();
    (plan, run)
}

/// As where a device is waited for after the last look at the clock.
#[test]
fn a_clock_that_had_run_out_unseen_is_finished_by_one_more_step() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1);
    plan.settings.network = gan_trainer::networks::Network::Gaussian;
    plan.settings.report_every = 1;
    plan.seconds = Some(3600.0);
    let mut keeper = Keeper::new(run.clone(), None).unwrap();
    train(&plan, None, &mut keeper, &mut Until(3)).unwrap();
    drop(keeper);
    plan.seconds = Some(1e-9);
    let (mut keeper, _) = resume(&run).unwrap();
    let outcome = train(&plan, None, &mut keeper, &mut Until(99)).unwrap();
    assert_eq!((outcome.steps, outcome.finished), (4, true));
    drop(keeper);
    assert!(resume(&run).unwrap().0.is_complete(&plan.settings).unwrap());
}

fn steps(run: &RunDir) -> Vec<u64> {
    let checkpoints = run.checkpoints().unwrap();
    checkpoints.iter().map(|(step, _)| *step).collect()
}

#[test]
fn the_last_two_checkpoints_and_every_tenth_are_kept() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(23, &dir, "run");
    assert_eq!(steps(&run), [10, 20, 22, 23]);
}

#[test]
fn a_damaged_checkpoint_is_left_out_by_file_and_the_one_before_goes_on() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (plan, straight) = run_of(3, &dir, "straight");
    for (file, how) in [
        ("generator.safetensors", "changed"),
        ("discriminator-adam-mean.safetensors", "empty"),
        (STATE, "empty"),
        ("generator-adam-square.safetensors", "gone"),
    ] {
        let (_, run) = run_of(3, &dir, &format!("damaged-{file}"));
        let path = run.checkpoint_path(3).join(file);
        let mut bytes = fs::read(&path).unwrap();
        match how {
            "changed" => bytes[99] ^= 1,
            _ => bytes.clear(),
        }
        fs::write(&path, bytes).unwrap();
        if how == "gone" {
            fs::remove_file(&path).unwrap();
        }
        let (mut keeper, skipped) = resume(&run).unwrap();
        assert!(
            skipped.len() == 1 && skipped[0].contains(file),
            "{skipped:?}"
        );
        assert_eq!(keeper.progress().unwrap().step, 2);
        train(&plan, None, &mut keeper, &mut Until(99)).unwrap();
        same(&straight, &run, file);
        assert_eq!(steps(&run), [2, 3]);
    }
}

#[test]
fn without_a_whole_checkpoint_nothing_is_begun() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(3, &dir, "run");
    for (_, path) in run.checkpoints().unwrap() {
        fs::write(path.join("discriminator.safetensors"), b"x").unwrap();
    }
    let before = files(run.root());
    let refused = resume(&run).unwrap_err();
    assert!(
        matches!(refused, Error::NoWholeCheckpoint { .. }),
        "{refused}"
    );
    assert!(files(run.root()) == before);
}

#[test]
fn a_changed_configuration_is_refused_by_name() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (_, run) = run_of(3, &dir, "run");
    let mut config = fs::read(run.config_path()).unwrap();
    config.push(b'\n');
    fs::write(run.config_path(), config).unwrap();
    let refused = resume(&run).unwrap_err().to_string();
    assert!(refused.contains("config.toml: it was changed"), "{refused}");
}

/// A changed digit is a row that can be read, and tells something else.
#[test]
fn changed_rows_are_refused_by_name_and_later_ones_are_not() {
    let _turn = take_turns();
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
        run.metrics().unwrap();
        let refused = resume(&run).unwrap_err().to_string();
        assert!(
            refused.contains("metrics.jsonl: it is damaged"),
            "{refused}"
        );
    }
    fs::remove_file(&path).unwrap();
    let (keeper, _) = resume(&run).unwrap();
    assert_eq!(keeper.progress().unwrap().step, 3);
}

#[test]
fn a_run_without_a_checkpoint_begins_again_in_its_folder() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (plan, run) = (plan(30), run_in(&dir, "a"));
    let straight = run_in(&dir, "b");
    let set = exhibits(64);
    let mut keeper = Keeper::new(straight.clone(), None).unwrap();
    train(&plan, Some(&set), &mut keeper, &mut Until(99)).unwrap();
    let mut keeper = Keeper::new(run.clone(), None).unwrap();
    train(&plan, Some(&set), &mut keeper, &mut Until(2)).unwrap();
    drop(keeper);
    fs::remove_dir_all(run.checkpoints_dir()).unwrap();
    let (mut keeper, _) = resume(&run).unwrap();
    assert_eq!(keeper.progress(), None);
    train(&plan, Some(&set), &mut keeper, &mut Until(99)).unwrap();
    same(&straight, &run, "begun again");
}

#[test]
fn a_run_stopped_before_its_first_step_leaves_nothing_half_trained() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (mut plan, run) = (plan(5), run_in(&dir, "run"));
    plan.settings.pretrain_images = 100;
    let mut keeper = Keeper::new(run.clone(), None).unwrap();
    let outcome = train(&plan, Some(&exhibits(64)), &mut keeper, &mut Until(0)).unwrap();
    assert!(!outcome.finished && outcome.steps == 0);
    assert_eq!(run.newest_checkpoint().unwrap(), None);
}

#[test]
fn seconds_go_on_from_the_clock_of_the_checkpoint() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (mut plan, run) = (plan(1), run_in(&dir, "run"));
    let mut go = |seconds: f64, keeper: &mut Keeper, rows| {
        let exhibits: Exhibits = exhibits(64);
        plan.seconds = Some(seconds);
        train(&plan, Some(&exhibits), keeper, &mut Until(rows)).unwrap()
    };
    let stopped = go(1e6, &mut Keeper::new(run.clone(), None).unwrap(), 3);
    assert!(!stopped.finished);
    let (mut keeper, _) = resume(&run).unwrap();
    assert_eq!(keeper.progress().unwrap().seconds, stopped.seconds);
    // A clock set back to 0 would play the first steps' time once more.
    let ended = go(stopped.seconds + 1e-9, &mut keeper, usize::MAX);
    assert!(ended.finished && ended.seconds > stopped.seconds);
    assert_eq!(ended.steps, stopped.steps + 1);
    let seconds: Vec<f64> = run.metrics().unwrap().iter().map(|r| r.seconds).collect();
    assert!(seconds.is_sorted(), "{seconds:?}");
}

#[test]
fn a_game_that_diverged_is_not_saved() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1000);
    (plan.settings.lr_d, plan.settings.lr_g) = (1e30, 1e30);
    plan.settings.report_every = 1000;
    let mut keeper = Keeper::new(run.clone(), Some(Duration::ZERO)).unwrap();
    let set = exhibits(64);
    let error = train(&plan, Some(&set), &mut keeper, &mut Until(99)).unwrap_err();
    assert!(matches!(&error, Error::Diverged { .. }), "{error}");
    for (_, path) in run.checkpoints().unwrap() {
        let mut game = game(&plan.settings);
        Whole::read(&path).unwrap().restore(&mut game).unwrap();
        assert_eq!(game.diverged(), None);
    }
}

/// A small checkpoint, as many of its files as a game can have.
fn small_checkpoint(dir: &Path) -> Settings {
    let mut settings = settings("gaussian");
    (settings.spectral_norm, settings.ema_images) = (true, 10.0);
    let path = dir.join("whole");
    checkpoint::save(
        &path,
        &game(&settings),
        Progress::default(),
        1,
        &RunFiles::default(),
    )
    .unwrap();
    settings
}

/// Any change of any file is an error that names the file.
#[test]
fn one_changed_byte_anywhere_in_a_checkpoint_is_refused_by_file() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    small_checkpoint(dir.path());
    let folder = dir.path().join("whole");
    Whole::read(&folder).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let all = files(&folder);
    assert_eq!(all.len(), 9);
    for (name, whole) in all {
        let path = folder.join(&name);
        let name = name.to_str().unwrap();
        for _ in 0..1000 {
            let place = rng.random_range(0..whole.len());
            let mut damaged = whole.clone();
            damaged[place] ^= rng.random_range(1..=255u8);
            fs::write(&path, damaged).unwrap();
            match Whole::read(&folder) {
                Err(Error::Checkpoint { path, .. }) if path.ends_with(name) => {}
                other => panic!("{name}, byte {place}: {other:?}"),
            }
        }
        fs::write(&path, whole).unwrap();
    }
    Whole::read(&folder).unwrap();
}

#[test]
fn a_checkpoint_cut_at_any_page_is_refused_by_file() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("whole");
    let game = game(&settings("golbin"));
    checkpoint::save(&folder, &game, Progress::default(), 1, &RunFiles::default()).unwrap();
    for (name, whole) in files(&folder) {
        let path = folder.join(&name);
        let pages = (0..whole.len()).step_by(4096).chain([whole.len() - 1]);
        for length in pages.collect::<Vec<_>>().into_iter().rev() {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_len(length as u64).unwrap();
            match Whole::read(&folder) {
                Err(Error::Checkpoint { path, .. }) if path.ends_with(&name) => {}
                other => panic!("{}, {length} bytes: {other:?}", name.display()),
            }
        }
        fs::write(&path, whole).unwrap();
    }
    Whole::read(&folder).unwrap();
}

/// A byte of a run directory outside its checkpoints changes nothing that is
/// trained: it is refused by name, or the weights are those that were saved.
#[test]
fn one_changed_byte_anywhere_in_a_run_never_changes_the_weights() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (plan, run) = run_of(3, &dir, "run");
    let weights = |folder: &Path| {
        let mut game = game(&plan.settings);
        Whole::read(folder).unwrap().restore(&mut game).unwrap();
        game.sampling_parameters().copy()
    };
    let saved = [2, 3].map(|step| weights(&run.checkpoint_path(step)));
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let all: Vec<_> = files(run.root())
        .into_iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    let mut refused = 0;
    for _ in 0..1000 {
        let (name, whole) = &all[rng.random_range(0..all.len())];
        let mut damaged = whole.clone();
        let place = rng.random_range(0..whole.len());
        damaged[place] ^= rng.random_range(1..=255u8);
        let path = run.root().join(name);
        fs::write(&path, damaged).unwrap();
        let file = name.file_name().unwrap().to_str().unwrap();
        // Densities of the last look are newer than the last checkpoint.
        let row_ends = whole.iter().rposition(|&b| b == b'\n').unwrap_or(0);
        let old = &whole[..row_ends];
        let newest_row = old.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let vouched_for = match file {
            "densities.jsonl" => place < newest_row,
            _ => file == "config.toml" || file.ends_with(".jsonl"),
        };
        match run.config().map_err(Error::from).and_then(|_| resume(&run)) {
            Ok((keeper, skipped)) => {
                assert!(!vouched_for, "{}", name.display());
                let step = keeper.progress().unwrap().step;
                let newest = name.starts_with("checkpoints/000003");
                assert_eq!(step, if newest { 2 } else { 3 });
                assert_eq!(skipped.len(), usize::from(newest));
                assert!(skipped.iter().all(|reason| reason.contains(file)));
                let saved = &saved[(step - 2) as usize];
                assert!(weights(&run.checkpoint_path(step)).equal(saved));
            }
            Err(error) => {
                assert!(vouched_for, "{}", name.display());
                assert!(error.to_string().contains(file), "{error}");
                refused += 1;
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(refused > 0);
}

#[test]
fn a_state_that_names_files_elsewhere_is_refused() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    small_checkpoint(dir.path());
    let path = dir.path().join("whole").join(STATE);
    let text = fs::read_to_string(&path).unwrap();
    let (text, _) = text.split_once("# sha256").unwrap();
    let text = text.replace("\"generator.safetensors\"", "\"../generator.safetensors\"");
    let seal = mnist_io::sha256_hex(text.as_bytes());
    fs::write(&path, format!("{text}# sha256 {seal}\n")).unwrap();
    State::read(path.parent().unwrap()).unwrap();
    let refused = Whole::read(path.parent().unwrap()).unwrap_err().to_string();
    assert!(refused.contains("is no name"), "{refused}");
}
