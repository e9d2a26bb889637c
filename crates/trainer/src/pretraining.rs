//! D alone, before the first step.

use gan_models::Mode;

use crate::data::{Order, Source};
use crate::game::Game;
use crate::plan::Plan;
use crate::seeds::{Stream, seed_torch};
use crate::step::{Rates, discriminator_step, draw_latents};
use crate::train::Watch;

/// Batches of each kind that D's accuracy after its training alone is of.
const TRIAL_BATCHES: u64 = 8;

/// Trains D alone on originals, and on as many forgeries of the untrained G; then
/// shows it others of both, to report what it has learned. Returns whether it was
/// let to finish.
///
/// No original comes twice before each of the `pool` has come.
pub fn pretrain(
    game: &mut Game,
    plan: &Plan,
    source: &Source,
    pool: u64,
    watch: &mut dyn Watch,
) -> bool {
    let settings = &plan.settings;
    let (images, batch) = (settings.pretrain_images, settings.pretrain_batch);
    let updates = images.div_ceil(batch);
    let mut order = Order::new(plan.seed, Stream::PretrainOrder, pool, false);
    let rates = Rates {
        d: settings.lr_d,
        g: settings.lr_g,
        momentum: settings.momentum.at(0),
    };
    let mut draw = |game: &Game, update: u64, count: u64| {
        let real = source.draw(&mut order, update, update * batch, count);
        seed_torch(plan.seed, Stream::Pretrain, update);
        let fake = game.forge(&draw_latents(game, &real), &real.labels, Mode::Train);
        (real, fake)
    };
    for update in 0..updates {
        if watch.stop() {
            return false;
        }
        let (real, fake) = draw(game, update, batch.min(images - update * batch));
        let penalize = settings.penalized() && update.is_multiple_of(settings.penalty_every);
        discriminator_step(game, settings, &real, &fake, rates, penalize);
        watch.pretraining(update + 1, updates);
    }
    let accuracy: f64 = (updates..updates + TRIAL_BATCHES)
        .map(|trial| {
            let (real, fake) = draw(game, trial, batch);
            game.accuracy(settings.loss, &real, &fake)
        })
        .sum();
    watch.pretrained(accuracy / TRIAL_BATCHES as f64, 2 * batch * TRIAL_BATCHES);
    true
}
