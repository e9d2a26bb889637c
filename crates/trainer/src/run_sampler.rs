//! The networks of a run's newest checkpoint, and samples from them.

use gan_models::Networks;
use run_dir::{Config, RunDir};
use tch::Device;

use crate::Error;
use crate::checkpoint::{Checkpoint, TrainState};
use crate::config::kind;
use crate::gan::Gan;
use crate::losses::Loss;
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
    /// Loads the newest checkpoint of `run`. Its networks must be built into `gan-models`.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`]; [`Error::Numbers`] if the generator produces numbers;
    /// [`Error::Checkpoint`] if the checkpoint has no hash or another one, or if
    /// `config.toml` changed after it; [`Error::Run`] if a file cannot be read.
    pub fn open(run: &RunDir) -> Result<RunSampler, Error> {
        let config = run.config()?;
        let generator = networks(run, &config)?.generator;
        if generator.image_side() == 1 {
            return Err(Error::Numbers { preset: config.preset });
        }
        let checkpoint = newest(run)?;
        let parameters = checkpoint.sampling_parameters(generator.layout())?;
        let kind = kind(config.precision);
        let sampler = Sampler::new(generator, &parameters, kind, config.settings.batch)
            .with_classes(config.conditional_classes());
        Ok(RunSampler { state: checkpoint.state().train, config, sampler })
    }
}

/// Both networks from a run's newest checkpoint, on the CPU.
#[derive(Debug)]
pub struct RunGan {
    /// The run's configuration.
    pub config: Config,
    /// The position of the run at the checkpoint.
    pub state: TrainState,
    /// The networks.
    pub gan: Gan,
}

impl RunGan {
    /// Loads the newest checkpoint of `run`, whose networks and loss are part of this
    /// workspace.
    ///
    /// # Errors
    /// Those of [`RunSampler::open`], without [`Error::Numbers`].
    pub fn open(run: &RunDir) -> Result<RunGan, Error> {
        let config = run.config()?;
        let networks = networks(run, &config)?;
        let (settings, kind) = (&config.settings, kind(config.precision));
        let Some(loss) = Loss::by_name(&settings.loss) else {
            return Err(refuse(run, format!("the loss {} is unknown", settings.loss)));
        };
        let checkpoint = newest(run)?;
        let mut gan = Gan {
            classes: config.conditional_classes(),
            ..Gan::new(networks, loss, settings, config.seed, Device::Cpu, kind)
        };
        checkpoint.restore(&mut gan)?;
        Ok(RunGan { state: checkpoint.state().train, config, gan })
    }
}

fn networks(run: &RunDir, config: &Config) -> Result<Networks, Error> {
    let name = &config.networks;
    gan_models::by_name(name, config.conditional_classes().width(), None)
        .ok_or_else(|| refuse(run, format!("the networks {name} are not part of gan-models")))
}

fn newest(run: &RunDir) -> Result<Checkpoint, Error> {
    let Some((_, path)) = run.newest_checkpoint()? else {
        return Err(Error::NoCheckpoint { run: run.root().to_owned() });
    };
    let checkpoint = Checkpoint::read(run, &path)?;
    checkpoint.check_config(run)?;
    Ok(checkpoint)
}

fn refuse(run: &RunDir, reason: String) -> Error {
    Error::Checkpoint { path: run.config_path(), reason }
}
