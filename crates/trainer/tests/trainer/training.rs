//! The training loop: the files that it leaves, and that it repeats to the byte.

use std::fs;

use gan_config::{Classes, FigureLayout, Pretraining, Schedule, presets};
use gan_models::network_names;
use gan_trainer::{
    Checkpointer, Error, Observer, RandomStream, Sampler, TrainConfig, TrainData, TrainState, train,
};
use mnist_io::{Dataset, Images};
use run_dir::{CONFIG_FORMAT, MetricsRow, QualityRow, RunConfig, RunDir, Software};
use tch::{Device, Kind};

use crate::{bars, lock_generator, settings, train_on_bars, with};

/// Records the calls of the training loop, and stops after a number of rows.
#[derive(Default)]
pub struct Recorder {
    pub evaluations: Vec<QualityRow>,
    rows: Vec<MetricsRow>,
    snapshots: Vec<u64>,
    pretrained: Option<f64>,
    pretraining: Vec<(u64, u64)>,
    stop_after_rows: Option<usize>,
}

impl Observer for Recorder {
    fn pretraining(&mut self, update: u64, updates: u64) {
        self.pretraining.push((update, updates));
    }
    fn pretrained(&mut self, accuracy: f64, images: u64) {
        // Eight batches of each kind, before the first snapshot.
        assert!(self.snapshots.is_empty() && images.is_multiple_of(16));
        self.pretrained = Some(accuracy);
    }
    fn metrics_written(&mut self, row: &MetricsRow, done: f64) {
        assert!((0.0..=1.0).contains(&done));
        self.rows.push(row.clone());
    }
    fn evaluated(&mut self, row: &QualityRow) {
        self.evaluations.push(row.clone());
    }
    fn snapshot_written(&mut self, step: u64) {
        self.snapshots.push(step);
    }
    fn should_stop(&mut self) -> bool {
        self.stop_after_rows == Some(self.rows.len())
    }
}

/// A configuration of networks of `gan-models` with seed 7, in f32 on the CPU.
pub fn train_config(settings: gan_config::Settings, networks: &str) -> TrainConfig {
    let config = TrainConfig::by_name(settings, networks, &TrainData::Gaussian);
    TrainConfig { seed: 7, ..config.unwrap() }
}

/// A configuration of `golbin` for `steps` steps of 10 images.
pub fn golbin(steps: u64) -> TrainConfig {
    let mut settings = settings("golbin");
    settings.train_images = None;
    settings.batch = 10;
    settings.images = steps * settings.batch;
    settings.snapshot_every = 15;
    train_config(settings, "golbin")
}

/// A new run. Training does not read the configuration in it.
pub fn run_in(dir: &tempfile::TempDir, name: &str) -> RunDir {
    let config = RunConfig {
        format: CONFIG_FORMAT,
        preset: "golbin".to_owned(),
        networks: "golbin".to_owned(),
        seed: 7,
        seconds: None,
        device: "cpu".to_owned(),
        precision: gan_config::Precision::F32,
        threads: 1,
        classes: Classes::default(),
        dataset: None,
        figures: FigureLayout::default(),
        software: Software { trainer: String::new(), libtorch: String::new() },
        settings: settings("golbin"),
    };
    RunDir::create(&dir.path().join(name), &config, Some(bars(1).images())).unwrap()
}

pub fn without_times(rows: &[MetricsRow]) -> Vec<MetricsRow> {
    let timeless = |row: &MetricsRow| MetricsRow { seconds: 0.0, ..row.clone() };
    rows.iter().map(timeless).collect()
}

/// Saves one checkpoint, at the end.
pub fn checkpointer(run: &RunDir) -> Checkpointer {
    Checkpointer::new(run.clone(), None).unwrap()
}

fn train_in(run: &RunDir, config: &TrainConfig, recorder: &mut Recorder) -> TrainState {
    train(config, &train_on_bars(64), &mut checkpointer(run), recorder).unwrap()
}

