//! A second hand: a step's batch in two halves, each on a thread of its own.
//!
//! Within the small convolutions of a step two threads would wait for each other two
//! hundred times, and where another program takes a core for a moment, both wait for
//! it each time. Half the images for each, from the latents to the gradients, leaves
//! them to meet twice.

use std::fmt;

use tch::{Device, Tensor};

use crate::game::Game;
use crate::players::Players;
use crate::settings::Settings;

/// The thread that takes the other half.
pub struct Crew {
    helper: rayon::ThreadPool,
    /// Threads that libtorch uses within each half.
    threads: i32,
}

impl Crew {
    /// A crew, where the networks divide and there are threads for both halves.
    ///
    /// Some penalties draw random numbers, and two threads would draw them in an
    /// order that nobody controls.
    pub fn assemble(settings: &Settings, device: Device) -> Option<Crew> {
        let divides =
            settings.network.divides() && !settings.simultaneous && !settings.draws_in_penalties();
        let all = tch::get_num_threads();
        if !divides || all < 2 || device != Device::Cpu {
            return None;
        }
        let threads = all / 2;
        let helper = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "second half".to_owned())
            .start_handler(move |_| tch::set_num_threads(threads))
            .build()
            .ok()?;
        // A thread's number is its own, but new threads start with the one that was
        // set last.
        helper.install(|| ());
        tch::set_num_threads(all);
        Some(Crew { helper, threads })
    }

    /// What `work` makes of the first part, here, and of the second, there.
    pub fn both<T: Send, R: Send>(&self, parts: [T; 2], work: impl Fn(T) -> R + Sync) -> Parts<R> {
        let [here, there] = parts;
        let mut second = None;
        let first = self.helper.in_place_scope(|scope| {
            scope.spawn(|_| second = Some(work(there)));
            work(here)
        });
        Parts { first, second }
    }

    /// Limits libtorch to this thread's half until the guard is dropped: threads of
    /// an operation that is over keep spinning for a while, where the other half is
    /// to be computed.
    pub fn at_work(&self) -> AtWork {
        let all = tch::get_num_threads();
        tch::set_num_threads(self.threads);
        AtWork { all }
    }
}

/// A part of a batch.
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

/// What came of a batch: of the whole or of its halves.
#[derive(Debug)]
pub struct Parts<R> {
    /// Of the whole or of the first half.
    pub first: R,
    /// Of the second half.
    pub second: Option<R>,
}

impl<A, B> Parts<(A, B)> {
    pub(crate) fn unzip(self) -> (Parts<A>, Parts<B>) {
        let (a, b) = self.first;
        let (second_a, second_b) = self.second.unzip();
        (
            Parts {
                first: a,
                second: second_a,
            },
            Parts {
                first: b,
                second: second_b,
            },
        )
    }
}

impl<R> From<R> for Parts<R> {
    fn from(whole: R) -> Parts<R> {
        Parts {
            first: whole,
            second: None,
        }
    }
}

/// What `work` makes of each part of a batch of `n`: of both halves at once where
/// `game` has a crew, else of the whole. `cut` is asked for each part's data first.
pub(crate) fn in_parts<'a, T: Send, R: Send>(
    game: &'a Game,
    n: i64,
    mut cut: impl FnMut(Cut) -> T,
    work: impl Fn(&Players<'a>, T) -> R + Sync,
) -> Parts<R> {
    let players = Players::of(game);
    let mut part = |start, count| (players.handle(), cut(Cut { start, count }));
    match &game.crew {
        Some(crew) if n > 1 => {
            let half = n / 2;
            let parts = [part(0, half), part(half, n - half)];
            crew.both(parts, |(players, data)| work(&players, data))
        }
        _ => {
            let (players, data) = part(0, n);
            work(&players, data).into()
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// Gives libtorch its threads back when dropped.
#[must_use]
#[derive(Debug)]
pub struct AtWork {
    all: i32,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        tch::set_num_threads(self.all);
    }
}
