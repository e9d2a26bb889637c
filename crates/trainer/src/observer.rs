//! Callbacks of the training loop.

use run_dir::{MetricsRow, QualityRow};

/// Callbacks of the training loop, each with an empty default. Their time does not count as
/// training time.
pub trait Observer {
    /// D finished `update` of `updates` updates of pretraining.
    fn pretraining(&mut self, _update: u64, _updates: u64) {}

    /// Pretraining is over: D classifies this share, 0 to 1, of `images` further
    /// images correctly.
    fn pretrained(&mut self, _accuracy: f64, _images: u64) {}

    /// A row of `metrics.jsonl` was written; `progress` is the completed fraction of the
    /// schedule, 0 to 1.
    fn metrics_written(&mut self, _row: &MetricsRow, _progress: f64) {}

    /// A row of `quality.jsonl` was written.
    fn evaluated(&mut self, _row: &QualityRow) {}

    /// D has classified nearly all images correctly for many steps; called once.
    fn discriminator_dominates(&mut self, _step: u64) {}

    /// A snapshot was written.
    fn snapshot_written(&mut self, _step: u64) {}

    /// A checkpoint was saved. `number` counts the run's checkpoints from 1.
    fn checkpoint_saved(&mut self, _step: u64, _number: u64) {}

    /// Whether to stop; called before every step and every update of pretraining.
    fn should_stop(&mut self) -> bool {
        false
    }
}

impl Observer for () {}
