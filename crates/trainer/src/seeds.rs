//! Randomness as a function of (seed, step), so that no generator's state has to
//! be saved and a resumed run equals an uninterrupted one.

/// What a random stream is for; each use has its own, whatever the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The networks' starting values.
    Init = 1,
    /// Latents and dropout of one step.
    Step = 2,
    /// The order of originals in one epoch, or in one step.
    Order = 3,
    /// The fixed latents of snapshots.
    Snapshot = 4,
    /// Which originals are shown beside forgeries.
    Originals = 5,
    /// Latents and dropout of one update of D before the first step.
    Pretrain = 6,
    /// Forgeries made from a checkpoint.
    Sample = 7,
    /// The order of originals before the first step.
    PretrainOrder = 8,
    /// The two ends of each walk between latents.
    Walk = 9,
    /// The latents that are shown as every digit.
    Digits = 10,
    /// What the densities of numbers and forgeries are estimated from.
    Densities = 11,
    /// Forgeries that are measured while training.
    Quality = 12,
}

/// The seed of one stream at one index (a step, an epoch).
pub fn stream_seed(seed: u64, stream: Stream, index: u64) -> u64 {
    mix(mix(mix(seed) ^ stream as u64) ^ index)
}

/// Seeds libtorch's global generators for one stream at one index.
pub fn seed_torch(seed: u64, stream: Stream, index: u64) {
    tch::manual_seed(stream_seed(seed, stream, index).cast_signed());
}

/// The finalizer of SplitMix64 (Steele et al. 2014): neighbors come out
/// unrelated.
fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
