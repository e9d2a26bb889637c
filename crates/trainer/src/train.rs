//! The training loop: the only one there is, top to bottom.

use std::time::{Duration, Instant};

use gan_metrics::{Evaluator, QUICK};
use run_dir::{MOMENTS, MetricsRow, QualityRow};

use crate::Error;
use crate::checkpoint::Progress;
use crate::data::{Order, Originals, Source, pixel_means, resized};
use crate::forging::{Hand, forge};
use crate::game::Game;
use crate::health::{Referee, diverged};
use crate::keeper::Keeper;
use crate::plan::{Exhibits, Plan};
use crate::pretraining::pretrain;
use crate::schedule::Standing;
use crate::seeds::Stream;
use crate::snapshots::Studio;
use crate::turn::play;

/// Somebody who watches the loop; the clock of training stands still meanwhile.
pub trait Watch {
    /// D has done `update` of `updates` before the first step.
    fn pretraining(&mut self, _update: u64, _updates: u64) {}

    /// D was trained alone and now tells originals from forgeries with this
    /// accuracy, 0 to 1, on so many images.
    fn pretrained(&mut self, _accuracy: f64, _images: u64) {}

    /// A row was written; `done` is the share of the schedule, 0 to 1.
    fn reported(&mut self, _row: &MetricsRow, _done: f64) {}

    /// Forgeries were measured and a row of the quality curve was written.
    fn evaluated(&mut self, _row: &QualityRow) {}

    /// D has told all originals from all forgeries for long, which leaves G
    /// little to learn from; said once.
    fn one_sided(&mut self, _step: u64) {}

    /// A snapshot was written.
    fn snapped(&mut self, _step: u64) {}

