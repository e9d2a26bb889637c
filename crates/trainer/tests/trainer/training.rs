//! The loop: what it leaves behind, and that it can be repeated.

use std::fs;

use gan_trainer::Error;
use gan_trainer::forging::{Hand, forge};
use gan_trainer::keeper::Keeper;
use gan_trainer::networks::Network;
use gan_trainer::plan::{Exhibits, Plan};
use gan_trainer::schedule::{Schedule, Standing};
use gan_trainer::seeds::Stream;
use gan_trainer::train::{Outcome, Watch, train};
use run_dir::{Config, FigureLayout, MetricsRow, QualityRow, RunDir, Software};
use tch::{Device, Kind};

use crate::{bars, exhibits, settings, take_turns};

/// Counts what it is shown and stops where it is told to.
#[derive(Default)]
pub struct Counter {
    pub evaluations: Vec<QualityRow>,
    rows: Vec<MetricsRow>,
    snapshots: Vec<u64>,
    pretrained: Option<f64>,
    stop_after_rows: Option<usize>,
}

impl Watch for Counter {
    fn pretrained(&mut self, accuracy: f64, images: u64) {
        // Eight batches of each kind, before the first look.
        assert!(self.snapshots.is_empty() && images.is_multiple_of(16));
        self.pretrained = Some(accuracy);
    }
    fn reported(&mut self, row: &MetricsRow, done: f64) {
        assert!((0.0..=1.0).contains(&done));
        self.rows.push(row.clone());
    }
    fn evaluated(&mut self, row: &QualityRow) {
        self.evaluations.push(row.clone());
    }
    fn snapped(&mut self, step: u64) {
        self.snapshots.push(step);
    }
    fn stop(&mut self) -> bool {
        self.stop_after_rows == Some(self.rows.len())
    }
}

pub fn plan(steps: u64) -> Plan {
    let mut settings = settings("golbin");
    settings.train_images = 0;
    settings.batch = 10;
    settings.images = steps * settings.batch;
    settings.snapshot_every = 15;
    Plan {
        settings,
        seed: 7,
        seconds: None,
        device: Device::Cpu,
        kind: Kind::Float,
    }
}

pub fn run_in(dir: &tempfile::TempDir, name: &str) -> RunDir {
    let config = Config {
        preset: "golbin".to_owned(),
        seed: 7,
        batch: 10,
        seconds: None,
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        threads: 1,
        dataset: None,
        pictures: FigureLayout::default(),
        software: Software {
            trainer: String::new(),
            libtorch: String::new(),
        },
        train: toml::Table::new(),
    };
    RunDir::create(&dir.path().join(name), &config, Some(bars(1).images())).unwrap()
}

pub fn without_times(rows: &[MetricsRow]) -> Vec<MetricsRow> {
    let timeless = |row: &MetricsRow| MetricsRow {
        seconds: 0.0,
        ..row.clone()
    };
    rows.iter().map(timeless).collect()
}

/// Keeps the last checkpoint alone.
pub fn keeper(run: &RunDir) -> Keeper {
    Keeper::new(run.clone(), None).unwrap()
}

fn go(plan: &Plan, run: &RunDir, watch: &mut Counter) -> Outcome {
    train(plan, Some(&exhibits(64)), &mut keeper(run), watch).unwrap()
}

