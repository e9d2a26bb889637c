//! How a source is read, and which of its images.

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

/// How a source is read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Exchange rows and columns. EMNIST is stored so.
    pub transpose: bool,
    /// Replace each pixel p by 255 - p.
    pub invert: bool,
    /// Resize to this number of rows and columns, antialiased.
    pub resize: Option<usize>,
    /// Make color images gray.
    pub gray: bool,
    /// The numbers that become the pixels 0 and 255.
    pub range: Option<(f64, f64)>,
    /// The name of the array of images, where a file holds several.
    pub array: Option<String>,
    /// The label that becomes 0.
    pub label_offset: Option<i64>,
    /// Keep only these classes, numbered after [`Options::label_offset`].
    pub classes: Option<Vec<u8>>,
    /// Accept only images with one of these numbers of rows and columns, if they are not
    /// resized; empty: any size.
    pub sides: Vec<usize>,
    /// The command has no options for images: errors name `cargo xtask import`.
    pub through_import: bool,
}

/// A seeded random subset, if there are more images than `most`.
#[derive(Debug, Clone, Copy)]
pub struct Subset {
    /// Maximum number of images.
    pub most: usize,
    /// Random seed.
    pub seed: u64,
}

impl Subset {
    /// The sorted indices of the chosen images out of `total`; `None` for all of them.
    pub fn choose(self, total: usize) -> Option<Vec<usize>> {
        if total <= self.most {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut chosen = index::sample(&mut rng, total, self.most).into_vec();
        chosen.sort_unstable();
        Some(chosen)
    }
}