/// Files of a run that are the same in each run of a configuration.
pub fn assert_same_files(a: &RunDir, b: &RunDir, step: u64) {
    for file in ["samples/000000.idx3".to_owned(), format!("samples/{step:06}.idx3")] {
        let read = |run: &RunDir| fs::read(run.root().join(&file)).unwrap();
        assert!(read(a) == read(b), "{file}");
    }
    assert!(tensors(a, step) == tensors(b, step));
}

/// Every tensor of the checkpoint of `step` by name. The metadata holds times.
pub fn tensors(run: &RunDir, step: u64) -> Vec<(String, Vec<u8>)> {
    let bytes = fs::read(run.checkpoint_path(step)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors().into_iter();
    let mut tensors: Vec<_> = tensors.map(|(name, view)| (name, view.data().to_vec())).collect();
    tensors.sort();
    tensors
}

#[test]
fn a_run_leaves_rows_snapshots_and_a_checkpoint() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut recorder = Recorder::default();
    let outcome = train_in(&run, &golbin(40), &mut recorder);
    assert!(outcome.finished);
    assert_eq!((outcome.step, outcome.images_seen), (40, 400));
    // The first step and every 10th.
    let steps: Vec<u64> = recorder.rows.iter().map(|r| r.step).collect();
    assert_eq!(steps, [1, 10, 20, 30, 40]);
    assert_eq!(run.metrics().unwrap(), recorder.rows);
    // Every 15th, the first of `SNAPSHOT_STEPS`, and the last.
    assert_eq!(recorder.snapshots, [0, 15, 20, 30, 40]);
    let on_disk: Vec<u64> = run.snapshots().unwrap().iter().map(|(step, _)| *step).collect();
    assert_eq!(on_disk, recorder.snapshots);
    assert_eq!(run.newest_checkpoint().unwrap().unwrap().0, 40);
    assert_eq!(recorder.pretraining, []);
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (run_in(&dir, "a"), run_in(&dir, "b"));
    for run in [&a, &b] {
        train_in(run, &golbin(30), &mut Recorder::default());
    }
    assert_eq!(without_times(&a.metrics().unwrap()), without_times(&b.metrics().unwrap()));
    assert_same_files(&a, &b, 30);
}

#[test]
fn a_stopped_run_keeps_what_it_has() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut recorder = Recorder { stop_after_rows: Some(2), ..Recorder::default() };
    let outcome = train_in(&run, &golbin(1000), &mut recorder);
    assert!(!outcome.finished);
    assert_eq!(outcome.step, 10);
    assert_eq!(recorder.snapshots, [0, 10]);
    assert_eq!(run.newest_checkpoint().unwrap().unwrap().0, 10);
}

#[test]
fn seconds_stretch_the_schedule_and_do_not_cut_it_off() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1);
    config.time_limit_seconds = Some(0.5);
    config.settings.schedule = Schedule::Cosine;
    let mut recorder = Recorder::default();
    let outcome = train_in(&run, &config, &mut recorder);
    assert!(outcome.finished && outcome.seconds >= 0.5 && outcome.step > 1);
    let (first, last) = (&recorder.rows[0], &recorder.rows[recorder.rows.len() - 1]);
    assert_eq!(first.lr_d, config.settings.lr_d);
    assert_eq!(last.step, outcome.step);
    assert!(last.lr_d < first.lr_d, "{}", last.lr_d);
}

#[test]
fn pretraining_precedes_the_first_snapshot_and_reports_its_accuracy() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1);
    config.settings.lr_d = 1e-3;
    config.settings.pretraining = Some(Pretraining { images: 500, batch: 10 });
    let mut recorder = Recorder::default();
    train_in(&run, &config, &mut recorder);
    assert_eq!(recorder.pretrained, Some(1.0));
    let updates: Vec<_> = (1..=50).map(|update| (update, 50)).collect();
    assert_eq!(recorder.pretraining, updates);
}