#[test]
fn a_run_leaves_rows_snapshots_and_a_checkpoint() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut watch = Counter::default();
    let outcome = go(&plan(40), &run, &mut watch);
    assert!(outcome.finished);
    assert_eq!((outcome.steps, outcome.images_seen), (40, 400));
    // The first step, every 10th, and the moments that the strip shows.
    let steps: Vec<u64> = watch.rows.iter().map(|r| r.step).collect();
    assert_eq!(steps, [1, 10, 20, 30, 40]);
    assert_eq!(run.metrics().unwrap(), watch.rows);
    assert_eq!(watch.snapshots, [0, 15, 20, 30, 40]);
    let on_disk: Vec<u64> = run.snapshots().unwrap().iter().map(|s| s.step).collect();
    assert_eq!(on_disk, watch.snapshots);
    assert_eq!(run.newest_checkpoint().unwrap().unwrap().0, 40);
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (run_in(&dir, "a"), run_in(&dir, "b"));
    for run in [&a, &b] {
        go(&plan(30), run, &mut Counter::default());
    }
    assert_eq!(
        without_times(&a.metrics().unwrap()),
        without_times(&b.metrics().unwrap())
    );
    let files = [
        "samples/000000.idx3",
        "samples/000030.idx3",
        "checkpoints/000030/generator.safetensors",
        "checkpoints/000030/discriminator.safetensors",
    ];
    for file in files {
        let read = |run: &RunDir| fs::read(run.root().join(file)).unwrap();
        assert!(read(&a) == read(&b), "{file}");
    }
}

#[test]
fn a_stop_leaves_what_there_is() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut watch = Counter {
        stop_after_rows: Some(2),
        ..Counter::default()
    };
    let outcome = go(&plan(1000), &run, &mut watch);
    assert!(!outcome.finished);
    assert_eq!(outcome.steps, 10);
    assert_eq!(watch.snapshots, [0, 10]);
    assert_eq!(run.newest_checkpoint().unwrap().unwrap().0, 10);
}

#[test]
fn seconds_stretch_the_schedule_instead_of_cutting_it_off() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1);
    plan.seconds = Some(0.5);
    plan.settings.schedule = Schedule::Cosine;
    let mut watch = Counter::default();
    let outcome = go(&plan, &run, &mut watch);
    assert!(outcome.finished && outcome.seconds >= 0.5 && outcome.steps > 1);
    let (first, last) = (&watch.rows[0], &watch.rows[watch.rows.len() - 1]);
    assert_eq!(first.lr_d, plan.settings.lr_d);
    assert_eq!(last.step, outcome.steps);
    assert!(last.lr_d < first.lr_d, "{}", last.lr_d);
}

#[test]
fn pretraining_comes_before_the_first_snapshot_and_reports_its_accuracy() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1);
    plan.settings.lr_d = 1e-3;
    plan.settings.pretrain_images = 500;
    plan.settings.pretrain_batch = 10;
    let mut watch = Counter::default();
    go(&plan, &run, &mut watch);
    assert_eq!(watch.pretrained, Some(1.0));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1000);
    (plan.settings.lr_d, plan.settings.lr_g) = (1e30, 1e30);
    let stopped = train(
        &plan,
        Some(&exhibits(64)),
        &mut keeper(&run),
        &mut Counter::default(),
    );
    assert!(
        matches!(stopped, Err(Error::Diverged { .. })),
        "{stopped:?}"
    );
    assert!(run.metrics().unwrap().len() < 100);
}

#[test]
fn seconds_that_make_no_schedule_are_refused() {
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut plan = plan(5);
        plan.seconds = Some(seconds);
        let error = plan.check(Some(&exhibits(64))).unwrap_err().to_string();
        assert!(error.starts_with("seconds"), "{error}");
    }
}

#[test]
fn a_kind_or_a_device_that_cannot_compute_is_refused() {
    let refusal = |plan: &Plan| plan.check(Some(&exhibits(64))).unwrap_err().to_string();
    for kind in [Kind::Int64, Kind::Double, Kind::Half] {
        let refused = refusal(&Plan { kind, ..plan(5) });
        assert!(refused.starts_with("kind = "), "{refused}");
    }
    for device in [Device::Cuda(1000), Device::Vulkan] {
        let refused = refusal(&Plan { device, ..plan(5) });
        assert!(refused.starts_with("device = "), "{refused}");
    }
}

