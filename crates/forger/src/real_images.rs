//! The real images of a command, from a data set in any format.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use gan_import::{Options, Set, read_set};
use gan_metrics::{Cache, Evaluator};
use gan_trainer::resize;
use mnist_io::Dataset;

/// Rows and columns of the images that networks take: those of `dcgan` are 32x32.
pub const SIDES: [usize; 2] = [28, 32];

/// Rows and columns of the images that metrics compare.
const METRIC_SIDE: usize = 28;

/// The data set at `path`, which `option` named.
pub fn open(path: &Path, option: &str) -> Result<Set> {
    let options = Options { sides: SIDES.to_vec(), through_import: true, ..Options::default() };
    read_set(path, &options).with_context(|| format!("{option} {}", path.display()))
}

/// The evaluator of a data set. It compares images of 28x28.
pub fn evaluator(training: Arc<Dataset>, test: &Dataset, cache: &Path) -> Result<Evaluator> {
    let training = match training.images().rows() {
        METRIC_SIDE => training,
        _ => Arc::new(resized(&training)?),
    };
    let test = resized(test)?;
    let cache = Cache::new(Some(cache.to_owned()), &training, &test);
    Ok(Evaluator::new(training, test, cache)?)
}

fn resized(set: &Dataset) -> Result<Dataset> {
    if set.images().rows() == METRIC_SIDE {
        return Ok(set.clone());
    }
    let images = resize(set.images(), METRIC_SIDE)?;
    Ok(match set.is_labeled() {
        true => Dataset::new(images, set.labels().to_vec())?,
        false => Dataset::unlabeled(images),
    })
}
