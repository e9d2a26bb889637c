//! The presets: a table of systems, each with everything that defines it.

use gan_models::dcgan::{DcganDiscriminator, DcganGenerator};
use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::oshea::{OsheaDiscriminator, OsheaGenerator, OsheaNorm};
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
    /// Two-layer perceptrons that are told the digit.
    GolbinConditional,
    /// O'Shea's convolutional networks, batch norm over image columns.
    Oshea,
    /// The same with batch norm over channels.
    OsheaChannels,
    /// The usual 32×32 DCGAN.
    Dcgan,
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
        match self {
            Network::Dcgan => 32,
            _ => 28,
        }
    }

    /// Builds the pair.
    pub fn build(self) -> Pair {
        match self {
            Network::Golbin => Pair {
                generator: Box::new(GolbinGenerator::new()),
                discriminator: Box::new(GolbinDiscriminator::new()),
                range: PixelRange::Unit,
            },
            Network::GolbinConditional => Pair {
                generator: Box::new(GolbinGenerator::with_labels()),
                discriminator: Box::new(GolbinDiscriminator::with_labels()),
                range: PixelRange::Unit,
            },
            Network::Oshea => oshea_pair(OsheaNorm::Columns),
            Network::OsheaChannels => oshea_pair(OsheaNorm::Channels),
            Network::Dcgan => Pair {
                generator: Box::new(DcganGenerator::new()),
                discriminator: Box::new(DcganDiscriminator::new()),
                range: PixelRange::Symmetric,
            },
            Network::Modern => Pair {
                generator: Box::new(ModernGenerator::new()),
                discriminator: Box::new(ModernDiscriminator::new()),
                range: PixelRange::Symmetric,
            },
        }
    }
}

fn oshea_pair(norm: OsheaNorm) -> Pair {
    Pair {
        generator: Box::new(OsheaGenerator::new(norm)),
        discriminator: Box::new(OsheaDiscriminator::new()),
        range: PixelRange::Unit,
    }
}

/// The preset of that name.
pub fn find(name: &str) -> Option<Preset> {
    all().into_iter().find(|p| p.name == name)
}

/// Every preset, the default first.
pub fn all() -> Vec<Preset> {
    vec![
        modern(),
        oshea(),
        oshea_channels(),
        golbin(),
        golbin_conditional(),
        dcgan(),
    ]
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
            loss_d_weight: 1.0,
            logit_limit: 0.0,
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
            loss_d_weight: 1.0,
            logit_limit: 0.0,
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

fn golbin_conditional() -> Preset {
    let golbin = golbin();
    Preset {
        name: "golbin-conditional",
        summary: "the same perceptrons, told which digit to forge",
        source: "3-minute deep learning, GAN, second program",
        settings: Settings {
            network: Network::GolbinConditional,
            // TensorFlow's default rate.
            lr_d: 1e-3,
            lr_g: 1e-3,
            ..golbin.settings
        },
    }
}

fn oshea() -> Preset {
    Preset {
        name: "oshea",
        summary: "the post's first reference; hours on two cores",
        source: "O'Shea 2016, KerasGAN",
        settings: Settings {
            network: Network::Oshea,
            batch: 32,
            // 10,000 steps.
            images: 320_000,
            train_images: 0,
            with_replacement: true,
            loss: Loss::NonSaturating,
            // Keras takes the mean over originals and forgeries together.
            loss_d_weight: 0.5,
            // Keras clips probabilities to [1e-7, 1 − 1e-7]: ln(1e7 − 1).
            logit_limit: 16.118_095_550_958_32,
            r1: 0.0,
            r2: 0.0,
            penalty_every: 1,
            lr_d: 1e-3,
            lr_g: 1e-4,
            schedule: Schedule::Tenths,
            adam: AdamConfig {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
            },
            ema_images: 0.0,
            shared_latents: false,
            pretrain_images: 10_000,
            pretrain_batch: 64,
            report_every: 10,
            snapshot_every: 100,
        },
    }
}

fn oshea_channels() -> Preset {
    let oshea = oshea();
    Preset {
        name: "oshea-channels",
        summary: "the same with the usual batch norm, over channels",
        settings: Settings {
            network: Network::OsheaChannels,
            ..oshea.settings
        },
        ..oshea
    }
}

fn dcgan() -> Preset {
    Preset {
        name: "dcgan",
        summary: "what most people would pick instead, 32×32; for comparison",
        source: "PyTorch-GAN, implementations/dcgan",
        settings: Settings {
            network: Network::Dcgan,
            batch: 64,
            // The original's 200 epochs are 187,600 steps; ten are enough to see.
            images: 600_000,
            train_images: 0,
            with_replacement: false,
            loss: Loss::NonSaturating,
            loss_d_weight: 0.5,
            logit_limit: 0.0,
            r1: 0.0,
            r2: 0.0,
            penalty_every: 1,
            lr_d: 2e-4,
            lr_g: 2e-4,
            schedule: Schedule::Constant,
            adam: AdamConfig {
                beta1: 0.5,
                beta2: 0.999,
                epsilon: 1e-8,
            },
            ema_images: 0.0,
            // One latent batch serves both updates of a step.
            shared_latents: true,
            pretrain_images: 0,
            pretrain_batch: 64,
            report_every: 10,
            snapshot_every: 200,
        },
    }
}