#[test]
fn training_stops_at_a_loss_that_is_not_finite() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1000);
    (config.settings.lr_d, config.settings.lr_g) = (1e30, 1e30);
    let stopped = train(&config, &train_on_bars(64), &mut checkpointer(&run), &mut ());
    assert!(matches!(stopped, Err(Error::Diverged { .. })), "{stopped:?}");
    assert!(run.metrics().unwrap().len() < 100);
}

#[test]
fn refuses_seconds_that_are_not_positive_and_finite() {
    for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut config = golbin(5);
        config.time_limit_seconds = Some(seconds);
        let error = config.validate(&train_on_bars(64)).unwrap_err();
        assert!(error.to_string().starts_with("seconds"), "{error}");
    }
}

#[test]
fn refuses_a_data_type_or_a_device_that_cannot_compute() {
    let refusal = |config: TrainConfig| {
        let error = config.validate(&train_on_bars(64)).unwrap_err();
        error.to_string()
    };
    for dtype in [Kind::Int64, Kind::Double, Kind::Half] {
        let refused = refusal(TrainConfig { dtype, ..golbin(5) });
        assert!(refused.starts_with("dtype = "), "{refused}");
    }
    for device in [Device::Cuda(1000), Device::Vulkan] {
        let refused = refusal(TrainConfig { device, ..golbin(5) });
        assert!(refused.starts_with("device = "), "{refused}");
    }
}

#[test]
fn samples_a_chosen_class_only_from_conditional_networks_with_that_class() {
    let _generator = lock_generator();
    let sampler = |networks: &str| {
        let generator = gan_models::by_name(networks, gan_models::DIGITS, None).unwrap().generator;
        let parameters = generator.layout().init(Device::Cpu);
        Sampler::new(generator, &parameters, Kind::Float, 4)
    };
    let choose =
        |sampler: &Sampler, class| sampler.sample((1, RandomStream::Sample), 3, class, &mut |_| ());
    let sample = |networks: &str, class| choose(&sampler(networks), Some(class));
    assert_eq!(sample("golbin-conditional", 9).unwrap().len(), 3);
    let refused = sample("golbin-conditional", 10).unwrap_err();
    assert!(matches!(refused, Error::Label { label: 10, .. }), "{refused}");
    let refused = sample("golbin", 7).unwrap_err();
    assert!(matches!(refused, Error::Unconditional { class: 7 }), "{refused}");
    assert!(refused.to_string().contains("class 7"), "{refused}");
    // Classes that the training images lack are neither taken in turn nor chosen.
    let some = sampler("golbin-conditional").with_classes(Classes::from_labels(&[0, 9, 4]));
    assert_eq!(some.default_classes(5), Some(vec![0, 4, 9, 0, 4]));
    assert_eq!(choose(&some, Some(9)).unwrap().len(), 3);
    let refused = choose(&some, Some(5)).unwrap_err();
    assert!(refused.to_string().contains("0,4,9"), "{refused}");
}

/// With batch norm, whole batches are sampled and surplus samples discarded.
#[test]
fn samples_as_many_images_as_requested_from_every_network() {
    let _generator = lock_generator();
    for name in network_names() {
        let generator = gan_models::by_name(name, gan_models::DIGITS, None).unwrap().generator;
        let side = generator.image_side() as usize;
        let parameters = generator.layout().init(Device::Cpu);
        let sampler = Sampler::new(generator, &parameters, Kind::Float, 4);
        for count in [0, 1, 5] {
            let mut finished = Vec::new();
            let images = sampler
                .sample((1, RandomStream::Sample), count, None, &mut |n| finished.push(n))
                .unwrap();
            assert_eq!(images.len() as u64, count, "{name}");
            assert_eq!(finished.last().copied().unwrap_or(0), count, "{name}");
            if count > 0 {
                assert_eq!((images.rows(), images.cols()), (side, side), "{name}");
            }
        }
    }
}

