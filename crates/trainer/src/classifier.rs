//! Trains the classifier: cross-entropy and Adam with a cosine schedule to 0.

use std::f64::consts::PI;

use gan_config::Classes;
use gan_metrics::Features;
use gan_metrics::modes::{agreement, predictions};
use gan_models::classifier::SIDE;
use gan_models::{Classifier, ClassifierNetwork, Mode, PixelRange};
use mnist_io::{Dataset, Images};
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::loader::DataLoader;
use crate::optimizer::Adam;
use crate::seeds::{RandomStream, seed_torch};
use crate::validate::check_device;

const BATCH: u64 = 128;
/// Adam's learning rate at the first step.
const LR: f64 = 1.5e-3;
/// Steps between reports.
const REPORT_EVERY: u64 = 20;

/// How the classifier is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifierConfig {
    /// Random seed.
    pub seed: u64,
    /// Passes over the data set.
    pub epochs: u64,
    /// The data type in which training computes.
    pub dtype: Kind,
}

/// Progress of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifierProgress {
    /// Steps done.
    pub step: u64,
    /// Steps in total.
    pub steps: u64,
    /// Cross-entropy of the last batch, in nats.
    pub loss: f64,
}

/// Trains a classifier of the classes of `dataset`, at least two, on the CPU. `on_progress` is
/// called every 20 steps and at the end.
///
/// # Errors
/// Those of [`check`]; [`Error::Settings`] for an unsupported data type;
/// [`Error::Torch`].
pub fn train_classifier(
    config: &ClassifierConfig,
    dataset: &Dataset,
    on_progress: &mut dyn FnMut(ClassifierProgress),
) -> Result<Classifier, Error> {
    check(dataset)?;
    let images = dataset.len() as u64;
    let device = Device::Cpu;
    check_device(config.dtype, device)?;
    let side = SIDE;
    let mut loader =
        DataLoader::images(dataset, images, side, PixelRange::Unit, device, config.seed)?;
    let classes = Classes::from_labels(dataset.labels()).one_hot_size().max(2);
    let network = ClassifierNetwork::new(classes);
    seed_torch(config.seed, RandomStream::Init, 0);
    let mut parameters = network.layout().init(device);
    let mut adam = Adam::new(gan_config::AdamConfig::DEFAULT, &parameters);
    let steps = images.saturating_mul(config.epochs).div_ceil(BATCH);
    for step in 0..steps {
        let batch = loader.batch(step, step * BATCH, BATCH);
        seed_torch(config.seed, RandomStream::Step, step);
        let weights = network.layout().leaves(&parameters, config.dtype);
        let (_, logits) = network.forward(&weights, &batch.images, Mode::Train);
        let loss = logits.to_kind(Kind::Float).cross_entropy_for_logits(&batch.labels);
        let gradients = Tensor::run_backward(&[&loss], weights.tensors(), false, false);
        let gradient = network.layout().flatten(&gradients, device);
        let done = step as f64 / steps as f64;
        let rate = LR * 0.5 * (1.0 + (PI * done).cos());
        adam.update(&mut parameters, &gradient, rate);
        let step = step + 1;
        if step % REPORT_EVERY == 0 || step == steps {
            let loss = loss.double_value(&[]);
            on_progress(ClassifierProgress { step, steps, loss });
        }
    }
    Ok(Classifier::new(network, &parameters)?)
}

/// The share of `dataset` that `classifier` classifies as labeled, 0 to 1.
///
/// # Errors
/// Those of [`check`]; [`Error::Metrics`] for logits that are not finite.
pub fn accuracy(classifier: &Classifier, dataset: &Dataset) -> Result<f64, Error> {
    check(dataset)?;
    let (_, logits) = classifier.features_and_logits(&tensor(dataset.images()))?;
    let predictions = predictions(&Features::from_tensor(&logits)?)?;
    Ok(agreement(&predictions, dataset.labels()))
}

/// Returns an error if the classifier cannot be trained or tested on the data set.
///
/// # Errors
/// [`Error::NoImages`]; [`Error::ImageSize`] for images that are not 28×28;
/// [`Error::NoLabels`].
pub fn check(dataset: &Dataset) -> Result<(), Error> {
    let images = dataset.images();
    let (rows, cols) = (images.rows(), images.cols());
    let side = SIDE as usize;
    if images.is_empty() {
        return Err(Error::NoImages);
    }
    if (rows, cols) != (side, side) {
        return Err(Error::ImageSize { rows, cols, side });
    }
    if dataset.is_labeled() { Ok(()) } else { Err(Error::NoLabels { conditional: false }) }
}

/// u8 `[n, 28, 28]`.
fn tensor(images: &Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, SIDE, SIDE])
}
