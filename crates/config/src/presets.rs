//! The presets: a table of systems, each with everything that defines it.

use crate::error::nearest;
use crate::settings::{Adam, Ema, Optimizer, Penalty, PenaltyKind, Pretraining, Update};
use crate::{Error, FigureLayout, Momentum, Result, Schedule, Settings};

/// A system that can be trained by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// The name that `--preset` takes.
    pub name: &'static str,
    /// One line for `--list`.
    pub summary: &'static str,
    /// Where the system comes from.
    pub source: &'static str,
    /// Approximate time of the whole schedule on 2 cores with bf16.
    pub takes: &'static str,
    /// Name of its networks in `gan-models`.
    pub networks: &'static str,
    /// What `--conditional` means for it.
    pub conditional: Conditional,
    /// Parameters of G and of D.
    pub parameters: [u64; 2],
    /// Its real data are numbers drawn from N(4, 0.5), not images.
    pub synthetic: bool,
    /// How its snapshots are shown.
    pub figures: FigureLayout,
    /// What it fixes.
    pub settings: Settings,
}

/// What `--conditional` means for a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditional {
    /// It switches to the networks of this name.
    Networks(&'static str),
    /// The preset is conditional already.
    Already,
    /// Another preset is the conditional form.
    Preset(&'static str),
    /// The system has no conditional form.
    Never,
}

/// Every preset, the default first.
const TABLE: [fn() -> Preset; 9] = [
    modern,
    oshea,
    oshea_channels,
    oshea_notebook,
    golbin,
    golbin_conditional,
    goodfellow,
    gaussian,
    dcgan,
];

/// Every preset, the default first.
pub fn presets() -> impl Iterator<Item = Preset> {
    TABLE.iter().map(|preset| preset())
}

/// The preset of that name.
///
/// # Errors
/// [`Error::UnknownPreset`] with the nearest name.
pub fn preset(name: &str) -> Result<Preset> {
    presets()
        .find(|preset| preset.name == name)
        .ok_or_else(|| Error::UnknownPreset {
            name: name.to_owned(),
            nearest: nearest(name, presets().map(|preset| preset.name)),
            names: presets().map(|preset| preset.name).collect(),
        })
}

impl Preset {
    /// The name of the networks, with `conditional` those that take a digit.
    ///
    /// # Errors
    /// [`Error::NotConditional`] where the system has no such networks.
    pub fn networks(&self, conditional: bool) -> Result<&'static str> {
        let reason = match self.conditional {
            _ if !conditional => return Ok(self.networks),
            Conditional::Networks(networks) => return Ok(networks),
            Conditional::Already => return Ok(self.networks),
            Conditional::Preset(other) => format!(
                "the conditional form of {} has settings of its own; use --preset {other}",
                self.name
            ),
            Conditional::Never => format!(
                "the networks of {} take no digit; use modern or golbin-conditional",
                self.name
            ),
        };
        Err(Error::NotConditional { reason })
    }

    /// Steps in the preset's schedule.
    pub fn steps(&self) -> u64 {
        self.settings.schedule.steps(self.settings.batches())
    }
}

/// Adam as Keras and TensorFlow compute it, with Kingma and Ba's constants.
const KERAS_ADAM: Optimizer = Optimizer::Adam(Adam {
    epsilon_hat: true,
    ..Adam::DEFAULT
});

/// The settings that the systems share unless they say otherwise.
fn base() -> Settings {
    Settings {
        batch: 64,
        images: 60_000,
        train_images: None,
        with_replacement: false,
        loss: "non-saturating".to_owned(),
        loss_d_weight: 1.0,
        logit_limit: None,
        lr_d: 2e-4,
        lr_g: 2e-4,
        schedule: Schedule::Constant,
        update: Update::Alternating,
        spectral_norm: false,
        clip: None,
        penalty_every: 1,
        report_every: 10,
        snapshot_every: 100,
        evaluate_every: Some(1000),
        optimizer: Optimizer::Adam(Adam::DEFAULT),
        ema: None,
        pretraining: None,
        penalties: Vec::new(),
    }
}

fn modern() -> Preset {
    let penalty = |kind| Penalty { kind, weight: 1.0 };
    Preset {
        name: "modern",
        summary: "the best digits per second of training; the default",
        source: "loss and penalties of Huang et al. 2024",
        takes: "2 min",
        networks: "modern",
        conditional: Conditional::Networks("modern-conditional"),
        parameters: [164_804, 146_849],
        synthetic: false,
        figures: FigureLayout::DEFAULT,
        settings: Settings {
            batch: 32,
            // 6,400 steps.
            images: 204_800,
            loss: "relativistic-pairing".to_owned(),
            penalties: vec![penalty(PenaltyKind::R1), penalty(PenaltyKind::R2)],
            penalty_every: 16,
            lr_d: 2e-3,
            lr_g: 2e-3,
            schedule: Schedule::LinearDecay,
            optimizer: Optimizer::Adam(Adam {
                beta1: 0.0,
                beta2: 0.99,
                clip_update_rms: Some(1.0),
                ..Adam::DEFAULT
            }),
            ema: Some(Ema {
                half_life_images: 10_000.0,
            }),
            ..base()
        },
    }
}

