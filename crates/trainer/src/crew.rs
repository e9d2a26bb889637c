//! Two threads that play a step together, each on half the batch.
//!
//! Within the small convolutions of a step two threads would wait for each other two
//! hundred times, and where another program takes a core for a moment, both wait for
//! it each time. Half the images for each, from the latents to the gradients, leaves
//! them to meet twice.

use std::fmt;
use std::sync::Arc;

use rayon::ThreadPool;
use tch::{Device, Tensor};

use crate::game::Game;
use crate::players::Players;
use crate::settings::Settings;

/// The two threads.
#[derive(Clone)]
pub struct Crew {
    pool: Arc<ThreadPool>,
}

impl Crew {
    /// A crew, where the networks divide and there are threads for both halves.
    ///
    /// Some penalties draw random numbers, and two threads would draw them in an
    /// order that nobody controls.
    pub(crate) fn assemble(settings: &Settings, device: Device) -> Option<Crew> {
        let divides =
            settings.network.divides() && !settings.simultaneous && !settings.draws_in_penalties();
        let all = tch::get_num_threads();
        if !divides || all < 2 || device != Device::Cpu {
            return None;
        }
        let limit = move |_| {
            // A thread takes the number that was set last in any thread when it first
            // asks for one; from then on its own holds.
            let _ = tch::get_num_threads();
            tch::set_num_threads(all / 2);
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .thread_name(|half| format!("half {half}"))
            .start_handler(limit)
            .build();
        match pool {
            Ok(pool) => {
                // Both have started.
                pool.broadcast(|_| ());
                tch::set_num_threads(all);
                let pool = Arc::new(pool);
                Some(Crew { pool })
            }
            Err(e) => {
                tracing::warn!("no threads for the halves of a step ({e}): steps stay whole");
                None
            }
        }
    }

    /// Does `work` on one of the two threads: threads of an operation that all
    /// take part in keep spinning for a while when it is over, where the next half is
    /// to be computed.
    pub(crate) fn lead<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Threads that libtorch uses for each half.
    pub fn threads(&self) -> [i32; 2] {
        let (a, b) = self.pool.join(tch::get_num_threads, tch::get_num_threads);
        [a, b]
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").finish_non_exhaustive()
    }
}

/// The halves of a batch, or a whole one.
#[derive(Debug)]
pub(crate) enum Parts<T> {
    Whole(T),
    Halves(T, T),
}

impl<T> Parts<T> {
    pub(crate) fn map<R>(self, mut change: impl FnMut(T) -> R) -> Parts<R> {
        match self {
            Parts::Whole(whole) => Parts::Whole(change(whole)),
            Parts::Halves(a, b) => Parts::Halves(change(a), change(b)),
        }
    }
}

impl<A, B> Parts<(A, B)> {
    pub(crate) fn unzip(self) -> (Parts<A>, Parts<B>) {
        match self {
            Parts::Whole((a, b)) => (Parts::Whole(a), Parts::Whole(b)),
            Parts::Halves((a, b), (c, d)) => (Parts::Halves(a, c), Parts::Halves(b, d)),
        }
    }
}

/// Where a part of a batch lies in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    start: i64,
    count: i64,
}

impl Cut {
    /// That part of `all`, which has as many rows as the batch; nothing is copied.
    pub(crate) fn of(self, all: &Tensor) -> Tensor {
        all.narrow(0, self.start, self.count)
    }
}

/// The parts in which `game` plays a batch of `n`.
pub(crate) fn parts(game: &Game, n: i64) -> Parts<Cut> {
    let cut = |start, count| Cut { start, count };
    let half = n / 2;
    match game.crew {
        Some(_) if n > 1 => Parts::Halves(cut(0, half), cut(half, n - half)),
        _ => Parts::Whole(cut(0, n)),
    }
}

/// What `work` makes of each part, of both halves at once.
pub(crate) fn in_parts<'a, T: Send, R: Send>(
    game: &'a Game,
    parts: Parts<T>,
    work: impl Fn(&Players<'a>, T) -> R + Sync,
) -> Parts<R> {
    let players = Players::of(game);
    match (parts, &game.crew) {
        (Parts::Halves(a, b), Some(crew)) => {
            let (others, work) = (players.handle(), &work);
            let first = move || work(&players, a);
            let (a, b) = crew.pool.join(first, move || work(&others, b));
            Parts::Halves(a, b)
        }
        (parts, _) => parts.map(|part| work(&players, part)),
    }
}
