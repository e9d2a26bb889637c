//! The presets: a table of systems, each with everything that defines it.

use run_dir::FigureLayout;

use crate::losses::Loss;
use crate::networks::Network;
use crate::optimizer::{AdamConfig, Method};
use crate::schedule::{Momentum, Schedule};
use crate::settings::Settings;

/// A system that can be trained by name.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The name that `--preset` takes.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// About how long the whole schedule takes on two cores with bf16; see
    /// `docs/systems.md`.
    pub takes: &'static str,
    /// How its snapshots are shown.
    pub pictures: FigureLayout,
    /// What it fixes.
    pub settings: Settings,
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
        oshea_notebook(),
        golbin(),
        golbin_conditional(),
        goodfellow(),
        gaussian(),
        dcgan(),
    ]
}

/// Adam as Keras and TensorFlow have it, with Kingma and Ba's constants.
const KERAS: AdamConfig = AdamConfig {
    epsilon_hat: true,
    ..AdamConfig::USUAL
};

/// What the systems have in common unless they say otherwise.
fn plain(network: Network) -> Settings {
    Settings {
        network,
        batch: 64,
        images: 60_000,
        train_images: 0,
        with_replacement: false,
        loss: Loss::NonSaturating,
        loss_d_weight: 1.0,
        logit_limit: 0.0,
        r1: 0.0,
        r2: 0.0,
        gradient_penalty: 0.0,
        dragan: 0.0,
        penalty_every: 1,
        clip: 0.0,
        spectral_norm: false,
        lr_d: 2e-4,
        lr_g: 2e-4,
        schedule: Schedule::Constant,
        optimizer: Method::Adam,
        adam: AdamConfig::USUAL,
        momentum: Momentum {
            first: 0.0,
            last: 0.0,
            epochs: 0,
        },
        ema_images: 0.0,
        shared_latents: false,
        simultaneous: false,
        pretrain_images: 0,
        pretrain_batch: 64,
        report_every: 10,
        snapshot_every: 100,
        evaluate_every: 1000,
    }
}

fn modern() -> Preset {
    Preset {
        name: "modern",
        summary: "the best digits per second of training; the default",
        source: "Huang et al. 2024 (loss, penalties); networks our own",
        takes: "2 min",
        pictures: FigureLayout::default(),
        settings: Settings {
            batch: 32,
            // 6,400 steps.
            images: 204_800,
            loss: Loss::RelativisticPairing,
            r1: 1.0,
            r2: 1.0,
            penalty_every: 16,
            lr_d: 2e-3,
            lr_g: 2e-3,
            schedule: Schedule::Late,
            adam: AdamConfig {
                beta1: 0.0,
                beta2: 0.99,
                limit: 1.0,
                ..AdamConfig::USUAL
            },
            ema_images: 10_000.0,
            ..plain(Network::Modern)
        },
    }
}

