//! Random numbers as a function of the seed and the step. No random number
//! generator's state is saved, and a resumed run equals an uninterrupted one.

/// The purpose of a stream of random numbers. The streams are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomStream {
    /// Initial parameters.
    Init = 1,
    /// Latents and dropout of one step.
    Step = 2,
    /// Order of the real images in one epoch, or in one step with replacement.
    Shuffle = 3,
    /// Fixed latents of the snapshots.
    Snapshot = 4,
    /// Choice of the real images in figures.
    FigureImages = 5,
    /// Latents and dropout of one update of pretraining.
    Pretrain = 6,
    /// Samples from a checkpoint.
    Sample = 7,
    /// Order of the real images in pretraining.
    PretrainShuffle = 8,
    /// End points of the latent walks.
    Walk = 9,
    /// Latents of the class grid.
    ClassGrid = 10,
    /// Draws for the estimate of densities.
    Densities = 11,
    /// Samples that are measured during training.
    Evaluation = 12,
    /// Samples that define the batch statistics of exported networks.
    Export = 13,
    /// Images of the report.
    Report = 14,
}

/// The seed of one stream at one index (a step, an epoch).
pub(crate) fn stream_seed(seed: u64, stream: RandomStream, index: u64) -> u64 {
    mix(mix(mix(seed) ^ stream as u64) ^ index)
}

/// Seeds libtorch's global random number generators for one stream at one index.
pub fn seed_torch(seed: u64, stream: RandomStream, index: u64) {
    tch::manual_seed(stream_seed(seed, stream, index).cast_signed());
}

/// The finalizer of SplitMix64 (Steele et al. 2014): similar inputs have unrelated
/// outputs.
fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
