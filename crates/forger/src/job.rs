//! A training job: the configuration, the data and the run directory that the
//! options of `train` describe.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use gan_cli::{Paths, PrecisionChoice, Resolved, TrainArgs};
use gan_config::{Precision, Settings};
use gan_metrics::{Cache, Evaluator};
use gan_trainer::{Checkpointer, TrainConfig, TrainData, kind};
use mnist_io::{Dataset, Split, known};
use run_dir::{DatasetInfo, RunDir};

use crate::machine;

/// A run to train, with everything it needs.
pub struct TrainJob {
    /// The configuration.
    pub config: TrainConfig,
    /// The data.
    pub data: TrainData,
    /// The run directory.
    pub checkpointer: Checkpointer,
    /// The preset's name.
    pub preset: String,
    /// The folder of the data set.
    pub data_path: PathBuf,
    /// The precision of the networks.
    pub precision: Precision,
    /// Threads of libtorch.
    pub threads: u64,
}

impl TrainJob {
    /// A job in a new run directory.
    pub fn new(args: &TrainArgs) -> Result<TrainJob> {
        let paths = Paths::from_env();
        let Resolved { preset, networks, settings } = args.resolve()?;
        let data_path = args.data_dir(&paths);
        let cache = paths.cache(args.cache.as_deref());
        let source = (!preset.synthetic).then_some(data_path.as_path());
        let data = data(source, &cache, &settings, networks, args.seed)?;
        let threads = machine::set_threads(args.threads)?;
        let device = machine::device(args.device)?;
        let precision = match args.precision {
            // bf16 cannot tell numbers near 4 apart that differ in the third digit.
            PrecisionChoice::Auto if preset.synthetic => Precision::F32,
            choice => machine::precision(choice, device),
        };
        let config = TrainConfig {
            seed: args.seed,
            seconds: args.seconds,
            device,
            kind: kind(precision),
            ..TrainConfig::by_name(settings, networks, &data)?
        };
        config.validate(&data)?;
        let dataset = dataset_info(&data_path, &data)?;
        let run_config = config.run_config(&preset.name, preset.figures.clone(), dataset);
        let runs = paths.runs(args.runs.as_deref());
        let real = data.shown_images(config.networks.generator.image_side())?;
        let run = match &args.run {
            None => RunDir::create_next(&runs, &preset.name, &run_config, real.as_ref())?,
            Some(root) => {
                let run = RunDir::create(root, &run_config, real.as_ref())?;
                run.set_latest(&runs)?;
                run
            }
        };
        Ok(TrainJob {
            config,
            data,
            checkpointer: Checkpointer::new(run, checkpoint_every(args))?,
            preset: preset.name.to_owned(),
            data_path,
            precision,
            threads,
        })
    }
}

/// The time between checkpoints; `None` for one at the end only.
pub fn checkpoint_every(args: &TrainArgs) -> Option<Duration> {
    Some(args.checkpoint_every).filter(|every| !every.is_zero())
}

/// The data set in the folder `path` with its evaluator, or numbers without a
/// folder. `cache` is the folder for statistics of data sets.
pub fn data(
    path: Option<&Path>,
    cache: &Path,
    settings: &Settings,
    networks: &str,
    seed: u64,
) -> Result<TrainData> {
    let Some(path) = path else {
        return Ok(TrainData::Gaussian);
    };
    let open =
        |split| Dataset::open(path, split).with_context(|| format!("--data {}", path.display()));
    let (training, test) = (Arc::new(open(Split::Train)?), open(Split::Test)?);
    let conditional = gan_models::by_name(networks, None)
        .is_some_and(|networks| networks.generator.conditional());
    let cache = Cache::new(Some(cache.to_owned()), training.images(), test.images());
    let evaluator = Evaluator::new(training.clone(), test.clone(), cache)?;
    let pool = settings.pool(training.len() as u64);
    let data = TrainData::with_evaluator(training, &test, evaluator, pool, conditional, seed)?;
    Ok(data)
}

/// The data set in the folder `path` as a run's configuration describes it.
pub fn dataset_info(path: &Path, data: &TrainData) -> Result<Option<DatasetInfo>> {
    let TrainData::Images { training, evaluator, .. } = data else {
        return Ok(None);
    };
    let images_sha256 = training.images_sha256();
    let labels_sha256 = training.labels_sha256();
    let known = known::identify(&images_sha256, &labels_sha256);
    Ok(Some(DatasetInfo {
        name: known.map_or("custom", |set| set.name).to_owned(),
        path: std::path::absolute(path)?.display().to_string(),
        images: training.len() as u64,
        images_sha256,
        labels_sha256,
        test_images_sha256: evaluator.as_ref().map(|e| e.test_images_sha256()),
    }))
}