fn oshea() -> Preset {
    Preset {
        name: "oshea",
        summary: "convolutions in Keras; D is trained alone first",
        source: "O'Shea 2016, KerasGAN",
        takes: "60 min",
        pictures: FigureLayout {
            grid: [4, 4],
            last_grid: [5, 5],
            ..FigureLayout::default()
        },
        settings: Settings {
            batch: 32,
            // 10,000 steps.
            images: 320_000,
            with_replacement: true,
            // Keras takes the mean over originals and forgeries together.
            loss_d_weight: 0.5,
            // Keras clips probabilities to [1e-7, 1 − 1e-7]: ln(1e7 − 1).
            logit_limit: 16.118_095_550_958_32,
            lr_d: 1e-3,
            lr_g: 1e-4,
            adam: KERAS,
            schedule: Schedule::Tenths,
            pretrain_images: 10_000,
            pretrain_batch: 64,
            ..plain(Network::Oshea)
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

fn oshea_notebook() -> Preset {
    let oshea = oshea();
    Preset {
        name: "oshea-notebook",
        summary: "its author's short form: rates swapped, larger batches",
        source: "O'Shea 2016, KerasGAN, the notebook",
        takes: "15 min",
        settings: Settings {
            batch: 128,
            // 350 steps of 128 and 100 of 256.
            images: 70_400,
            lr_d: 1e-4,
            lr_g: 1e-3,
            schedule: Schedule::Notebook,
            pretrain_batch: 16,
            snapshot_every: 25,
            evaluate_every: 50,
            report_every: 1,
            ..oshea.settings
        },
        ..oshea
    }
}

fn golbin() -> Preset {
    Preset {
        name: "golbin",
        summary: "two small perceptrons; seconds per epoch, rough digits",
        source: "3-minute deep learning, GAN, first program",
        takes: "3 min",
        pictures: FigureLayout {
            grid: [1, 10],
            last_grid: [1, 10],
            ..FigureLayout::default()
        },
        settings: Settings {
            batch: 100,
            // 100 epochs of 550 batches.
            images: 5_500_000,
            train_images: 55_000,
            adam: KERAS,
            shared_latents: true,
            snapshot_every: 550,
            evaluate_every: 5_500,
            ..plain(Network::Golbin)
        },
    }
}

fn golbin_conditional() -> Preset {
    let golbin = golbin();
    Preset {
        name: "golbin-conditional",
        summary: "the same perceptrons, told which digit to forge",
        source: "3-minute deep learning, GAN, second program",
        pictures: FigureLayout {
            real_above: true,
            ..golbin.pictures
        },
        settings: Settings {
            network: Network::GolbinConditional,
            // TensorFlow's default rate.
            lr_d: 1e-3,
            lr_g: 1e-3,
            ..golbin.settings
        },
        ..golbin
    }
}

fn goodfellow() -> Preset {
    Preset {
        name: "goodfellow",
        summary: "the 2014 paper: maxout police, momentum, one pass",
        source: "Goodfellow et al. 2014",
        takes: "40 min",
        pictures: FigureLayout {
            nearest_row: 5,
            ..FigureLayout::default()
        },
        settings: Settings {
            batch: 100,
            // 250 epochs of 500 batches: until the momentum is at its last value.
            images: 12_500_000,
            train_images: 50_000,
            loss_d_weight: 0.5,
            lr_d: 0.1,
            lr_g: 0.1,
            schedule: Schedule::Decay,
            optimizer: Method::Sgd,
            momentum: Momentum {
                first: 0.5,
                last: 0.7,
                epochs: 250,
            },
            shared_latents: true,
            simultaneous: true,
            report_every: 50,
            snapshot_every: 500,
            evaluate_every: 12_500,
            ..plain(Network::Goodfellow)
        },
    }
}

fn gaussian() -> Preset {
    Preset {
        name: "gaussian",
        summary: "one number in place of an image, to see the theory at work",
        source: "AYLIEN 2016, after Jang 2016",
        takes: "5 s",
        pictures: FigureLayout::default(),
        settings: Settings {
            batch: 8,
            // 5,000 steps.
            images: 40_000,
            // Its logarithms are of probabilities of 1e-5 at least: ln(1e5 − 1).
            logit_limit: 11.512_915_464_920_228,
            lr_d: 1e-3,
            lr_g: 1e-3,
            adam: KERAS,
            // Numbers are no images.
            evaluate_every: 0,
            ..plain(Network::Gaussian)
        },
    }
}

fn dcgan() -> Preset {
    Preset {
        name: "dcgan",
        summary: "what most people would pick instead, 32×32; for comparison",
        source: "PyTorch-GAN, implementations/dcgan",
        takes: "12 min",
        pictures: FigureLayout {
            last_grid: [5, 5],
            grid: [5, 5],
            ..FigureLayout::default()
        },
        settings: Settings {
            // The original's 200 epochs are 187,600 steps; ten are enough to see.
            images: 600_000,
            loss_d_weight: 0.5,
            adam: AdamConfig {
                beta1: 0.5,
                ..AdamConfig::USUAL
            },
            // Its G is updated first, but its D then learns from the forgeries
            // made before: each from the other as it was before the step.
            shared_latents: true,
            simultaneous: true,
            snapshot_every: 200,
            ..plain(Network::Dcgan)
        },
    }
}
