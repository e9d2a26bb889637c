//! What `forger train` was asked for, resolved: preset, settings, originals and
//! a run directory that says them all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gan_metrics::{Cache, Evaluator};
use gan_trainer::data::resized;
use gan_trainer::keeper::Keeper;
use gan_trainer::networks::Network;
use gan_trainer::plan::{Exhibits, Plan};
use gan_trainer::presets::{self, Preset};
use gan_trainer::seeds::{Stream, stream_seed};
use gan_trainer::settings::Settings;
use gan_trainer::snapshots::SNAPSHOT_IMAGES;
use mnist_io::{Dataset, Split, known};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use run_dir::{Config, DatasetInfo, RunDir, Software};
use tch::Kind;

use crate::args::{PrecisionChoice, TrainArgs};
use crate::machine;

/// Where the originals lie unless `--data` says otherwise.
pub const DATA: &str = "data/mnist";

/// The libtorch that this version of tch binds to; torch-sys refuses others.
const LIBTORCH: &str = "2.13.0";

/// A run that is to be trained, and all that decides it.
pub struct Order {
    /// What is trained.
    pub plan: Plan,
    /// On what.
    pub exhibits: Option<Exhibits>,
    /// Where.
    pub keeper: Keeper,
    /// The preset's name.
    pub preset: String,
    /// The folder of the originals.
    pub data: PathBuf,
    /// Threads to compute with.
    pub threads: u64,
}

/// A new run.
pub fn new(args: &TrainArgs) -> Result<Order> {
    let every = checkpoint_every(args)?;
    let preset = preset(args)?;
    let settings = settings(args, &preset)?;
    let exhibits = exhibits(args, &settings)?;
    let threads = machine::set_threads(args.threads)?;
    let device = machine::device(args.device)?;
    let kind = match args.precision {
        // Numbers near 4 that differ in the third digit are all one in bf16.
        PrecisionChoice::Auto if settings.network.draws_originals() => Kind::Float,
        choice => machine::kind(choice, device),
    };
    let plan = Plan {
        settings,
        seed: args.seed,
        seconds: args.seconds,
        device,
        kind,
    };
    plan.check(exhibits.as_ref())?;
    let run = create_run(args, &preset, &plan, exhibits.as_ref(), threads)?;
    Ok(Order {
        plan,
        exhibits,
        keeper: Keeper::new(run, every)?,
        preset: preset.name.to_owned(),
        data: data(args).to_owned(),
        threads,
    })
}

/// The time between checkpoints, if there is to be more than the last.
pub fn checkpoint_every(args: &TrainArgs) -> Result<Option<Duration>> {
    let seconds = args.checkpoint_every;
    let every = Duration::try_from_secs_f64(seconds)
        .with_context(|| format!("--checkpoint-every {seconds}"))?;
    Ok((!every.is_zero()).then_some(every))
}

/// The preset of that name.
fn preset(args: &TrainArgs) -> Result<Preset> {
    presets::find(&args.preset).with_context(|| {
        let names: Vec<_> = presets::all().iter().map(|p| p.name).collect();
        format!(
            "there is no preset {:?}; the presets are {}",
            args.preset,
            names.join(", ")
        )
    })
}

/// The preset's settings with what the command line overrides.
fn settings(args: &TrainArgs, preset: &Preset) -> Result<Settings> {
    let mut settings = preset.settings.clone();
    if args.conditional {
        settings.network = match settings.network {
            Network::Modern => Network::ModernConditional,
            Network::GolbinConditional => Network::GolbinConditional,
            Network::Golbin => bail!(
                "--conditional: golbin's second program has settings of its own; \
                 use --preset golbin-conditional"
            ),
            _ => bail!(
                "--conditional: the networks of {} have no place for a digit; \
                 use modern or golbin-conditional",
                preset.name
            ),
        };
    }
    for pair in &args.set {
        settings = settings.with(pair)?;
    }
    if let Some(batch) = args.batch {
        settings.batch = batch;
    }
    if let Some(every) = args.snapshot_every {
        settings.snapshot_every = every;
    }
    if let Some(steps) = args.steps {
        if steps == 0 {
            bail!("--steps 0: at least 1 step is needed");
        }
        settings.images = settings
            .schedule
            .batches_of(steps)
            .and_then(|batches| batches.checked_mul(settings.batch))
            .filter(|images| i64::try_from(*images).is_ok())
            .with_context(|| format!("--steps {steps}: more images than can be counted"))?;
    }
    Ok(settings)
}

