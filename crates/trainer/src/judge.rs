//! Training of the judge classifier: cross-entropy and Adam, its rate falling to 0
//! as half a cosine.

use std::f64::consts::PI;

use gan_models::judge::SIDE;
use gan_models::{Judge, JudgeNetwork, Mode, PixelRange};
use mnist_io::Dataset;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::data::{Order, Originals};
use crate::optimizer::{Adam, AdamConfig};
use crate::seeds::{Stream, seed_torch};

const BATCH: u64 = 128;
/// Adam's rate at the first step.
const RATE: f64 = 1.5e-3;
/// Kingma and Ba's own.
const ADAM: AdamConfig = AdamConfig {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    epsilon_hat: false,
    limit: 0.0,
};
/// Steps between reports.
const REPORT_EVERY: u64 = 20;

/// How the judge is to be trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgePlan {
    /// What everything random follows from.
    pub seed: u64,
    /// How often each image is seen.
    pub epochs: u64,
    /// What the network computes in while it is trained.
    pub kind: Kind,
}

/// How far training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeReport {
    /// Steps done.
    pub step: u64,
    /// Steps to do.
    pub steps: u64,
    /// Cross-entropy of the last batch, in nats.
    pub loss: f64,
}

/// Trains a judge on `dataset`, on the CPU, and tells `watch` how far it is now
/// and then, and at the end.
///
/// # Errors
/// A set without images or with images of another size than 28×28, or with
/// labels that are no digits.
pub fn train_judge(
    plan: &JudgePlan,
    dataset: &Dataset,
    watch: &mut dyn FnMut(JudgeReport),
) -> Result<Judge, Error> {
    check(dataset)?;
    let images = dataset.len() as u64;
    let device = Device::Cpu;
    let originals = Originals::new(
        dataset,
        dataset.len(),
        SIDE as usize,
        PixelRange::Unit,
        device,
    )?;
    let mut order = Order::new(plan.seed, Stream::Order, images, false);
    let network = JudgeNetwork::new();
    seed_torch(plan.seed, Stream::Init, 0);
    let mut parameters = network.layout().init(device);
    let mut adam = Adam::new(ADAM, &parameters);
    let steps = images.saturating_mul(plan.epochs).div_ceil(BATCH);
    for step in 0..steps {
        let batch = originals.batch(&order.indices(step, step * BATCH, BATCH));
        seed_torch(plan.seed, Stream::Step, step);
        let weights = network.layout().leaves(&parameters, plan.kind);
        let (_, logits) = network.forward(&weights, &batch.images, Mode::Train);
        let loss = logits
            .to_kind(Kind::Float)
            .cross_entropy_for_logits(&batch.labels);
        let gradients = Tensor::run_backward(&[&loss], weights.tensors(), false, false);
        let gradient = network.layout().gather(&gradients, device);
        let done = step as f64 / steps as f64;
        let rate = RATE * 0.5 * (1.0 + (PI * done).cos());
        adam.update(&mut parameters, &gradient, rate);
        let step = step + 1;
        if step % REPORT_EVERY == 0 || step == steps {
            let loss = loss.double_value(&[]);
            watch(JudgeReport { step, steps, loss });
        }
    }
    Ok(Judge::new(network, &parameters)?)
}

/// The share of `dataset` that `judge` calls by its label, 0 to 1.
///
/// # Errors
/// A set without images or with images of another size than 28×28.
pub fn accuracy(judge: &Judge, dataset: &Dataset) -> Result<f64, Error> {
    check(dataset)?;
    let images = Tensor::from_slice(dataset.images().pixels()).view([-1, SIDE, SIDE]);
    let labels = Tensor::from_slice(dataset.labels()).to_kind(Kind::Int64);
    let (_, logits) = judge.features_and_logits(&images)?;
    let right = logits.argmax(1, false).eq_tensor(&labels);
    Ok(right
        .to_kind(Kind::Double)
        .mean(Kind::Double)
        .double_value(&[]))
}

fn check(dataset: &Dataset) -> Result<(), Error> {
    if dataset.is_empty() {
        return Err(Error::NoImages);
    }
    let (rows, cols) = (dataset.images().rows(), dataset.images().cols());
    let side = SIDE as usize;
    if (rows, cols) != (side, side) {
        return Err(Error::ImageSize { rows, cols, side });
    }
    match dataset.labels().iter().find(|&&label| label > 9) {
        Some(&label) => Err(Error::Label { label }),
        None => Ok(()),
    }
}
