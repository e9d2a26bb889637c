//! The training loop: the only one there is, top to bottom.

use std::time::{Duration, Instant};

use gan_viz::MOMENTS;
use mnist_io::Images;
use run_dir::{MetricsRow, RunDir};
use tch::{Device, Kind};

use crate::Error;
use crate::checkpoint;
use crate::data::{Order, Originals};
use crate::game::Game;
use crate::seeds::{Stream, seed_torch};
use crate::settings::Settings;
use crate::step::{Rates, discriminator_step, draw_latents, step};

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
    /// Refuses what cannot work on `images` u8 `[n, rows, cols]`.
    ///
    /// # Errors
    /// Impossible settings, or images of a size the networks do not take.
    pub fn check(&self, images: &Images) -> Result<(), Error> {
        self.settings.check(images.len() as u64)?;
        let side = self.settings.network.side();
        let (rows, cols) = (images.rows(), images.cols());
        if (rows, cols) != (side, side) {
            return Err(Error::ImageSize { rows, cols, side });
        }
        Ok(())
    }
}

/// Somebody who watches the loop; the clock of training stands still meanwhile.
pub trait Watch {
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

/// Trains as `plan` says on `images` u8 `[n, rows, cols]`, and leaves samples,
/// rows and a last checkpoint in `run`.
///
/// # Errors
/// Images of the wrong size, a run directory that cannot be written.
pub fn train(
    plan: &Plan,
    images: &Images,
    run: &RunDir,
    watch: &mut dyn Watch,
) -> Result<Outcome, Error> {
    let settings = &plan.settings;
    plan.check(images)?;
    let pool = match settings.train_images {
        0 => images.len(),
        n => n as usize,
    };

    // Build the networks and draw the latents that every snapshot shows.
    let pair = settings.network.build();
    let originals = Originals::new(images, pool, pair.range, plan.device);
    let mut order = Order::new(plan.seed, pool as u64, settings.with_replacement);
    let mut game = Game::new(pair, settings, plan.seed, plan.device, plan.kind);
    seed_torch(plan.seed, Stream::Snapshot, 0);
    let fixed = game
        .generator
        .latent()
        .sample(SNAPSHOT_IMAGES as i64, plan.device);

    // Train D alone first, where the preset asks for it.
    if settings.pretrain_images > 0 {
        let accuracy = pretrain(&mut game, plan, &originals, pool as u64);
        watch.pretrained(accuracy);
    }
    run.write_samples(0, &game.snapshot(&fixed)?)?;
    watch.snapped(0);

    let steps = settings.steps();
    let mut clock = Clock::default();
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
        clock.add(started.elapsed());
        done = match plan.seconds {
            Some(seconds) => (clock.seconds() / seconds).min(1.0),
            None => finished as f64 / steps as f64,
        };

        // Report.
        if finished.is_multiple_of(settings.report_every) || finished == 1 || done >= 1.0 {
            let row = MetricsRow {
                step: finished,
                images_seen,
                seconds: clock.seconds(),
                loss_d: report.loss_d.double_value(&[]),
                loss_g: report.loss_g.double_value(&[]),
                real_called_real: report.real_called_real.double_value(&[]),
                fake_called_real: report.fake_called_real.double_value(&[]),
                lr_d: rates.d,
                lr_g: rates.g,
            };
            run.append_metrics(&row)?;
            watch.reported(&row, done);
        }

        // Look at the fixed latents.
        if finished.is_multiple_of(settings.snapshot_every) || MOMENTS.contains(&finished) {
            run.write_samples(finished, &game.snapshot(&fixed)?)?;
            last_snapshot = finished;
            watch.snapped(finished);
        }
    }

    // Leave a last look and the weights behind.
    if last_snapshot != finished {
        run.write_samples(finished, &game.snapshot(&fixed)?)?;
        watch.snapped(finished);
    }
    checkpoint::save(&run.checkpoint_path(finished), &game)?;
    Ok(Outcome {
        steps: finished,
        images_seen: finished * settings.batch,
        seconds: clock.seconds(),
        finished: done >= 1.0,
    })
}

/// Trains D alone on originals and on forgeries of the untrained G, then returns
/// the share it tells apart.
fn pretrain(game: &mut Game, plan: &Plan, originals: &Originals, pool: u64) -> f64 {
    let settings = &plan.settings;
    let batch = settings.pretrain_batch;
    let updates = settings.pretrain_images.div_ceil(batch);
    let mut order = Order::new(plan.seed ^ 1, pool, settings.with_replacement);
    for update in 0..updates {
        let real = originals.batch(&order.indices(update, batch));
        seed_torch(plan.seed, Stream::Pretrain, update);
        let latents = draw_latents(game, &real);
        let fake = game.forge(&latents, gan_models::Mode::Train);
        discriminator_step(game, settings, &real, &fake, settings.lr_d, false);
    }
    let real = originals.batch(&order.indices(updates, batch));
    let latents = draw_latents(game, &real);
    let fake = game.forge(&latents, gan_models::Mode::Train);
    game.accuracy(&real, &fake)
}

/// Seconds spent in steps.
#[derive(Debug, Default)]
struct Clock(Duration);

impl Clock {
    fn add(&mut self, more: Duration) {
        self.0 += more;
    }

    fn seconds(&self) -> f64 {
        self.0.as_secs_f64()
    }
}
