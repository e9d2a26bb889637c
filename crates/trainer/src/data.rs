//! What a run is trained on: images with their classes, or numbers.

use std::sync::Arc;

use gan_config::Classes;
use gan_metrics::Evaluator;
use mnist_io::{Dataset, Images};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use tch::{Kind, Tensor};

use crate::Error;
use crate::seeds::{RandomStream, stream_seed};

/// Samples in a snapshot, and real images in the figures.
pub(crate) const SNAPSHOT_SAMPLES: usize = 64;

/// What a run is trained on.
#[derive(Debug)]
pub enum TrainData {
    /// Images of a data set.
    Images {
        /// The training images.
        training: Arc<Dataset>,
        /// Real images for figures, at least one. Snapshots of conditional networks cycle
        /// through their classes.
        figure_images: Dataset,
        /// Measures samples for the quality curve.
        evaluator: Option<Box<Evaluator>>,
    },
    /// Numbers from N(4, 0.5²), drawn anew for each step.
    Gaussian,
}

impl TrainData {
    /// Images to train on. Figures show the first of them, and there is no quality
    /// curve.
    ///
    /// # Errors
    /// [`Error::NoImages`] for an empty data set.
    pub fn new(training: Dataset) -> Result<TrainData, Error> {
        if training.is_empty() {
            return Err(Error::NoImages);
        }
        Ok(TrainData::Images {
            figure_images: training.first(SNAPSHOT_SAMPLES),
            training: training.into(),
            evaluator: None,
        })
    }

    /// Images to train on with an `evaluator` for the quality curve. Figures of `conditional`
    /// networks show test images of the training classes. Other figures show training images,
    /// drawn with `seed` from the first `epoch_size`.
    ///
    /// # Errors
    /// [`Error::NoImages`] for an empty data set.
    pub fn with_evaluator(
        training: Arc<Dataset>,
        test: &Dataset,
        evaluator: Evaluator,
        epoch_size: u64,
        conditional: bool,
        seed: u64,
    ) -> Result<TrainData, Error> {
        // G was not trained on these images.
        let unseen = match conditional {
            true => images_of_classes(test, &classes_of(&training, epoch_size)),
            false => None,
        };
        let figure_images = if let Some(unseen) = unseen.filter(|unseen| !unseen.is_empty()) {
            unseen.first(SNAPSHOT_SAMPLES)
        } else {
            let mut rng =
                ChaCha8Rng::seed_from_u64(stream_seed(seed, RandomStream::FigureImages, 0));
            let count = SNAPSHOT_SAMPLES.min(epoch_size as usize);
            let chosen = index::sample(&mut rng, epoch_size as usize, count).into_vec();
            training.select(&chosen).ok_or(Error::NoImages)?
        };
        Ok(TrainData::Images { training, figure_images, evaluator: Some(Box::new(evaluator)) })
    }

    /// Whether the data are numbers, not images.
    pub fn is_synthetic(&self) -> bool {
        matches!(self, TrainData::Gaussian)
    }

    /// The classes of the first `epoch_size` training images; none for images without labels and
    /// for numbers.
    pub fn classes(&self, epoch_size: u64) -> Classes {
        match self {
            TrainData::Images { training, .. } => classes_of(training, epoch_size),
            TrainData::Gaussian => Classes::default(),
        }
    }

    /// The real images of the figures, with `side` rows and columns; `None` for
    /// numbers.
    ///
    /// # Errors
    /// [`Error::Torch`].
    pub fn figure_images(&self, side: i64) -> Result<Option<Images>, Error> {
        match self {
            TrainData::Images { figure_images, .. } => {
                Ok(Some(resize(figure_images.images(), side as usize)?))
            }
            TrainData::Gaussian => Ok(None),
        }
    }
}

fn classes_of(set: &Dataset, epoch_size: u64) -> Classes {
    let labels = set.labels().iter().take(epoch_size as usize).copied();
    if set.is_labeled() { labels.collect() } else { Classes::default() }
}

/// The images of `set` that have one of these `classes`.
pub(crate) fn images_of_classes(set: &Dataset, classes: &Classes) -> Option<Dataset> {
    let has_class = |&index: &usize| classes.contains(set.labels()[index]);
    set.select(&(0..set.len()).filter(has_class).collect::<Vec<_>>())
}

/// Resizes images to `side`×`side`: bilinear, as PyTorch's `interpolate` with
/// `align_corners=False`.
///
/// # Errors
/// [`Error::Torch`].
pub fn resize(images: &Images, side: usize) -> Result<Images, Error> {
    if (images.rows(), images.cols()) == (side, side) {
        return Ok(images.clone());
    }
    let size = [side as i64, side as i64];
    let shape = [-1, 1, images.rows() as i64, images.cols() as i64];
    let bytes = Tensor::from_slice(images.pixels()).view(shape);
    let mut pixels = Vec::with_capacity(images.len() * side * side);
    // Convert in chunks, because f32 needs four bytes per pixel.
    for chunk in bytes.split(1000, 0) {
        let chunk = chunk
            .to_kind(Kind::Float)
            .f_upsample_bilinear2d(size, false, None, None)?
            .round()
            .clamp(0.0, 255.0)
            .to_kind(Kind::Uint8)
            .view([-1]);
        let start = pixels.len();
        pixels.resize(start + chunk.numel(), 0);
        chunk.f_copy_data(&mut pixels[start..], chunk.numel())?;
    }
    Ok(Images::new(side, side, pixels)?)
}
