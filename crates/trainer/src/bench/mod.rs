//! Training steps for a benchmark: the steps of the training loop, without reports, snapshots
//! and checkpoints.

mod flops;

use mnist_io::Dataset;

use crate::Error;
use crate::data::{Order, Originals, Source};
use crate::game::Game;
use crate::networks::Pair;
use crate::plan::Plan;
use crate::schedule::Standing;
use crate::seeds::Stream;
use crate::turn::play;

pub use flops::step_flops;

/// Both networks at the start of training, with the real images in memory.
#[derive(Debug)]
pub struct StepBench<'a> {
    plan: &'a Plan,
    game: Game,
    source: Source,
    order: Order,
    pool: u64,
    step: u64,
    images_seen: u64,
}

impl<'a> StepBench<'a> {
    /// Prepares to train `pair` on `training`, as `plan` configures it.
    ///
    /// # Errors
    /// [`Error::NoImages`] for an empty training set, or an error of libtorch.
    pub fn new(plan: &'a Plan, pair: Pair, training: &Dataset) -> Result<StepBench<'a>, Error> {
        let settings = &plan.settings;
        let pool = settings.pool(training.len() as u64);
        if pool == 0 {
            return Err(Error::NoImages);
        }
        let side = settings.network.side();
        let real = Originals::new(training, pool as usize, side, pair.range, plan.device)?;
        Ok(StepBench {
            game: Game::new(pair, settings, plan.seed, plan.device, plan.kind),
            source: Source::Images(real),
            order: Order::new(plan.seed, Stream::Order, pool, settings.with_replacement),
            plan,
            pool,
            step: 0,
            images_seen: 0,
        })
    }

    /// The networks, their optimizers and the averaged weights.
    pub fn game(&self) -> &Game {
        &self.game
    }

    /// Steps from one gradient penalty to the next, 1 without penalties. Time whole periods:
    /// a step with a penalty takes longer.
    pub fn period(&self) -> u64 {
        let settings = &self.plan.settings;
        if settings.penalized() {
            settings.penalty_every.max(1)
        } else {
            1
        }
    }

    /// Runs one training step with the learning rates of the schedule's start.
    pub fn step(&mut self) {
        let standing = Standing {
            done: 0.0,
            updates: self.step,
            batches: self.plan.settings.batches(),
        };
        let real = (&self.source, &mut self.order, self.pool);
        let seen = self.images_seen;
        self.images_seen += play(self.plan, &mut self.game, real, standing, seen).images;
        self.step += 1;
    }
}