#[test]
fn every_preset_trains_and_leaves_images_of_its_size() {
    let _generator = lock_generator();
    for preset in presets() {
        let dir = tempfile::tempdir().unwrap();
        let run = run_in(&dir, "run");
        let data = match preset.synthetic {
            true => TrainData::Gaussian,
            false => train_on_bars(64),
        };
        let mut config = TrainConfig::preset(preset, &data).unwrap();
        config.settings.train_images = None;
        (config.settings.batch, config.settings.images) = (4, 8);
        config.settings.pretraining =
            config.settings.pretraining.map(|_| Pretraining { images: 4, batch: 4 });
        let outcome = train(&config, &data, &mut checkpointer(&run), &mut Recorder::default());
        let outcome = outcome.unwrap();
        assert!(outcome.finished && outcome.step == 2, "{}", preset.name);
        let images = !preset.synthetic;
        assert_eq!(run.nearest().unwrap().is_some(), images);
        assert_eq!(run.image_rows(&run.latent_walk_path(), None).unwrap().is_some(), images);
        let conditional = preset.name == "golbin-conditional";
        assert_eq!(
            run.image_rows(&run.class_rows_path(), Some(10)).unwrap().is_some(),
            conditional
        );
        if images {
            let (_, last) = run.snapshots().unwrap().pop().unwrap();
            let images = Images::read_file(&last).unwrap();
            let side = config.networks.generator.image_side() as usize;
            let shape = (images.len(), images.rows(), images.cols());
            assert_eq!(shape, (64, side, side));
        } else {
            let last = run.densities().unwrap().pop().unwrap();
            assert_eq!(last.step, 2);
            // The density of real numbers integrates to 1, that of fake ones to at most
            // 1, and D's output is a probability.
            let width = (last.high - last.low) / (last.discriminator.len() - 1) as f64;
            let integral: f64 = last.real.iter().sum::<f64>() * width;
            assert!((integral - 1.0).abs() < 1e-6, "{integral}");
            assert!(last.fake.iter().sum::<f64>() * width <= 1.0 + 1e-9);
            assert!(last.discriminator.iter().all(|d| (0.0..=1.0).contains(d)));
        }
    }
}

/// The batches of the notebook's last part are twice as large.
#[test]
fn a_schedule_that_changes_the_batch_ends_at_its_number_of_images() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1);
    config.settings.schedule = Schedule::Notebook;
    config.settings.report_every = 1;
    // 25, 10 and 10 steps.
    let batches = config.settings.schedule.batches_for_steps(45).unwrap();
    config.settings.images = 10 * batches;
    let mut recorder = Recorder::default();
    let outcome = train_in(&run, &config, &mut recorder);
    assert_eq!((outcome.step, outcome.images_seen), (45, 550));
    let at = |step: usize| {
        let row = &recorder.rows[step - 1];
        (row.images_seen, row.lr_d)
    };
    let rate = config.settings.lr_d;
    assert_eq!(at(25), (250, rate));
    assert_eq!(at(26), (260, rate * 0.1));
    assert_eq!(at(35), (350, rate * 0.1));
    assert_eq!(at(36), (370, rate * 0.01));
}

/// Gray images are nearest to samples of the first steps, but lie outside the pool.
#[test]
fn nearest_images_come_from_the_images_trained_on() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let mut config = golbin(1);
    config.settings.train_images = Some(30);
    let bars = bars(64);
    let mut pixels = bars.images().pixels().to_vec();
    pixels[30 * 784..].fill(127);
    let images = Images::new(28, 28, pixels).unwrap();
    let training = Dataset::new(images, bars.labels().to_vec()).unwrap();
    let data = with_training(training);
    train(&config, &data, &mut checkpointer(&run), &mut ()).unwrap();
    let nearest = run.nearest().unwrap().unwrap();
    assert!(nearest.pixels().iter().all(|&pixel| pixel != 127));
}

/// Training on `training`, with bars in the figures.
fn with_training(training: Dataset) -> TrainData {
    TrainData::Images { training: training.into(), figure_images: bars(12), evaluator: None }
}

