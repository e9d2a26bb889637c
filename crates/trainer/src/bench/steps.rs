//! Steps as the training loop plays them, and nothing beside them: no report, no
//! snapshot, no checkpoint.

use mnist_io::Dataset;

use crate::Error;
use crate::data::{Order, Originals, Source};
use crate::game::Game;
use crate::networks::Pair;
use crate::plan::Plan;
use crate::schedule::Standing;
use crate::seeds::Stream;
use crate::turn::play;

/// A game at the start of its schedule, with its originals in memory.
#[derive(Debug)]
pub struct Bout<'a> {
    plan: &'a Plan,
    game: Game,
    source: Source,
    order: Order,
    pool: u64,
    finished: u64,
    images_seen: u64,
}

impl<'a> Bout<'a> {
    /// `pair`, to be trained as `plan` says on the originals in `training`.
    ///
    /// # Errors
    /// [`Error::NoImages`], or where libtorch refuses.
    pub fn new(plan: &'a Plan, pair: Pair, training: &Dataset) -> Result<Bout<'a>, Error> {
        let settings = &plan.settings;
        let pool = settings.pool(training.len() as u64);
        if pool == 0 {
            return Err(Error::NoImages);
        }
        let side = settings.network.side();
        let originals = Originals::new(training, pool as usize, side, pair.range, plan.device)?;
        Ok(Bout {
            game: Game::new(pair, settings, plan.seed, plan.device, plan.kind),
            source: Source::Images(originals),
            order: Order::new(plan.seed, Stream::Order, pool, settings.with_replacement),
            plan,
            pool,
            finished: 0,
            images_seen: 0,
        })
    }

    /// Everything that has changed since the start.
    pub fn game(&self) -> &Game {
        &self.game
    }

    /// Steps from one with penalties to the next, 1 where there are none: what
    /// has to be timed as a whole.
    pub fn period(&self) -> u64 {
        let settings = &self.plan.settings;
        if settings.penalized() {
            settings.penalty_every.max(1)
        } else {
            1
        }
    }

    /// Plays one step, at the rates that the schedule begins with.
    pub fn play(&mut self) {
        let settings = &self.plan.settings;
        let standing = Standing {
            done: 0.0,
            updates: self.finished,
            batches: settings.batches(),
        };
        let originals = (&self.source, &mut self.order, self.pool);
        let turn = play(
            self.plan,
            &mut self.game,
            originals,
            standing,
            self.images_seen,
        );
        self.finished += 1;
        self.images_seen += turn.images;
    }
}
