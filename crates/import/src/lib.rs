#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod checks;
mod csv;
mod entry;
mod error;
mod format;
mod labels;
mod npy;
mod parts;
mod picture;
mod range;
mod set;
mod stack;
mod transform;

use std::path::Path;

use mnist_io::Images;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

pub use checks::{Duplicates, duplicates, pixel_warnings, range_warning, values};
pub use error::{Error, Result, Rule};
pub use set::{Set, read_set};

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
    /// The most images.
    pub most: usize,
    /// Random seed.
    pub seed: u64,
}

impl Subset {
    /// The sorted indices of the chosen images out of `of`; `None` for all of them.
    pub fn choose(self, of: usize) -> Option<Vec<usize>> {
        if of <= self.most {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut chosen = index::sample(&mut rng, of, self.most).into_vec();
        chosen.sort_unstable();
        Some(chosen)
    }
}

/// Images of a source without splits.
#[derive(Debug)]
pub struct Samples {
    /// u8 `[n, rows, cols]`.
    pub images: Images,
    /// The number of images in the source.
    pub of: usize,
    /// What was found, in one line.
    pub found: String,
}

/// Images of one part of a source.
pub(crate) struct Loaded {
    pub images: Images,
    /// All labels of a part whose images and labels share a file.
    pub labels: Option<Vec<f64>>,
    /// The number of images in the part.
    pub of: usize,
    /// Format, type and range: `NumPy <f4, range [0,1] found`.
    pub format: String,
}

/// Reads images alone, from a file, a folder or standard input (`-`): all of them, or a
/// random subset.
///
/// # Errors
/// [`Error`] for a source without images, with several arrays of images, or that breaks a
/// rule of its format.
pub fn read_samples(path: &Path, options: &Options, subset: Subset) -> Result<Samples> {
    let entries = entry::list(path)?;
    let part = parts::only_part(path, &entries, options)?;
    let Loaded { images, of, format, .. } = part.load(options, Some(subset))?;
    let (n, rows, cols) = (images.len(), images.rows(), images.cols());
    let chosen = match of > n {
        true => format!(", {n} chosen at random (seed {})", subset.seed),
        false => String::new(),
    };
    let found = format!("{of} images of {rows}x{cols} ({format}), {}{chosen}", values(&images));
    Ok(Samples { images, of, found })
}
