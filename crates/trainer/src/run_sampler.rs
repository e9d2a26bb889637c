//! Samples from a run's newest checkpoint.

use run_dir::{Config, RunDir};

use crate::Error;
use crate::checkpoint::{Checkpoint, TrainState};
use crate::config::kind;
use crate::sampler::Sampler;

/// A sampler from a run's newest checkpoint, on the CPU.
#[derive(Debug)]
pub struct RunSampler {
    /// The run's configuration.
    pub config: Config,
    /// The position of the run at the checkpoint.
    pub state: TrainState,
    /// The sampler.
    pub sampler: Sampler,
}

impl RunSampler {
    /// Loads the newest checkpoint of `run`, whose networks are one of
    /// `gan-models`.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`]; [`Error::Numbers`] if the samples are no images;
    /// [`Error::Checkpoint`] if the checkpoint has no hash or another one, or if
    /// `config.toml` changed after it; [`Error::Run`] if a file cannot be read.
    pub fn open(run: &RunDir) -> Result<RunSampler, Error> {
        let config = run.config()?;
        let Some(networks) = gan_models::by_name(&config.networks, None) else {
            return Err(Error::Checkpoint {
                path: run.config_path(),
                reason: format!("the networks {} are not part of gan-models", config.networks),
            });
        };
        let generator = networks.generator;
        if generator.image_side() == 1 {
            return Err(Error::Numbers { preset: config.preset });
        }
        let Some((_, path)) = run.newest_checkpoint()? else {
            return Err(Error::NoCheckpoint { run: run.root().to_owned() });
        };
        let checkpoint = Checkpoint::read(run, &path)?;
        checkpoint.check_config(run)?;
        let parameters = checkpoint.sampling_parameters(generator.layout())?;
        let kind = kind(config.precision);
        let sampler = Sampler::new(generator, &parameters, kind, config.settings.batch);
        Ok(RunSampler { state: checkpoint.state().train, config, sampler })
    }
}