/// The folder of the originals.
fn data(args: &TrainArgs) -> &Path {
    args.data.as_deref().unwrap_or(Path::new(DATA))
}

/// The originals to train on and those for pictures, where there are any.
pub fn exhibits(args: &TrainArgs, settings: &Settings) -> Result<Option<Exhibits>> {
    if settings.network.draws_originals() {
        if let Some(data) = &args.data {
            bail!(
                "--data {}: {} draws its originals, numbers, itself; leave --data out",
                data.display(),
                args.preset
            );
        }
        return Ok(None);
    }
    let open = |split| {
        Dataset::open(data(args), split).with_context(|| format!("--data {}", data(args).display()))
    };
    let (training, test) = (Arc::new(open(Split::Train)?), open(Split::Test)?);
    let shown = if settings.network.build(None).generator.conditional() {
        // The same digits as the forgeries beside them, and none that G was
        // trained on.
        let first: Vec<usize> = (0..SNAPSHOT_IMAGES.min(test.len())).collect();
        select(&test, &first)?
    } else {
        let mut rng = ChaCha8Rng::seed_from_u64(stream_seed(args.seed, Stream::Originals, 0));
        let pool = settings.pool(training.len() as u64) as usize;
        let count = SNAPSHOT_IMAGES.min(pool);
        select(&training, &index::sample(&mut rng, pool, count).into_vec())?
    };
    let cache = Cache::new(Some(args.cache.clone()), training.images(), test.images());
    let evaluator = Evaluator::new(training.clone(), test, cache)?;
    Ok(Some(Exhibits {
        training,
        shown,
        evaluator: Some(evaluator),
    }))
}

fn select(set: &Dataset, indices: &[usize]) -> Result<Dataset> {
    let images = set.images().select(indices);
    let labels = indices.iter().filter_map(|&i| set.labels().get(i).copied());
    let images = images.context("originals picked outside the set")?;
    Ok(Dataset::new(images, labels.collect())?)
}

/// A new run directory.
fn create_run(
    args: &TrainArgs,
    preset: &Preset,
    plan: &Plan,
    exhibits: Option<&Exhibits>,
    threads: u64,
) -> Result<RunDir> {
    let config = Config {
        preset: args.preset.clone(),
        seed: plan.seed,
        batch: plan.settings.batch,
        seconds: plan.seconds,
        device: machine::device_name(plan.device),
        precision: machine::kind_name(plan.kind).to_owned(),
        threads,
        dataset: exhibits
            .map(|exhibits| dataset_info(data(args), exhibits))
            .transpose()?,
        pictures: preset.pictures.clone(),
        software: software(),
        train: toml::Table::try_from(&plan.settings)?,
    };
    let originals = exhibits
        .map(|exhibits| resized(exhibits.shown.images(), plan.settings.network.side()))
        .transpose()?;
    let Some(root) = &args.run else {
        return Ok(RunDir::create_next(
            &args.runs,
            &args.preset,
            &config,
            originals.as_ref(),
        )?);
    };
    let run = RunDir::create(root, &config, originals.as_ref())?;
    run.set_latest(&args.runs)?;
    Ok(run)
}

/// What computes here.
pub fn software() -> Software {
    Software {
        trainer: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
    }
}

fn dataset_info(path: &Path, exhibits: &Exhibits) -> Result<DatasetInfo> {
    let training = &exhibits.training;
    let images_sha256 = training.images_sha256();
    let labels_sha256 = training.labels_sha256();
    Ok(DatasetInfo {
        name: known::identify(&images_sha256, &labels_sha256)
            .map_or("custom", |set| set.name)
            .to_owned(),
        path: std::path::absolute(path)?.display().to_string(),
        images: training.len() as u64,
        images_sha256,
        labels_sha256,
        test_images_sha256: exhibits
            .evaluator
            .as_ref()
            .map(Evaluator::test_images_sha256),
    })
}
