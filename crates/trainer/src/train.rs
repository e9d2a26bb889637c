//! The training loop: the only one there is, top to bottom.

use std::time::{Duration, Instant};

use gan_models::Mode;
use gan_viz::MOMENTS;
use mnist_io::Dataset;
use run_dir::{MetricsRow, RunDir};
use tch::{Device, Kind};

use crate::Error;
use crate::checkpoint;
use crate::data::{Order, Originals};
use crate::game::{Game, digits_in_turn};
use crate::seeds::{Stream, seed_torch};
use crate::settings::{Settings, SettingsError};
use crate::step::{Rates, discriminator_step, draw_latents, step};

/// Rows and columns of the images that can be trained on; presets for larger
/// ones bring them to their size.
const IMAGE_SIDE: usize = 28;

/// Images in a snapshot.
pub const SNAPSHOT_IMAGES: usize = 64;

/// Everything that decides a run, but for the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is computed.
    pub settings: Settings,
    /// What everything random follows from.
    pub seed: u64,
    /// Stretch the schedule over so many seconds of training, not over
    /// [`Settings::images`].
    pub seconds: Option<f64>,
    /// Where to compute.
    pub device: Device,
    /// The kind that the networks compute in.
    pub kind: Kind,
}

impl Plan {
    /// Refuses what cannot work on `dataset`.
    ///
    /// # Errors
    /// Impossible settings, images of a size the networks do not take, or labels
    /// that are no digits where the networks want digits.
    pub fn check(&self, dataset: &Dataset) -> Result<(), Error> {
        self.settings.check(dataset.len() as u64)?;
        if let Some(seconds) = self.seconds
            && !(seconds > 0.0 && seconds.is_finite())
        {
            return Err(Error::Settings(SettingsError::Impossible {
                key: "seconds",
                value: seconds.to_string(),
                reason: "it must be above 0".to_owned(),
            }));
        }
        let images = dataset.images();
        let (rows, cols) = (images.rows(), images.cols());
        if (rows, cols) != (IMAGE_SIDE, IMAGE_SIDE) {
            let side = IMAGE_SIDE;
            return Err(Error::ImageSize { rows, cols, side });
        }
        let pair = self.settings.network.build();
        if pair.generator.conditional()
            && let Some(&label) = dataset.labels().iter().find(|&&label| label > 9)
        {
            return Err(Error::Label { label });
        }
        let mixes = pair.generator.mixes_batch() || pair.discriminator.mixes_batch();
        if mixes && self.settings.batch < 2 {
            return Err(Error::Settings(SettingsError::Impossible {
                key: "batch",
                value: self.settings.batch.to_string(),
                reason: "batch norm needs at least 2 images".to_owned(),
            }));
        }
        let penalized = self.settings.r1 > 0.0 || self.settings.r2 > 0.0;
        if penalized && pair.discriminator.mixes_batch() {
            return Err(Error::Settings(SettingsError::Impossible {
                key: "r1, r2",
                value: format!("{}, {}", self.settings.r1, self.settings.r2),
                reason: "this discriminator's batch norm makes each logit depend on every image, \
                         so that there is no gradient at one image"
                    .to_owned(),
            }));
        }
        Ok(())
    }
}

/// Somebody who watches the loop; the clock of training stands still meanwhile.
pub trait Watch {
    /// D has done `update` of `updates` before the first step.
    fn pretraining(&mut self, _update: u64, _updates: u64) {}

    /// D was trained alone and now tells originals from forgeries with this
    /// accuracy, 0 to 1.
    fn pretrained(&mut self, _accuracy: f64) {}

    /// A row was written; `done` is the share of the schedule, 0 to 1.
    fn reported(&mut self, _row: &MetricsRow, _done: f64) {}

    /// A snapshot was written.
    fn snapped(&mut self, _step: u64) {}

