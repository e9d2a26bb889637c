//! Tests of training: each part against reference values, a naive computation or damaged files.

#![allow(clippy::unwrap_used, clippy::panic)]

mod checkpoints;
mod classifier;
mod cuda;
mod extensions;
mod graphs;
mod losses;
mod names;
mod objective;
mod optimizer;
mod quality_curve;
mod references;
mod resuming;
mod steps;
mod trainer;
mod training;
mod workers;

use gan_config::{OptimizerConfig, Settings};
use gan_models::PixelRange;
use gan_trainer::{Batch, Gan, StepHyperparams, TrainConfig, TrainData, resize};
use mnist_io::{Dataset, Images};
use tch::{Device, Kind, Tensor};

/// Gradient descent without momentum.
pub const SGD: OptimizerConfig =
    OptimizerConfig::Sgd(gan_config::MomentumSchedule { first: 0.0, last: 0.0, epochs: 0 });

/// StepHyperparams of the steps in most tests.
pub const RATES: StepHyperparams = StepHyperparams { lr_d: 1e-3, lr_g: 1e-3, momentum: 0.5 };

/// Locks libtorch's random generator. The process has only one, so tests that draw
/// from it run one after the other.
pub fn lock_generator() -> std::sync::MutexGuard<'static, ()> {
    static GENERATOR: std::sync::Mutex<()> = std::sync::Mutex::new(());
    GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Values of a tensor, flattened.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

/// The settings of a preset.
pub fn settings(preset: &str) -> Settings {
    gan_config::preset(preset).unwrap().settings.clone()
}

/// `settings` after some changes of the form `key=value`.
pub fn with(mut settings: Settings, pairs: &[&str]) -> Settings {
    for pair in pairs {
        settings.set(pair).unwrap();
    }
    settings
}

/// New networks of `gan-models` with seed 1, in f32 on the CPU.
pub fn new_gan(networks: &str, settings: &Settings) -> Gan {
    Gan::new(&TrainConfig::by_name(settings.clone(), networks, &TrainData::Gaussian).unwrap())
}

/// `n` images of bars, labeled 0 to 9 in turn: enough for networks to have
/// something to learn.
pub fn bars(n: usize) -> Dataset {
    let pixels = (0..n * 784)
        .map(|i| {
            let (image, column) = (i / 784, i % 28);
            if column.abs_diff(image % 28) < 3 { 255 } else { 0 }
        })
        .collect();
    let images = Images::new(28, 28, pixels).unwrap();
    let labels = (0..n).map(|i| (i % 10) as u8).collect();
    Dataset::new(images, labels).unwrap()
}

/// The bars with these indices as a batch for `gan`.
pub fn bars_for(gan: &Gan, indices: &[usize]) -> Batch {
    let generator = gan.generator.network.as_ref();
    batch_of_bars(indices, generator.image_side(), generator.pixel_range(), gan.device)
}

/// Four images of bars, 28×28.
pub fn four_bars(range: PixelRange) -> Batch {
    batch_of_bars(&[0, 3, 5, 7], 28, range, Device::Cpu)
}

fn batch_of_bars(indices: &[usize], side: i64, range: PixelRange, device: Device) -> Batch {
    let bars = bars(8);
    let images = bars.images().select(indices).unwrap();
    let images = resize(&images, side as usize).unwrap();
    let bytes = Tensor::from_slice(images.pixels()).view([-1, 1, side, side]);
    let labels: Vec<i64> = indices.iter().map(|&i| bars.labels()[i].into()).collect();
    Batch {
        images: range.from_bytes(&bytes, Kind::Float).to_device(device),
        labels: Tensor::from_slice(&labels).to_device(device),
    }
}

/// Training on `n` images of bars.
pub fn train_on_bars(n: usize) -> TrainData {
    TrainData::Images { training: bars(n).into(), figure_images: bars(12), evaluator: None }
}
