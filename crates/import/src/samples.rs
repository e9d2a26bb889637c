//! Images without labels and splits.

use std::path::Path;

use mnist_io::Images;

use crate::checks::values;
use crate::entry;
use crate::error::Result;
use crate::options::{Options, Subset};
use crate::parts::only_part;
use crate::stack::Loaded;

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

/// Reads images alone, from a file, a folder or standard input (`-`): all of them, or a
/// random subset.
///
/// # Errors
/// [`Error`](crate::Error) for a source without images, with several arrays of images, or that breaks a
/// rule of its format.
pub fn read_samples(path: &Path, options: &Options, subset: Subset) -> Result<Samples> {
    let entries = entry::list(path)?;
    let part = only_part(path, &entries, options)?;
    let Loaded { images, of, format, .. } = part.load(options, Some(subset))?;
    let (n, rows, cols) = (images.len(), images.rows(), images.cols());
    let chosen = match of > n {
        true => format!(", {n} chosen at random (seed {})", subset.seed),
        false => String::new(),
    };
    let found = format!("{of} images of {rows}x{cols} ({format}), {}{chosen}", values(&images));
    Ok(Samples { images, of, found })
}