#[test]
fn refuses_networks_for_images_without_images() {
    let refused = golbin(5).validate(&TrainData::Gaussian);
    assert!(matches!(refused, Err(Error::DataMismatch { synthetic: true })), "{refused:?}");
    let nothing_to_show =
        TrainData::Images { training: bars(64).into(), figure_images: bars(0), evaluator: None };
    let refused = golbin(5).validate(&nothing_to_show);
    assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
    let refused = golbin(5).validate(&with_training(bars(0)));
    assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
}

#[test]
fn refuses_networks_for_numbers_with_images() {
    let mut config = train_config(settings("gaussian"), "gaussian");
    let refused = config.validate(&train_on_bars(64));
    assert!(matches!(refused, Err(Error::DataMismatch { synthetic: false })), "{refused:?}");
    config.validate(&TrainData::Gaussian).unwrap();
    config.settings.batch = 1_000_001;
    let refused = config.validate(&TrainData::Gaussian).unwrap_err();
    assert!(refused.to_string().starts_with("batch"), "{refused}");
}

#[test]
fn refuses_penalties_under_batch_norm() {
    let validate = |preset: &str, pair: &str| {
        let settings = with(settings(preset), &[pair, "batch=8", "train_images=0"]);
        let validated = train_config(settings, preset).validate(&train_on_bars(64));
        validated.map_err(|e| e.to_string())
    };
    for penalty in ["r1", "r2", "gradient_penalty", "dragan"] {
        let refused = validate("dcgan", &format!("{penalty}=1")).unwrap_err();
        assert!(refused.contains("batch norm"), "{refused}");
        assert!(refused.starts_with(penalty), "{refused}");
    }
    assert_eq!(validate("modern", "loss=hinge"), Ok(()));
}

#[test]
fn refuses_batches_of_one_image_under_batch_norm() {
    let mut config = train_config(settings("oshea"), "oshea");
    let refusal = |config: &TrainConfig| {
        let error = config.validate(&train_on_bars(64)).unwrap_err();
        error.to_string()
    };
    config.settings.batch = 1;
    let refused = refusal(&config);
    assert!(refused.starts_with("batch") && refused.contains("at least 2"), "{refused}");
    config.settings.batch = 8;
    for (images, batch, key) in [(8, 1, "pretrain_batch"), (9, 4, "pretrain_images")] {
        config.settings.pretraining = Some(Pretraining { images, batch });
        let refused = refusal(&config);
        assert!(refused.contains(key) && refused.contains("batch norm"), "{refused}");
    }
}

#[test]
fn conditional_networks_refuse_labels_beyond_their_classes() {
    let letters = || Dataset::new(bars(3).images().clone(), vec![1, 10, 2]).unwrap();
    let mut settings = settings("golbin");
    (settings.train_images, settings.batch) = (None, 1);
    let conditional = train_config(settings.clone(), "golbin-conditional");
    let shown =
        TrainData::Images { training: bars(3).into(), figure_images: letters(), evaluator: None };
    for data in [with_training(letters()), shown] {
        let refused = conditional.validate(&data);
        assert!(matches!(refused, Err(Error::Label { label: 10, .. })), "{refused:?}");
    }
    let unconditional = train_config(settings.clone(), "golbin");
    unconditional.validate(&with_training(letters())).unwrap();
    // Networks that are built for the data have an input for each label.
    let data = with_training(letters());
    let config = TrainConfig::by_name(settings, "golbin-conditional", &data).unwrap();
    config.validate(&data).unwrap();
    assert_eq!(config.classes, Classes::from_labels(&[1, 2, 10]));
    assert_eq!(config.networks.generator.classes(), Some(11));
    assert_eq!(config.networks.discriminator.classes(), Some(11));
}

#[test]
fn refuses_images_of_another_size_before_it_writes_anything() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let run = run_in(&dir, "run");
    let small = Images::new(8, 8, vec![0; 64 * 64]).unwrap();
    let small = with_training(Dataset::new(small, vec![0; 64]).unwrap());
    let refused = train(&golbin(5), &small, &mut checkpointer(&run), &mut ());
    assert!(matches!(refused, Err(Error::ImageSize { .. })), "{refused:?}");
    assert_eq!(run.snapshots().unwrap(), []);
}
