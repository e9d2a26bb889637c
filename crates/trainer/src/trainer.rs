//! What training needs in memory: configuration, data loader, GAN and position.

use std::time::{Duration, Instant};

use gan_config::{Optimizer, Progress, SNAPSHOT_STEPS};
use run_dir::MetricsRow;

use crate::Error;
use crate::checkpoint::TrainState;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::gan::Gan;
use crate::loader::DataLoader;
use crate::observer::Observer;
use crate::pretraining::pretrain;
use crate::seeds::{Stream, seed_torch};
use crate::step::{Rates, StepStats};

/// What training needs in memory. [`Trainer::step`] takes one step of the schedule.
#[derive(Debug)]
pub struct Trainer {
    /// The configuration.
    pub config: TrainConfig,
    /// The real images.
    pub loader: DataLoader,
    /// Both networks.
    pub gan: Gan,
    /// The position in the schedule.
    pub state: TrainState,
    /// Completed fraction of the schedule, 0 to 1.
    progress: f64,
    /// Time of training, exact; `state.seconds` is this time at the last step.
    clock: Duration,
    /// Learning rates of the last step.
    rates: Rates,
}

impl Trainer {
    /// Loads the real images and builds the networks. Call [`TrainConfig::validate`]
    /// first: this function does not check that data and networks match.
    ///
    /// # Errors
    /// [`Error::NoImages`] if there are no images; [`Error::Torch`] if libtorch fails.
    pub fn new(config: &TrainConfig, data: &TrainData) -> Result<Trainer, Error> {
        let TrainConfig { settings, .. } = config;
        let (seed, device) = (config.seed, config.device);
        let generator = &config.networks.generator;
        let loader = match data {
            TrainData::Images { training, .. } => DataLoader::images(
                training,
                settings.epoch_size(training.len() as u64),
                generator.image_side(),
                generator.pixel_range(),
                device,
                seed,
            )?,
            TrainData::Gaussian => DataLoader::gaussian(device, seed),
        };
        Ok(Trainer {
            loader: loader.with_replacement(settings.with_replacement),
            gan: Gan {
                classes: config.classes.clone(),
                ..Gan::new(
                    config.networks.clone(),
                    config.loss,
                    settings,
                    seed,
                    device,
                    config.kind,
                )
            },
            config: config.clone(),
            state: TrainState::default(),
            progress: 0.0,
            clock: Duration::ZERO,
            rates: Rates { lr_d: settings.lr_d, lr_g: settings.lr_g, momentum: 0.0 },
        })
    }

    /// Trains D alone, if the settings contain pretraining. Returns `false` if the observer
    /// stopped it.
    pub fn pretrain(&mut self, observer: &mut dyn Observer) -> bool {
        let settings = &self.config.settings;
        let Some(pretraining) = settings.pretraining else {
            return true;
        };
        let rates = Rates { lr_d: settings.lr_d, lr_g: settings.lr_g, momentum: self.momentum() };
        let (every, seed) = (settings.penalty_every, self.config.seed);
        let loader = self.loader.for_pretraining();
        pretrain(&mut self.gan, pretraining, rates, every, seed, loader, observer)
    }

    /// Sets the position to `state`. The caller must have restored the GAN.
    pub fn resume(&mut self, state: TrainState) {
        self.clock = Duration::try_from_secs_f64(state.seconds).unwrap_or_default();
        self.state = state;
        // With a time limit, the time of `report` counts too, and can exceed the limit after
        // the last step. Progress stays below 1 then, so the resumed run takes one more step
        // and ends as finished.
        self.progress = match state.finished {
            true => 1.0,
            false => self.completed_fraction().min(1.0f64.next_down()),
        };
    }

