//! Images without labels and splits.

use std::path::Path;

use mnist_io::Images;

use crate::checks::value_range_text;
use crate::entry;
use crate::error::Result;
use crate::options::{Options, Subset};
use crate::parts::single_part;
use crate::stack::Loaded;

/// Images of a source without splits.
#[derive(Debug)]
pub struct Samples {
    /// u8 `[n, rows, cols]`.
    pub images: Images,
    /// The number of images in the source.
    pub total: usize,
    /// Number, size, format, range and choice of the images, in one line.
    pub summary: String,
}

/// Reads images alone, from a file, a folder or standard input (`-`): all of them, or a
/// random subset.
///
/// # Errors
/// [`Error`](crate::Error) for a source without images, with several arrays of images, or that
/// breaks a rule of its format.
pub fn read_samples(path: &Path, options: &Options, subset: Subset) -> Result<Samples> {
    let entries = entry::list(path)?;
    let part = single_part(path, &entries, options)?;
    let Loaded { images, total, format, .. } = part.load(options, Some(subset))?;
    let (n, rows, cols) = (images.len(), images.rows(), images.cols());
    let chosen = match total > n {
        true => format!(", {n} chosen at random (seed {})", subset.seed),
        false => String::new(),
    };
    let summary = format!(
        "{total} images of {rows}x{cols} ({format}), {}{chosen}",
        value_range_text(&images)
    );
    Ok(Samples { images, total, summary })
}