    /// Asked before every step, and before every update of D alone: whether to end
    /// here with what there is.
    fn stop(&mut self) -> bool {
        false
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
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

/// Trains as `plan` says on `exhibits`, from where `keeper` says, and leaves
/// samples, rows and checkpoints in its run.
///
/// There are no exhibits where the networks' originals are drawn. A run that is
/// stopped while D is trained alone leaves no checkpoint: it begins anew.
///
/// # Errors
/// What [`Plan::check`] refuses, a run directory that cannot be written, a
/// checkpoint that does not fit, numbers that are no longer finite.
pub fn train(
    plan: &Plan,
    exhibits: Option<&Exhibits>,
    keeper: &mut Keeper,
    watch: &mut dyn Watch,
) -> Result<Outcome, Error> {
    let settings = &plan.settings;
    let run = &keeper.run().clone();
    plan.check(exhibits)?;

    // Lay out the originals, build the networks, and fix what snapshots show.
    let training = exhibits.map(|exhibits| &exhibits.training);
    let training = training.filter(|_| !settings.network.draws_originals());
    let pool = settings.pool(training.map_or(0, |set| set.len() as u64));
    let means = training
        .filter(|_| settings.network.starts_from_pixels())
        .map(|set| pixel_means(set.images(), pool as usize));
    let pair = settings.network.build(means.as_ref());
    let source = match training {
        Some(set) => Source::Images(Originals::new(
            set,
            pool as usize,
            settings.network.side(),
            pair.range,
            plan.device,
        )?),
        None => Source::Gaussian(plan.device),
    };
    let mut order = Order::new(plan.seed, Stream::Order, pool, settings.with_replacement);
    let mut game = Game::new(pair, settings, plan.seed, plan.device, plan.kind);
    let studio = Studio::new(&game, plan, exhibits);
    let evaluator = match exhibits.and_then(|exhibits| exhibits.evaluator.as_ref()) {
        Some(evaluator)
            if settings.evaluate_every > 0 && evaluator.no_quality_curve()?.is_none() =>
        {
            Some(evaluator)
        }
        _ => None,
    };

    // Go on from a checkpoint, or begin: D alone first, where the preset asks
    // for it.
    let resumed = keeper.begin(&mut game)?;
    if resumed.is_none() {
        if settings.pretrain_images > 0 {
            let done = pretrain(&mut game, plan, &source, pool, watch);
            if !done {
                return Ok(Outcome::default());
            }
        }
        studio.snap(&game, run, 0)?;
        watch.snapped(0);
    }

    tracing::debug!(images = settings.images, seconds = plan.seconds, "training");
    let Progress {
        step: mut finished,
        mut images_seen,
        seconds,
        mut last_snapshot,
        finished: complete,
    } = resumed.unwrap_or_default();
    let mut clock = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let share = |clock: Duration, images_seen: u64| match plan.seconds {
        Some(seconds) => (clock.as_secs_f64() / seconds).min(1.0),
        None => (images_seen as f64 / settings.images as f64).min(1.0),
    };
    // A clock may pass its end after the last look at it: one more step then
    // finishes the schedule.
    let mut done = match complete {
        true => 1.0,
        false => share(clock, images_seen).min(1.0f64.next_down()),
    };
    let mut referee = Referee::default();
    while done < 1.0 && !watch.stop() {
        let started = Instant::now();
        let standing = Standing {
            done,
            updates: finished,
            batches: settings.batches(),
        };

        // Play one step: D, then G.
        let originals = (&source, &mut order, pool);
        let turn = play(plan, &mut game, originals, standing, images_seen);
        let (report, rates) = (turn.report, turn.rates);
        finished += 1;
        images_seen += turn.images;
        done = share(clock + started.elapsed(), images_seen);
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
            if let Some(what) = diverged(&row, &game) {
                let step = finished;
                return Err(Error::Diverged { step, what });
            }
            if referee.one_sided(&row) {
                watch.one_sided(finished);
            }
        }

        // Measure forgeries, now and then and at the end.
        if let Some(evaluator) = evaluator
            && (settings.evaluates_at(finished) || done >= 1.0)
        {
            let row = QualityRow {
                step: finished,
                images_seen,
                seconds: clock.as_secs_f64(),
                ..evaluate(&game, plan, evaluator)?
            };
            run.append_quality(&row)?;
            watch.evaluated(&row);
        }

        // Look at the fixed latents.
        if finished.is_multiple_of(settings.snapshot_every) || MOMENTS.contains(&finished) {
            studio.snap(&game, run, finished)?;
            last_snapshot = finished;
            watch.snapped(finished);
        }

        // Keep what was reached, in case nothing more comes.
        if keeper.is_due() && done < 1.0 {
            keeper.save(&game, progress(finished, images_seen, clock, last_snapshot))?;
        }
    }

    // Leave the weights and a last look behind.
    let reached = Progress {
        finished: done >= 1.0,
        ..progress(finished, images_seen, clock, last_snapshot)
    };
    keeper.save(&game, reached)?;
    if last_snapshot != finished {
        studio.snap(&game, run, finished)?;
        watch.snapped(finished);
    }
    if let Some(training) = training {
        studio.close(&game, run, training, pool)?;
    }
    Ok(Outcome {
        steps: finished,
        images_seen,
        seconds: clock.as_secs_f64(),
        finished: done >= 1.0,
    })
}

fn progress(step: u64, images_seen: u64, clock: Duration, last_snapshot: u64) -> Progress {
    Progress {
        step,
        images_seen,
        seconds: clock.as_secs_f64(),
        last_snapshot,
        finished: false,
    }
}

/// Measures forgeries of `game` as it stands, and how long that takes. No step
/// depends on it: each seeds its own randomness.
fn evaluate(game: &Game, plan: &Plan, evaluator: &Evaluator) -> Result<QualityRow, Error> {
    let started = Instant::now();
    let hand = Hand {
        generator: game.generator.as_ref(),
        parameters: game.sampling_parameters(),
        range: game.range,
        kind: game.kind,
        batch: plan.settings.batch,
    };
    let forgeries = forge(hand, (plan.seed, Stream::Quality), QUICK, None, &mut |_| ())?;
    let row = evaluator.quick(&resized(&forgeries, evaluator.side())?)?;
    Ok(QualityRow {
        evaluation_seconds: started.elapsed().as_secs_f64(),
        ..row
    })
}