    /// Takes the next step of the schedule: updates D, G and the average of G's
    /// parameters.
    pub fn step(&mut self) -> StepStats {
        let started = Instant::now();
        let (step, images_seen) = (self.state.step, self.state.images_seen);
        let settings = &self.config.settings;
        let progress = Progress { done: self.progress, updates: step, batches: settings.batches() };
        let factor = settings.schedule.lr_factor(progress);
        self.rates = Rates {
            lr_d: settings.lr_d * factor,
            lr_g: settings.lr_g * factor,
            momentum: self.momentum(),
        };
        let images = settings.batch * settings.schedule.batches_per_step(progress);
        let penalize = step.is_multiple_of(settings.penalty_every);

        let batch = self.loader.batch(step, images_seen, images);
        let (gan, rates, seed) = (&mut self.gan, self.rates, self.config.seed);
        let workers = gan.workers.clone();
        let stats = workers.run(move || {
            seed_torch(seed, Stream::Step, step);
            let stats = gan.step(&batch, rates, penalize);
            gan.update_ema(images, images_seen + images);
            stats
        });

        self.state.step += 1;
        self.state.images_seen += images;
        self.clock += started.elapsed();
        self.state.seconds = self.clock.as_secs_f64();
        self.progress = self.completed_fraction();
        self.state.finished = self.progress >= 1.0;
        stats
    }

    /// Completed fraction of the schedule, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.progress
    }

    /// A row of `metrics.jsonl` for the last step. Reading the losses waits for
    /// the device; this time counts as training time.
    pub fn report(&mut self, stats: &StepStats) -> MetricsRow {
        let started = Instant::now();
        let (d_real, d_fake) = stats.classified_real(&self.config.loss);
        let (loss_d, loss_g) = (&stats.loss_d, &stats.loss_g);
        let (loss_d, loss_g) = (loss_d.double_value(&[]), loss_g.double_value(&[]));
        self.clock += started.elapsed();
        self.state.seconds = self.clock.as_secs_f64();
        MetricsRow {
            step: self.state.step,
            images_seen: self.state.images_seen,
            seconds: self.state.seconds,
            loss_d,
            loss_g,
            d_real,
            d_fake,
            lr_d: self.rates.lr_d,
            lr_g: self.rates.lr_g,
        }
    }

    /// Whether a row of `metrics.jsonl` is due after the last step.
    pub fn report_due(&self) -> bool {
        let step = self.state.step;
        step == 1 || step.is_multiple_of(self.config.settings.report_every) || self.state.finished
    }

    /// Whether a point of the quality curve is due after the last step.
    pub fn evaluation_due(&self) -> bool {
        let settings = &self.config.settings;
        settings.evaluates_at(self.state.step)
            || (self.state.finished && settings.evaluate_every.is_some())
    }

    /// Whether a snapshot is due after the last step.
    pub fn snapshot_due(&self) -> bool {
        let step = self.state.step;
        step.is_multiple_of(self.config.settings.snapshot_every) || SNAPSHOT_STEPS.contains(&step)
    }

    /// Rejects a loss, weight or optimizer state that is not finite.
    ///
    /// # Errors
    /// [`Error::Diverged`] with what is not finite.
    pub fn check_finite(&self, row: &MetricsRow) -> Result<(), Error> {
        let losses = [("D's loss", row.loss_d), ("G's loss", row.loss_g)];
        let loss = losses.iter().find(|(_, loss)| !loss.is_finite());
        let what = loss.map(|(name, _)| (*name).to_owned());
        match what.or_else(|| self.gan.first_non_finite()) {
            Some(what) => Err(Error::Diverged { step: self.state.step, what }),
            None => Ok(()),
        }
    }

    fn completed_fraction(&self) -> f64 {
        match self.config.seconds {
            Some(seconds) => (self.clock.as_secs_f64() / seconds).min(1.0),
            None => {
                let images = self.config.settings.images as f64;
                (self.state.images_seen as f64 / images).min(1.0)
            }
        }
    }

    /// The momentum of the present epoch.
    fn momentum(&self) -> f64 {
        match self.config.settings.optimizer {
            Optimizer::Sgd(momentum) => {
                momentum.at(self.state.images_seen / self.loader.epoch_size())
            }
            Optimizer::Adam(_) => 0.0,
        }
    }
}
