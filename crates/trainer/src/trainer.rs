//! Training in memory: configuration, data loader, GAN and counters.

use std::time::Instant;

use gan_config::{Pretraining, SNAPSHOT_STEPS, SchedulePosition};
use run_dir::MetricsRow;

use crate::Error;
use crate::checkpoint::TrainState;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::gan::Gan;
use crate::loader::DataLoader;
use crate::observer::Observer;
use crate::seeds::{RandomStream, seed_torch};
use crate::step::{StepHyperparams, StepStats};

/// Batches for the estimate of D's accuracy.
const ACCURACY_BATCHES: u64 = 8;

/// Training in memory: configuration, data loader, GAN and counters. [`Trainer::step`] takes one
/// step of the schedule.
#[derive(Debug)]
pub struct Trainer {
    /// The configuration.
    pub config: TrainConfig,
    /// The real images.
    pub loader: DataLoader,
    /// Both networks.
    pub gan: Gan,
    /// Counters of steps, images and time.
    pub state: TrainState,
    /// Completed fraction of the schedule, 0 to 1.
    fraction_done: f64,
    /// Learning rates and momentum of the last step; before the first step, the initial ones.
    hyper: StepHyperparams,
}

impl Trainer {
    /// Loads the real images onto the device and draws the initial parameters. Call
    /// [`TrainConfig::validate`] first: this function does not check that data and networks match.
    ///
    /// # Errors
    /// [`Error::NoImages`] if there are no images; [`Error::Torch`] if libtorch fails.
    pub fn new(config: &TrainConfig, data: &TrainData) -> Result<Trainer, Error> {
        let TrainConfig { settings, seed, device, .. } = config;
        let generator = &config.networks.generator;
        let loader = match data {
            TrainData::Images { training, .. } => DataLoader::images(
                training,
                settings.epoch_size(training.len() as u64),
                generator.image_side(),
                generator.pixel_range(),
                *device,
                *seed,
            )?,
            TrainData::Gaussian => DataLoader::gaussian(*device, *seed),
        };
        Ok(Trainer {
            loader: loader.with_replacement(settings.with_replacement),
            gan: Gan::new(config),
            config: config.clone(),
            state: TrainState::default(),
            fraction_done: 0.0,
            hyper: StepHyperparams {
                lr_d: settings.lr_d,
                lr_g: settings.lr_g,
                momentum: settings.momentum(0),
            },
        })
    }

    /// Trains D alone, if the settings contain pretraining, and measures its accuracy on the
    /// next batches. Returns `false` if the observer stopped it.
    ///
    /// Each batch has as many images of the untrained G as real ones. The real images come epoch
    /// by epoch.
    pub fn pretrain(&mut self, observer: &mut dyn Observer) -> bool {
        let Some(Pretraining { images, batch }) = self.config.settings.pretraining else {
            return true;
        };
        let updates = images.div_ceil(batch);
        let mut loader = self.loader.for_pretraining();
        let seed = self.config.seed;
        let mut load = |gan: &Gan, update: u64, count: u64| {
            let real = loader.batch(update, update * batch, count);
            seed_torch(seed, RandomStream::Pretrain, update);
            let fake = gan.generate_fake(&gan.latents(real.len()), &real.labels);
            (real, fake)
        };
        for update in 0..updates {
            if observer.should_stop() {
                return false;
            }
            let (real, fake) = load(&self.gan, update, batch.min(images - update * batch));
            let penalize = update.is_multiple_of(self.config.settings.penalty_every);
            self.gan.discriminator_step(&real, &fake, self.hyper, penalize);
            observer.pretraining(update + 1, updates);
        }
        let accuracy: f64 = (updates..updates + ACCURACY_BATCHES)
            .map(|update| {
                let (real, fake) = load(&self.gan, update, batch);
                self.gan.accuracy(&real, &fake)
            })
            .sum();
        observer.pretrained(accuracy / ACCURACY_BATCHES as f64, 2 * batch * ACCURACY_BATCHES);
        true
    }

    /// Sets the position to `state`. Restore the GAN first.
    pub fn resume(&mut self, state: TrainState) {
        self.state = TrainState { seconds: state.seconds.max(0.0), ..state };
        // `metrics_row` adds its time after the step compared the time with the limit. Keep the
        // fraction below 1 until the run is finished: the resumed run takes one more step.
        let limit = if state.finished { 1.0 } else { 1.0f64.next_down() };
        self.fraction_done = self.compute_fraction_done().min(limit);
    }

    /// Takes the next step of the schedule: updates D, G and the average of G's
    /// parameters.
    pub fn step(&mut self) -> StepStats {
        let started = Instant::now();
        let (step, images_seen) = (self.state.step, self.state.images_seen);
        let settings = &self.config.settings;
        let position = SchedulePosition {
            fraction_done: self.fraction_done,
            steps_done: step,
            total_batches: settings.batches(),
        };
        let factor = settings.schedule.lr_factor(position);
        self.hyper = StepHyperparams {
            lr_d: settings.lr_d * factor,
            lr_g: settings.lr_g * factor,
            momentum: settings.momentum(images_seen / self.loader.epoch_size()),
        };
        let image_count = settings.batch * settings.schedule.batches_per_step(position);
        let penalize = step.is_multiple_of(settings.penalty_every);

        let batch = self.loader.batch(step, images_seen, image_count);
        let (gan, hyper, seed) = (&mut self.gan, self.hyper, self.config.seed);
        let workers = gan.workers.clone();
        let stats = workers.run(move || {
            seed_torch(seed, RandomStream::Step, step);
            let stats = gan.step(&batch, hyper, penalize);
            gan.update_ema(image_count, images_seen + image_count);
            stats
        });

        self.state.step += 1;
        self.state.images_seen += image_count;
        self.state.seconds += started.elapsed().as_secs_f64();
        self.fraction_done = self.compute_fraction_done();
        self.state.finished = self.fraction_done >= 1.0;
        stats
    }

    /// Completed fraction of the schedule, 0 to 1.
    pub fn fraction_done(&self) -> f64 {
        self.fraction_done
    }

    /// A row of `metrics.jsonl` for the last step. Reading the losses waits for the device.
    /// This time counts as training time.
    pub fn metrics_row(&mut self, stats: &StepStats) -> MetricsRow {
        let started = Instant::now();
        let StepStats { discriminator: d, loss_g } = stats;
        let loss = &self.gan.objective.loss;
        let (d_real, d_fake) = loss.shares_classified_real(&d.real_logits, &d.fake_logits);
        let (loss_d, loss_g) = (d.loss.double_value(&[]), loss_g.double_value(&[]));
        self.state.seconds += started.elapsed().as_secs_f64();
        MetricsRow {
            step: self.state.step,
            images_seen: self.state.images_seen,
            seconds: self.state.seconds,
            loss_d,
            loss_g,
            d_real,
            d_fake,
            lr_d: self.hyper.lr_d,
            lr_g: self.hyper.lr_g,
        }
    }

    /// Whether a row of `metrics.jsonl` is due after the last step.
    pub fn metrics_due(&self) -> bool {
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

    /// Returns an error if a loss, weight or optimizer state is not finite.
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

    fn compute_fraction_done(&self) -> f64 {
        match self.config.time_limit_seconds {
            Some(seconds) => (self.state.seconds / seconds).min(1.0),
            None => {
                let images = self.config.settings.images as f64;
                (self.state.images_seen as f64 / images).min(1.0)
            }
        }
    }
}
