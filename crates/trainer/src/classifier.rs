//! Training of the classifier classifier: cross-entropy and Adam, its rate falling to 0
//! as half a cosine.

use std::f64::consts::PI;

use gan_metrics::Features;
use gan_metrics::modes::verdicts;
use gan_models::classifier::SIDE;
use gan_models::{Classifier, ClassifierNetwork, Mode, PixelRange};
use mnist_io::{Dataset, Images};
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::config::check_device;
use crate::data::DataLoader;
use crate::optimizer::Adam;
use crate::seeds::{Stream, seed_torch};

const BATCH: u64 = 128;
/// Adam's rate at the first step.
const RATE: f64 = 1.5e-3;
/// Steps between reports.
const REPORT_EVERY: u64 = 20;

/// How the classifier is to be trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifierConfig {
    /// What everything random follows from.
    pub seed: u64,
    /// How often each image is seen.
    pub epochs: u64,
    /// What the network computes in while it is trained.
    pub kind: Kind,
}

/// How far training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifierProgress {
    /// Steps done.
    pub step: u64,
    /// Steps to do.
    pub steps: u64,
    /// Cross-entropy of the last batch, in nats.
    pub loss: f64,
}

/// Trains a classifier on `dataset`, on the CPU, and tells `watch` how far it is now
/// and then, and at the end.
///
/// # Errors
/// Those of [`check`]; [`Error::Settings`] with a kind that networks cannot compute
/// in; where libtorch refuses.
pub fn train_classifier(
    plan: &ClassifierConfig,
    dataset: &Dataset,
    watch: &mut dyn FnMut(ClassifierProgress),
) -> Result<Classifier, Error> {
    check(dataset)?;
    let images = dataset.len() as u64;
    let device = Device::Cpu;
    check_device(plan.kind, device)?;
    let side = SIDE;
    let mut loader =
        DataLoader::images(dataset, images, side, PixelRange::Unit, device, plan.seed)?;
    let network = ClassifierNetwork::new();
    seed_torch(plan.seed, Stream::Init, 0);
    let mut parameters = network.layout().init(device);
    let mut adam = Adam::new(gan_config::Adam::DEFAULT, &parameters);
    let steps = images.saturating_mul(plan.epochs).div_ceil(BATCH);
    for step in 0..steps {
        let batch = loader.batch(step, step * BATCH, BATCH);
        seed_torch(plan.seed, Stream::Step, step);
        let weights = network.layout().leaves(&parameters, plan.kind);
        let (_, logits) = network.forward(&weights, &batch.images, Mode::Train);
        let loss = logits
            .to_kind(Kind::Float)
            .cross_entropy_for_logits(&batch.labels);
        let gradients = Tensor::run_backward(&[&loss], weights.tensors(), false, false);
        let gradient = network.layout().flatten_grads(&gradients, device);
        let done = step as f64 / steps as f64;
        let rate = RATE * 0.5 * (1.0 + (PI * done).cos());
        adam.update(&mut parameters, &gradient, rate);
        let step = step + 1;
        if step % REPORT_EVERY == 0 || step == steps {
            let loss = loss.double_value(&[]);
            watch(ClassifierProgress { step, steps, loss });
        }
    }
    Ok(Classifier::new(network, &parameters)?)
}

/// The share of `dataset` that `classifier` calls by its label, 0 to 1.
///
/// # Errors
/// Those of [`check`]; logits that are not finite.
pub fn accuracy(classifier: &Classifier, dataset: &Dataset) -> Result<f64, Error> {
    check(dataset)?;
    let (_, logits) = classifier.features_and_logits(&tensor(dataset.images()))?;
    let verdicts = verdicts(&Features::from_tensor(&logits)?)?;
    Ok(share_read(&verdicts, dataset.labels()))
}

/// Refuses a set that no classifier can be trained on or tried with.
///
/// # Errors
/// [`Error::NoImages`]; [`Error::ImageSize`] of images that are not 28×28;
/// [`Error::Label`] with a label that is no digit.
pub fn check(dataset: &Dataset) -> Result<(), Error> {
    check_images(dataset.images())?;
    match dataset.labels().iter().find(|&&label| label > 9) {
        Some(&label) => Err(Error::Label { label }),
        None => Ok(()),
    }
}

/// Refuses images that the classifier does not take.
pub(crate) fn check_images(images: &Images) -> Result<(), Error> {
    let (rows, cols) = (images.rows(), images.cols());
    let side = SIDE as usize;
    if images.is_empty() {
        return Err(Error::NoImages);
    }
    if (rows, cols) != (side, side) {
        return Err(Error::ImageSize { rows, cols, side });
    }
    Ok(())
}

/// u8 `[n, 28, 28]`.
pub(crate) fn tensor(images: &Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, SIDE, SIDE])
}

/// The share of `verdicts` that are the digits of `labels`.
pub(crate) fn share_read(verdicts: &[u8], labels: &[u8]) -> f64 {
    let right = verdicts.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / verdicts.len().max(1) as f64
}
