//! The networks of a run's newest checkpoint, and samples from them.

use gan_models::Networks;
use run_dir::{RunConfig, RunDir};

use crate::Error;
use crate::checkpoint::{Checkpoint, TrainState};
use crate::checkpoint_file::checkpoint_error;
use crate::config::{TrainConfig, dtype};
use crate::gan::Gan;
use crate::losses::Loss;
use crate::sampler::Sampler;

/// A sampler from a run's newest checkpoint, on the CPU.
#[derive(Debug)]
pub struct RunSampler {
    /// The run's configuration.
    pub config: RunConfig,
    /// The position of the run at the checkpoint.
    pub state: TrainState,
    /// Generates the samples.
    pub sampler: Sampler,
}

impl RunSampler {
    /// Loads the newest checkpoint of `run`. Its networks must be built into `gan-models`.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`]; [`Error::Synthetic`] if the generator produces numbers;
    /// [`Error::Checkpoint`] if the checkpoint has no hash or another one, or if
    /// `config.toml` changed after it; [`Error::Run`] if a file cannot be read.
    pub fn open(run: &RunDir) -> Result<RunSampler, Error> {
        let config = run.config()?;
        let generator = networks(run, &config)?.generator;
        if generator.image_side() == 1 {
            return Err(Error::Synthetic { preset: config.preset });
        }
        let checkpoint = newest(run)?;
        let parameters = checkpoint.generator_inference_parameters(generator.layout())?;
        let dtype = dtype(config.precision);
        let sampler = Sampler::new(generator, &parameters, dtype, config.settings.batch)
            .with_classes(config.conditional_classes());
        Ok(RunSampler { state: checkpoint.metadata().train, config, sampler })
    }
}

/// Both networks from a run's newest checkpoint, on the CPU.
#[derive(Debug)]
pub struct RunGan {
    /// The run's configuration.
    pub config: RunConfig,
    /// The position of the run at the checkpoint.
    pub state: TrainState,
    /// The networks.
    pub gan: Gan,
}

impl RunGan {
    /// Loads the newest checkpoint of `run`. Its networks must be built into `gan-models`, and
    /// its loss into `gan-trainer`.
    ///
    /// # Errors
    /// Those of [`RunSampler::open`], without [`Error::Synthetic`].
    pub fn open(run: &RunDir) -> Result<RunGan, Error> {
        let config = run.config()?;
        let networks = networks(run, &config)?;
        let Some(loss) = Loss::by_name(&config.settings.loss) else {
            let reason = format!("the loss {} is unknown", config.settings.loss);
            return Err(checkpoint_error(&run.config_path(), reason));
        };
        let settings = config.settings.clone();
        let mut gan = Gan::new(&TrainConfig {
            classes: config.conditional_classes(),
            seed: config.seed,
            dtype: dtype(config.precision),
            ..TrainConfig::new(settings, &config.networks, networks, loss)
        });
        let checkpoint = newest(run)?;
        checkpoint.restore(&mut gan)?;
        Ok(RunGan { state: checkpoint.metadata().train, config, gan })
    }
}

fn networks(run: &RunDir, config: &RunConfig) -> Result<Networks, Error> {
    let name = &config.networks;
    gan_models::by_name(name, config.conditional_classes().one_hot_size(), None).ok_or_else(|| {
        let reason = format!("the networks {name} are not part of gan-models");
        checkpoint_error(&run.config_path(), reason)
    })
}

fn newest(run: &RunDir) -> Result<Checkpoint, Error> {
    let Some((_, path)) = run.newest_checkpoint()? else {
        return Err(Error::NoCheckpoint { run: run.root().to_owned() });
    };
    let checkpoint = Checkpoint::read(run, &path)?;
    checkpoint.check_config(run)?;
    Ok(checkpoint)
}
