//! The arrays of `tests/reference/make.py`, bit for bit.

use gan_metrics::Features;

/// The upper 24 bits of SplitMix64's outputs, as numbers in [0, 1).
pub fn uniform(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (z >> 40) as f32 / (1u64 << 24) as f32
        })
        .collect()
}

/// Rows whose column j has column j % 3 added.
pub fn features(seed: u64, n: usize, d: usize, scale: f32, offset: f32) -> Features {
    let u = uniform(seed, n * d);
    let values = u
        .chunks_exact(d)
        .flat_map(|row| (0..d).map(|j| (row[j] + row[j % 3]) * scale + offset))
        .collect();
    Features::new(d, values).unwrap()
}

/// Whole numbers below `side`.
pub fn lattice(seed: u64, n: usize, d: usize, side: f32) -> Features {
    let values = uniform(seed, n * d);
    let values = values.into_iter().map(|u| (u * side).floor()).collect();
    Features::new(d, values).unwrap()
}

/// The same rows after `change` of each.
pub fn changed(features: &Features, change: impl Fn(&mut [f32])) -> Features {
    let mut values = features.values().to_vec();
    values.chunks_exact_mut(features.width()).for_each(change);
    Features::new(features.width(), values).unwrap()
}

/// The first `n` rows.
pub fn first(features: &Features, n: usize) -> Features {
    features.select(&(0..n).collect::<Vec<_>>()).unwrap()
}
