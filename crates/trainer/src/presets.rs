//! The presets: a table of systems, each with everything that defines it.

use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::{Discriminator, Generator, PixelRange};
use serde::{Deserialize, Serialize};

use crate::losses::Loss;
use crate::optimizer::AdamConfig;
use crate::settings::{Schedule, Settings};

/// A system that can be trained by name.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The name that `--preset` takes.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What it fixes.
    pub settings: Settings,
}

/// A pair of networks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Two-layer perceptrons.
    Golbin,
    /// Small convolutional networks without normalization.
    Modern,
}

/// A pair of networks, built.
pub struct Pair {
    /// The counterfeiter.
    pub generator: Box<dyn Generator>,
    /// The police officer.
    pub discriminator: Box<dyn Discriminator>,
    /// The range of their pixels.
    pub range: PixelRange,
}

impl Network {
    /// Rows and columns of the pair's images.
    pub fn side(self) -> usize {
        28
    }

    /// Builds the pair.
    pub fn build(self) -> Pair {
        match self {
            Network::Golbin => Pair {
                generator: Box::new(GolbinGenerator::new()),
                discriminator: Box::new(GolbinDiscriminator::new()),
                range: PixelRange::Unit,
            },
            Network::Modern => Pair {
                generator: Box::new(ModernGenerator::new()),
                discriminator: Box::new(ModernDiscriminator::new()),
                range: PixelRange::Symmetric,
            },
        }
    }
}

/// The preset of that name.
pub fn find(name: &str) -> Option<Preset> {
    all().into_iter().find(|p| p.name == name)
}

/// Every preset, the default first.
pub fn all() -> Vec<Preset> {
    vec![modern(), golbin()]
}

fn modern() -> Preset {
    Preset {
        name: "modern",
        summary: "the best digits per second of training; the default",
        source: "Huang et al., NeurIPS 2024 (loss and penalties); networks our own",
        settings: Settings {
            network: Network::Modern,
            batch: 16,
            images: 144_000,
            train_images: 0,
            with_replacement: false,
            loss: Loss::RelativisticPairing,
            r1: 1.0,
            r2: 1.0,
            penalty_every: 4,
            lr_d: 2e-3,
            lr_g: 2e-3,
            schedule: Schedule::Late,
            adam: AdamConfig {
                beta1: 0.0,
                beta2: 0.99,
                epsilon: 1e-8,
            },
            ema_images: 10_000.0,
            shared_latents: false,
            pretrain_images: 0,
            pretrain_batch: 16,
            report_every: 10,
            snapshot_every: 100,
        },
    }
}

fn golbin() -> Preset {
    Preset {
        name: "golbin",
        summary: "two small perceptrons; seconds per epoch, rough digits",
        source: "3-minute deep learning, GAN, first program",
        settings: Settings {
            network: Network::Golbin,
            batch: 100,
            // 100 epochs of 550 batches.
            images: 5_500_000,
            train_images: 55_000,
            with_replacement: false,
            loss: Loss::NonSaturating,
            r1: 0.0,
            r2: 0.0,
            penalty_every: 1,
            lr_d: 2e-4,
            lr_g: 2e-4,
            schedule: Schedule::Constant,
            adam: AdamConfig {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
            },
            ema_images: 0.0,
            shared_latents: true,
            pretrain_images: 0,
            pretrain_batch: 100,
            report_every: 10,
            snapshot_every: 550,
        },
    }
}
