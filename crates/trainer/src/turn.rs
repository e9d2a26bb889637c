//! One turn of the schedule: what the loop does for a step, but for looking at it.

use crate::data::{Order, Source};
use crate::game::Game;
use crate::plan::Plan;
use crate::schedule::Standing;
use crate::seeds::{Stream, seed_torch};
use crate::step::{Rates, Report, step};

/// What was played in a turn.
pub(crate) struct Turn {
    pub(crate) report: Report,
    pub(crate) rates: Rates,
    /// Originals shown.
    pub(crate) images: u64,
}

/// Plays the step that comes next, as `plan` has it at `standing`, on originals of
/// `source`, `images_seen` of which were shown before, out of a pool of so many;
/// then G's average takes it in.
pub(crate) fn play(
    plan: &Plan,
    game: &mut Game,
    (source, order, pool): (&Source, &mut Order, u64),
    standing: Standing,
    images_seen: u64,
) -> Turn {
    let (settings, finished) = (&plan.settings, standing.updates);
    let factor = settings.schedule.factor(standing);
    let rates = Rates {
        d: settings.lr_d * factor,
        g: settings.lr_g * factor,
        momentum: settings.momentum.at(images_seen / pool.max(1)),
    };
    let images = settings.batch * settings.schedule.batches(standing);
    let batch = source.draw(order, finished, images_seen, images);
    let penalize = settings.penalized() && finished.is_multiple_of(settings.penalty_every);
    let crew = game.crew.clone();
    let mut work = move || {
        seed_torch(plan.seed, Stream::Step, finished);
        let report = step(game, settings, &batch, rates, penalize);
        if let Some(average) = &mut game.average {
            let seen = (images_seen + images) as f64;
            average.update(&game.g.parameters, images as f64, seen);
        }
        report
    };
    let report = match crew {
        Some(crew) => crew.lead(work),
        None => work(),
    };
    Turn {
        report,
        rates,
        images,
    }
}