    /// Asked before every step: whether to end here with what there is.
    fn stop(&mut self) -> bool {
        false
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Steps finished.
    pub steps: u64,
    /// Originals shown to D.
    pub images_seen: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Whether the schedule was finished, not stopped.
    pub finished: bool,
}

/// Trains as `plan` says on `dataset`, and leaves samples, rows and a last
/// checkpoint in `run`.
///
/// # Errors
/// Images of the wrong size, a run directory that cannot be written.
pub fn train(
    plan: &Plan,
    dataset: &Dataset,
    run: &RunDir,
    watch: &mut dyn Watch,
) -> Result<Outcome, Error> {
    let settings = &plan.settings;
    plan.check(dataset)?;
    let pool = settings.pool(dataset.len() as u64);

    // Build the networks and draw the latents that every snapshot shows.
    let pair = settings.network.build();
    let originals = Originals::new(
        dataset,
        pool as usize,
        settings.network.side(),
        pair.range,
        plan.device,
    )?;
    let mut order = Order::new(plan.seed, Stream::Order, pool, settings.with_replacement);
    let mut game = Game::new(pair, settings, plan.seed, plan.device, plan.kind);
    seed_torch(plan.seed, Stream::Snapshot, 0);
    let fixed = game
        .generator
        .latent()
        .sample(SNAPSHOT_IMAGES as i64, plan.device);
    let digits = digits_in_turn(SNAPSHOT_IMAGES as i64, plan.device);

    // Train D alone first, where the preset asks for it.
    if settings.pretrain_images > 0 {
        let accuracy = pretrain(&mut game, plan, &originals, pool, watch);
        watch.pretrained(accuracy);
    }
    run.write_samples(0, &game.snapshot(&fixed, &digits)?)?;
    watch.snapped(0);

    let steps = settings.steps();
    tracing::debug!(steps, seconds = plan.seconds, "training");
    let mut clock = Duration::ZERO;
    let mut finished = 0;
    let mut last_snapshot = 0;
    let mut done = 0.0;
    while done < 1.0 && !watch.stop() {
        let started = Instant::now();
        let factor = settings.schedule.factor(done);
        let rates = Rates {
            d: settings.lr_d * factor,
            g: settings.lr_g * factor,
        };

        // Play one step: D, then G.
        let batch = originals.batch(&order.indices(finished, settings.batch));
        seed_torch(plan.seed, Stream::Step, finished);
        let penalize = (settings.r1 > 0.0 || settings.r2 > 0.0)
            && finished.is_multiple_of(settings.penalty_every);
        let report = step(&mut game, settings, &batch, rates, penalize);
        finished += 1;
        let images_seen = finished * settings.batch;
        if let Some(average) = &mut game.average {
            average.update(
                &game.g.parameters,
                settings.batch as f64,
                images_seen as f64,
            );
        }
        done = match plan.seconds {
            Some(seconds) => ((clock + started.elapsed()).as_secs_f64() / seconds).min(1.0),
            None => finished as f64 / steps as f64,
        };
        let due = finished.is_multiple_of(settings.report_every) || finished == 1 || done >= 1.0;
        // Reading a number waits for the device, and that is training time too.
        let row = due.then(|| {
            let (real_called_real, fake_called_real) = report.called_real(settings.loss);
            MetricsRow {
                step: finished,
                images_seen,
                seconds: 0.0,
                loss_d: report.d.loss.double_value(&[]),
                loss_g: report.loss_g.double_value(&[]),
                real_called_real,
                fake_called_real,
                lr_d: rates.d,
                lr_g: rates.g,
            }
        });
        clock += started.elapsed();

        // Report, and stop where there is nothing left to train.
        if let Some(mut row) = row {
            row.seconds = clock.as_secs_f64();
            run.append_metrics(&row)?;
            watch.reported(&row, done);
            if !(row.loss_d.is_finite() && row.loss_g.is_finite()) {
                return Err(Error::Diverged { step: finished });
            }
        }

        // Look at the fixed latents.
        if finished.is_multiple_of(settings.snapshot_every) || MOMENTS.contains(&finished) {
            run.write_samples(finished, &game.snapshot(&fixed, &digits)?)?;
            last_snapshot = finished;
            watch.snapped(finished);
        }
    }

    // Leave the weights and a last look behind.
    checkpoint::save(&run.checkpoint_path(finished), &game)?;
    tracing::info!(step = finished, "saved the checkpoint");
    if last_snapshot != finished {
        run.write_samples(finished, &game.snapshot(&fixed, &digits)?)?;
        watch.snapped(finished);
    }
    Ok(Outcome {
        steps: finished,
        images_seen: finished * settings.batch,
        seconds: clock.as_secs_f64(),
        finished: done >= 1.0,
    })
}

/// Trains D alone on originals and on forgeries of the untrained G, then returns
/// the share of one more batch of each that it tells apart, 0 to 1.
fn pretrain(
    game: &mut Game,
    plan: &Plan,
    originals: &Originals,
    pool: u64,
    watch: &mut dyn Watch,
) -> f64 {
    let settings = &plan.settings;
    let batch = settings.pretrain_batch;
    let updates = settings.pretrain_images.div_ceil(batch);
    let stream = Stream::PretrainOrder;
    let mut order = Order::new(plan.seed, stream, pool, settings.with_replacement);
    let mut draw = |game: &Game, update: u64| {
        let real = originals.batch(&order.indices(update, batch));
        seed_torch(plan.seed, Stream::Pretrain, update);
        let fake = game.forge(&draw_latents(game, &real), &real.labels, Mode::Train);
        (real, fake)
    };
    for update in 0..updates {
        if watch.stop() {
            break;
        }
        let (real, fake) = draw(game, update);
        discriminator_step(game, settings, &real, &fake, settings.lr_d, false);
        watch.pretraining(update + 1, updates);
    }
    let (real, fake) = draw(game, updates);
    game.accuracy(settings.loss, &real, &fake)
}