fn oshea() -> Preset {
    Preset {
        name: "oshea",
        summary: "convolutions in Keras; D is trained alone first",
        source: "O'Shea 2016, KerasGAN",
        takes: "60 min",
        networks: "oshea",
        conditional: Conditional::Never,
        parameters: [4_262_913, 9_707_266],
        synthetic: false,
        figures: FigureLayout {
            grid: [4, 4],
            last_grid: [5, 5],
            ..FigureLayout::DEFAULT
        },
        settings: Settings {
            batch: 32,
            // 10,000 steps.
            images: 320_000,
            with_replacement: true,
            // Keras averages over real and fake images together.
            loss_d_weight: 0.5,
            // Keras clips probabilities to [1e-7, 1 − 1e-7]: ln(1e7 − 1).
            logit_limit: Some(16.118_095_550_958_32),
            lr_d: 1e-3,
            lr_g: 1e-4,
            optimizer: KERAS_ADAM,
            schedule: Schedule::StepDecay,
            pretraining: Some(Pretraining {
                images: 10_000,
                batch: 64,
            }),
            ..base()
        },
    }
}

fn oshea_channels() -> Preset {
    Preset {
        name: "oshea-channels",
        summary: "the same with the usual batch norm, over channels",
        networks: "oshea-channels",
        parameters: [4_263_101, 9_707_266],
        ..oshea()
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
            pretraining: Some(Pretraining {
                images: 10_000,
                batch: 16,
            }),
            snapshot_every: 25,
            evaluate_every: Some(50),
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
        networks: "golbin",
        conditional: Conditional::Preset("golbin-conditional"),
        parameters: [234_512, 201_217],
        synthetic: false,
        figures: FigureLayout {
            grid: [1, 10],
            last_grid: [1, 10],
            ..FigureLayout::DEFAULT
        },
        settings: Settings {
            batch: 100,
            // 100 epochs of 550 batches.
            images: 5_500_000,
            train_images: Some(55_000),
            optimizer: KERAS_ADAM,
            update: Update::SharedLatents,
            snapshot_every: 550,
            evaluate_every: Some(5_500),
            ..base()
        },
    }
}

fn golbin_conditional() -> Preset {
    let golbin = golbin();
    Preset {
        name: "golbin-conditional",
        summary: "the same perceptrons with the digit as an input",
        source: "3-minute deep learning, GAN, second program",
        networks: "golbin-conditional",
        conditional: Conditional::Already,
        parameters: [237_072, 203_777],
        figures: FigureLayout {
            real_above: true,
            ..golbin.figures
        },
        settings: Settings {
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
        summary: "the 2014 paper: maxout discriminator, momentum, one pass",
        source: "Goodfellow et al. 2014",
        takes: "40 min",
        networks: "goodfellow",
        conditional: Conditional::Never,
        parameters: [2_503_984, 1_231_441],
        synthetic: false,
        figures: FigureLayout {
            nearest_row: 5,
            ..FigureLayout::DEFAULT
        },
        settings: Settings {
            batch: 100,
            // 250 epochs of 500 batches: until the momentum reaches its last value.
            images: 12_500_000,
            train_images: Some(50_000),
            loss_d_weight: 0.5,
            lr_d: 0.1,
            lr_g: 0.1,
            schedule: Schedule::ExponentialDecay,
            optimizer: Optimizer::Sgd(Momentum {
                first: 0.5,
                last: 0.7,
                epochs: 250,
            }),
            update: Update::Simultaneous,
            report_every: 50,
            snapshot_every: 500,
            evaluate_every: Some(12_500),
            ..base()
        },
    }
}

fn gaussian() -> Preset {
    Preset {
        name: "gaussian",
        summary: "one number in place of an image, to see the theory at work",
        source: "AYLIEN 2016, after Jang 2016",
        takes: "5 s",
        networks: "gaussian",
        conditional: Conditional::Never,
        parameters: [13, 169],
        synthetic: true,
        figures: FigureLayout::DEFAULT,
        settings: Settings {
            batch: 8,
            // 5,000 steps.
            images: 40_000,
            // Its logarithms are of probabilities of at least 1e-5: ln(1e5 − 1).
            logit_limit: Some(11.512_915_464_920_228),
            lr_d: 1e-3,
            lr_g: 1e-3,
            optimizer: KERAS_ADAM,
            // The metrics measure images.
            evaluate_every: None,
            ..base()
        },
    }
}

fn dcgan() -> Preset {
    Preset {
        name: "dcgan",
        summary: "what most people would pick instead, 32×32; for comparison",
        source: "PyTorch-GAN, implementations/dcgan",
        takes: "12 min",
        networks: "dcgan",
        conditional: Conditional::Never,
        parameters: [1_049_985, 98_113],
        synthetic: false,
        figures: FigureLayout {
            grid: [5, 5],
            last_grid: [5, 5],
            ..FigureLayout::DEFAULT
        },
        settings: Settings {
            // The original's 200 epochs are 187,600 steps; 10 epochs suffice to
            // see the result.
            images: 600_000,
            loss_d_weight: 0.5,
            optimizer: Optimizer::Adam(Adam {
                beta1: 0.5,
                ..Adam::DEFAULT
            }),
            // The original updates G first, but D then learns from the fake
            // images made before: each network learns from the other as it was.
            update: Update::Simultaneous,
            snapshot_every: 200,
            ..base()
        },
    }
}