#[test]
fn a_digit_is_forged_where_g_takes_digits_and_there_is_such_a_digit() {
    let _turn = take_turns();
    let forged = |network: Network, digit| {
        let pair = network.build(None);
        let hand = Hand {
            generator: pair.generator.as_ref(),
            parameters: &pair.generator.layout().init(Device::Cpu),
            range: pair.range,
            kind: Kind::Float,
            batch: 4,
        };
        forge(hand, (1, Stream::Sample), 3, Some(digit), &mut |_| ())
    };
    assert_eq!(forged(Network::GolbinConditional, 9).unwrap().len(), 3);
    let refused = forged(Network::GolbinConditional, 10).unwrap_err();
    assert!(matches!(refused, Error::Label { label: 10 }), "{refused}");
    let refused = forged(Network::Golbin, 7).unwrap_err();
    assert!(
        refused.to_string().starts_with("7s were asked"),
        "{refused}"
    );
}

#[test]
fn every_preset_trains_and_leaves_images_of_its_size() {
    let _turn = take_turns();
    for preset in gan_trainer::presets::all() {
        let dir = tempfile::tempdir().unwrap();
        let run = run_in(&dir, "run");
        let mut plan = plan(1);
        plan.settings = preset.settings;
        plan.settings.train_images = 0;
        (plan.settings.batch, plan.settings.images) = (4, 8);
        plan.settings.pretrain_images = plan.settings.pretrain_images.min(4);
        plan.settings.pretrain_batch = 4;
        let exhibits = exhibits(64);
        let images = !plan.settings.network.draws_originals();
        let exhibits = images.then_some(&exhibits);
        let outcome = train(&plan, exhibits, &mut keeper(&run), &mut Counter::default()).unwrap();
        assert!(outcome.finished && outcome.steps == 2, "{}", preset.name);
        assert_eq!(run.nearest().unwrap().is_some(), images);
        assert_eq!(run.walk().unwrap().is_some(), images);
        let conditional = preset.name == "golbin-conditional";
        assert_eq!(run.digits().unwrap().is_some(), conditional);
        if images {
            let last = run.snapshots().unwrap().pop().unwrap();
            let images = mnist_io::Images::read_file(&last.path).unwrap();
            let side = plan.settings.network.side();
            let shape = (images.len(), images.rows(), images.cols());
            assert_eq!(shape, (64, side, side));
        } else {
            let last = run.densities().unwrap().pop().unwrap();
            assert_eq!(last.step, 2);
            // Both densities are of the whole, and D's output is a probability.
            let width = (last.high - last.low) / (last.discriminator.len() - 1) as f64;
            let whole: f64 = last.real.iter().sum::<f64>() * width;
            assert!((whole - 1.0).abs() < 1e-6, "{whole}");
            assert!(last.fake.iter().sum::<f64>() * width <= 1.0 + 1e-9);
            assert!(last.discriminator.iter().all(|d| (0.0..=1.0).contains(d)));
        }
    }
}

/// The notebook's last part has batches twice as large.
#[test]
fn a_schedule_may_change_the_batch_and_still_ends_at_its_images() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1);
    plan.settings.schedule = Schedule::Notebook;
    plan.settings.report_every = 1;
    // 25, 10 and 10 steps.
    plan.settings.images = 10 * plan.settings.schedule.batches_of(45).unwrap();
    let mut watch = Counter::default();
    let outcome = go(&plan, &run, &mut watch);
    assert_eq!((outcome.steps, outcome.images_seen), (45, 550));
    let at = |step: usize| (watch.rows[step - 1].images_seen, watch.rows[step - 1].lr_d);
    let rate = plan.settings.lr_d;
    assert_eq!(at(25), (250, rate));
    assert_eq!(at(26), (260, rate * 0.1));
    assert_eq!(at(35), (350, rate * 0.1));
    assert_eq!(at(36), (370, rate * 0.01));
}

#[test]
fn any_number_of_steps_can_be_asked_of_a_schedule_that_changes_its_batch() {
    let schedule = Schedule::Notebook;
    for steps in 1..=460 {
        let batches = schedule.batches_of(steps).unwrap();
        let (mut played, mut seen) = (0, 0);
        while seen < batches {
            let standing = Standing {
                done: seen as f64 / batches as f64,
                updates: played,
                batches,
            };
            seen += schedule.batches(standing);
            played += 1;
        }
        assert_eq!((played, seen), (steps, batches));
    }
}

