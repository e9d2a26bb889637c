//! The trainer's parts, each against an oracle.

#![allow(clippy::unwrap_used, clippy::panic)]

mod bench;
mod checkpoints;
mod classifier;
mod cuda;
mod evaluator;
mod halves;
mod losses;
mod objective;
mod optimizer;
mod references;
mod resuming;
mod settings;
mod steps;
mod training;

use gan_models::PixelRange;
use gan_trainer::data::{Batch, Originals};
use gan_trainer::game::Game;
use gan_trainer::plan::Exhibits;
use gan_trainer::presets;
use gan_trainer::settings::Settings;
use mnist_io::{Dataset, Images};
use tch::{Device, Kind, Tensor};

/// libtorch's generator is one per process, so what draws from it takes turns.
pub fn take_turns() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Values of a tensor, flattened.
pub fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

/// The settings of a preset.
pub fn settings(preset: &str) -> Settings {
    presets::find(preset).unwrap().settings
}

/// A fresh game of a preset's networks, in f32 on the processor.
pub fn game(settings: &Settings) -> Game {
    Game::new(
        settings.network.build(None),
        settings,
        1,
        Device::Cpu,
        Kind::Float,
    )
}

/// `n` images of bars, labeled 0 to 9 in turn: enough for networks to have
/// something to learn.
pub fn bars(n: usize) -> Dataset {
    let pixels = (0..n * 784)
        .map(|i| {
            let (image, column) = (i / 784, i % 28);
            if column.abs_diff(image % 28) < 3 {
                255
            } else {
                0
            }
        })
        .collect();
    let images = Images::new(28, 28, pixels).unwrap();
    let labels = (0..n).map(|i| (i % 10) as u8).collect();
    Dataset::new(images, labels).unwrap()
}

/// Four of them, as a network takes them.
pub fn four_bars(range: PixelRange) -> Batch {
    let originals = Originals::new(&bars(8), 8, 28, range, Device::Cpu).unwrap();
    originals.batch(&[0, 3, 5, 7])
}

/// `n` images of bars, the first of them shown too.
pub fn exhibits(n: usize) -> Exhibits {
    Exhibits {
        training: bars(n).into(),
        shown: bars(12),
        evaluator: None,
    }
}
