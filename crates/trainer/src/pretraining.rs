//! Training of D alone, before the first step.

use gan_config::Pretraining;

use crate::gan::Gan;
use crate::loader::DataLoader;
use crate::observer::Observer;
use crate::seeds::{Stream, seed_torch};
use crate::step::Rates;

/// Batches for the estimate of D's accuracy.
const TEST_BATCHES: u64 = 8;

/// Trains D on real images and as many of the untrained G, then measures its
/// accuracy on others. Returns `false` if the observer stopped it.
///
/// Each real image comes once before any comes again.
pub(crate) fn pretrain(
    gan: &mut Gan,
    Pretraining { images, batch }: Pretraining,
    rates: Rates,
    penalty_every: u64,
    seed: u64,
    mut loader: DataLoader,
    observer: &mut dyn Observer,
) -> bool {
    let updates = images.div_ceil(batch);
    let mut draw = |gan: &Gan, update: u64, count: u64| {
        let real = loader.batch(update, update * batch, count);
        seed_torch(seed, Stream::Pretrain, update);
        let fake = gan.fake(&gan.latents(real.len()), &real.labels);
        (real, fake)
    };
    for update in 0..updates {
        if observer.should_stop() {
            return false;
        }
        let (real, fake) = draw(gan, update, batch.min(images - update * batch));
        let penalize = update.is_multiple_of(penalty_every);
        gan.discriminator_step(&real, &fake, rates, penalize);
        observer.pretraining(update + 1, updates);
    }
    let accuracy: f64 = (updates..updates + TEST_BATCHES)
        .map(|test| {
            let (real, fake) = draw(gan, test, batch);
            gan.accuracy(&real, &fake)
        })
        .sum();
    observer.pretrained(accuracy / TEST_BATCHES as f64, 2 * batch * TEST_BATCHES);
    true
}
