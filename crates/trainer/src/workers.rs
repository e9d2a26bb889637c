//! Data parallelism: threads that compute gradients on shards of a batch.
//!
//! libtorch's own threads synchronize about 200 times per step. Here, each thread computes
//! the gradients of one shard, and threads synchronize twice.

use std::fmt;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tch::Tensor;

/// With fewer images, most of a worker's time is overhead of calls.
const MIN_IMAGES_PER_WORKER: u64 = 4;

/// Threads that compute gradients on shards of a batch; without threads, the
/// caller's thread computes on the whole batch.
#[derive(Clone)]
pub struct Workers {
    /// Two threads or more.
    pool: Option<Arc<ThreadPool>>,
}

/// Consecutive rows of a batch: the part of one worker.
#[derive(Debug, Clone, Copy)]
pub struct Shard {
    start: i64,
    count: i64,
}

impl Shard {
    /// These rows of `all` `[n, …]`; nothing is copied.
    pub fn rows(self, all: &Tensor) -> Tensor {
        all.narrow(0, self.start, self.count)
    }
}

/// One value for each shard of a batch; there is at least one shard.
#[derive(Debug)]
pub struct Sharded<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> Sharded<T> {
    /// Applies `f` to the value of each shard, in order.
    pub fn map<R>(self, mut f: impl FnMut(T) -> R) -> Sharded<R> {
        Sharded { first: f(self.first), rest: self.rest.into_iter().map(f).collect() }
    }
}

impl<A, B> Sharded<(A, B)> {
    /// Separates pairs.
    pub fn unzip(self) -> (Sharded<A>, Sharded<B>) {
        let (first, other) = self.first;
        let (rest, others) = self.rest.into_iter().unzip();
        (Sharded { first, rest }, Sharded { first: other, rest: others })
    }
}

/// The gradient of a loss averaged over images, with auxiliary outputs.
#[derive(Debug)]
pub struct Gradient<T> {
    /// f32 `[numel]`.
    pub flat: Tensor,
    /// Auxiliary output, such as the loss.
    pub aux: T,
    /// Number of images in the average.
    pub images: i64,
}

/// Auxiliary output that can be merged across the shards of a batch. Means are averaged, and
/// values per image are concatenated.
pub trait MergeShards: Sized {
    /// Merges the outputs of two shards; `shares` are their shares of the images.
    fn merge(self, other: Self, shares: [f64; 2]) -> Self;
}

impl MergeShards for Tensor {
    /// The mean over both shards, from the mean over each.
    fn merge(self, other: Tensor, [share, other_share]: [f64; 2]) -> Tensor {
        self * share + other * other_share
    }
}

impl<T: MergeShards> Sharded<Gradient<T>> {
    /// Averages the shards' gradients, weighted by shard size, and merges their
    /// auxiliary outputs.
    pub fn average(self) -> (Tensor, T) {
        let average = self.rest.into_iter().fold(self.first, |a, b| {
            let images = a.images + b.images;
            let shares = [a.images, b.images].map(|n| n as f64 / images as f64);
            Gradient { flat: a.flat.merge(b.flat, shares), aux: a.aux.merge(b.aux, shares), images }
        });
        (average.flat, average.aux)
    }
}

impl Workers {
    /// Computes everything on the caller's thread.
    pub fn single_threaded() -> Workers {
        Workers { pool: None }
    }

    /// Starts one worker per libtorch thread, at most max(`batch_size` / 4, 2). Each
    /// worker uses one libtorch thread. Returns [`Workers::single_threaded`] if libtorch has
    /// one thread or if threads cannot start.
    pub fn new(batch_size: u64) -> Workers {
        let all = tch::get_num_threads();
        let workers =
            u64::try_from(all).unwrap_or(1).min((batch_size / MIN_IMAGES_PER_WORKER).max(2));
        if workers < 2 {
            return Workers::single_threaded();
        }
        // Give each worker one thread. An interrupted thread then delays the others only at the
        // end of a shard.
        let limit = |_| {
            // A thread copies libtorch's global thread count at its first read. Read it first,
            // then set it.
            let _ = tch::get_num_threads();
            tch::set_num_threads(1);
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers as usize)
            .thread_name(|worker| format!("worker {worker}"))
            .start_handler(limit)
            .build();
        match pool {
            Ok(pool) => {
                // Wait until all have set their thread count.
                pool.broadcast(|_| ());
                tch::set_num_threads(all);
                Workers { pool: Some(Arc::new(pool)) }
            }
            Err(e) => {
                tracing::warn!("cannot start threads for data parallelism: {e}");
                Workers::single_threaded()
            }
        }
    }

    /// Whether a batch is split.
    pub fn is_parallel(&self) -> bool {
        self.pool.is_some()
    }

    /// libtorch's threads in each worker.
    pub fn threads(&self) -> Vec<i32> {
        match &self.pool {
            Some(pool) => pool.broadcast(|_| tch::get_num_threads()),
            None => vec![tch::get_num_threads()],
        }
    }

    /// Runs `work` on one of the workers. On the caller's thread, libtorch's idle threads would
    /// spin and slow down the workers.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// The shards of a batch of `n`: one for each worker, or the whole. Their sizes differ
    /// by at most one.
    pub fn shards(&self, n: i64) -> Sharded<Shard> {
        let workers = self.pool.as_ref().map_or(1, |pool| pool.current_num_threads() as i64);
        let count = workers.min(n).max(1);
        let start = |shard| n * shard / count;
        let shard = |i| Shard { start: start(i), count: start(i + 1) - start(i) };
        Sharded { first: shard(0), rest: (1..count).map(shard).collect() }
    }

    /// Applies `work` to the input of each shard, in parallel.
    pub fn map<S: Send, R: Send>(
        &self,
        inputs: Sharded<S>,
        work: impl Fn(S) -> R + Sync + Send,
    ) -> Sharded<R> {
        let Some(pool) = self.pool.as_ref().filter(|_| !inputs.rest.is_empty()) else {
            return inputs.map(work);
        };
        let Sharded { first, rest } = inputs;
        let (first, rest) = pool.join(|| work(first), || rest.into_par_iter().map(&work).collect());
        Sharded { first, rest }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("parallel", &self.is_parallel()).finish()
    }
}