/// The images nearest to the forgeries of a G that forges gray lie beyond what it
/// was trained on.
#[test]
fn the_nearest_image_is_one_that_was_trained_on() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut plan = plan(1);
    plan.settings.train_images = 30;
    let mut exhibits = exhibits(64);
    let labels = exhibits.training.labels().to_vec();
    let mut pixels = exhibits.training.images().pixels().to_vec();
    // Gray, as the forgeries of the first step are.
    pixels[30 * 784..].fill(127);
    let images = mnist_io::Images::new(28, 28, pixels).unwrap();
    exhibits.training = mnist_io::Dataset::new(images, labels).unwrap().into();
    let mut watch = Counter::default();
    train(&plan, Some(&exhibits), &mut keeper(&run), &mut watch).unwrap();
    let nearest = run.nearest().unwrap().unwrap();
    assert!(nearest.pixels().iter().all(|&pixel| pixel != 127));
}

#[test]
fn a_system_that_needs_images_is_refused_without_them() {
    let refused = plan(5).check(None);
    assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
    let nothing_to_show = Exhibits {
        training: bars(64).into(),
        shown: bars(0),
        evaluator: None,
    };
    let refused = plan(5).check(Some(&nothing_to_show));
    assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
}

#[test]
fn combinations_that_make_no_sense_are_refused() {
    let refusal = |preset: &str, set: &str| {
        let mut plan = plan(5);
        plan.settings = settings(preset).with(set).unwrap();
        plan.settings.batch = 8;
        plan.settings.train_images = 0;
        plan.check(Some(&exhibits(64))).map_err(|e| e.to_string())
    };
    for penalty in ["r1=1", "r2=1", "gradient_penalty=1", "dragan=1"] {
        let refused = refusal("dcgan", penalty).unwrap_err();
        assert!(refused.contains("batch norm"), "{refused}");
    }
    assert!(refusal("modern", "loss=hinge").is_ok());
    let mut alone = plan(5);
    alone.settings = settings("oshea");
    alone.settings.batch = 1;
    let refused = alone.check(Some(&exhibits(64))).unwrap_err().to_string();
    assert!(refused.contains("at least 2"), "{refused}");
    alone.settings.batch = 8;
    for (images, batch, key) in [(8, 1, "pretrain_batch"), (9, 4, "pretrain_images")] {
        (
            alone.settings.pretrain_images,
            alone.settings.pretrain_batch,
        ) = (images, batch);
        let refused = alone.check(Some(&exhibits(64))).unwrap_err().to_string();
        assert!(
            refused.contains(key) && refused.contains("batch norm"),
            "{refused}"
        );
    }
    let letters = mnist_io::Dataset::new(bars(3).images().clone(), vec![1, 10, 2]).unwrap();
    let mut plan = plan(5);
    plan.settings.network = Network::GolbinConditional;
    plan.settings.batch = 1;
    let letters = Exhibits {
        training: letters.into(),
        ..exhibits(1)
    };
    let refused = plan.check(Some(&letters));
    assert!(
        matches!(refused, Err(Error::Label { label: 10 })),
        "{refused:?}"
    );
}

#[test]
fn images_of_another_size_are_refused_before_anything_starts() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let small = mnist_io::Images::new(8, 8, vec![0; 64 * 64]).unwrap();
    let small = mnist_io::Dataset::new(small, vec![0; 64]).unwrap();
    let small = Exhibits {
        training: small.into(),
        ..exhibits(1)
    };
    let refused = train(
        &plan(5),
        Some(&small),
        &mut keeper(&run),
        &mut Counter::default(),
    );
    assert!(
        matches!(refused, Err(Error::ImageSize { .. })),
        "{refused:?}"
    );
    assert_eq!(run.snapshots().unwrap(), []);
}
