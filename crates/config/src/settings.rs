//! Everything that decides what a run computes, besides the networks, the seed,
//! the data and the machine.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{MomentumSchedule, Schedule};

/// The settings of a run. A preset fixes them; [`Settings::set`] changes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Real images per batch. A step uses one batch, or two at the end of
    /// [`Schedule::Notebook`].
    pub batch: u64,
    /// Length of the schedule in real images shown to D.
    pub images: u64,
    /// Train on the first images of the data set only.
    pub train_images: Option<u64>,
    /// Draw real images with replacement instead of epoch by epoch.
    pub with_replacement: bool,
    /// Name of the loss: one of [`LOSS_INFOS`](crate::LOSS_INFOS) or a custom one.
    pub loss: String,
    /// Factor on D's loss; 0.5 where the original program averages over real
    /// and fake images together.
    pub loss_d_weight: f64,
    /// Clamp logits to ± this value in losses of probabilities and in custom losses. A clamped
    /// logit has no gradient.
    pub logit_limit: Option<f64>,
    /// D's learning rate.
    pub lr_d: f64,
    /// G's learning rate.
    pub lr_g: f64,
    /// How both rates change over the schedule.
    pub schedule: Schedule,
    /// Whether D and G update one after the other or at once, and whether both updates use the
    /// same latents.
    pub update: Update,
    /// Compute the penalties in every n-th step only, and multiply them by n.
    pub penalty_every: u64,
    /// Steps between rows of `metrics.jsonl`.
    pub report_every: u64,
    /// Steps between snapshots.
    pub snapshot_every: u64,
    /// Steps between points of the quality curve; see [`Settings::evaluates_at`].
    pub evaluate_every: Option<u64>,
    /// The optimizer of both networks.
    pub optimizer: OptimizerConfig,
    /// How D's Lipschitz constant is limited, besides penalties.
    pub lipschitz_constraint: Option<LipschitzConstraint>,
    /// Averaged parameters of G, from which samples are drawn.
    pub ema: Option<EmaConfig>,
    /// Train D alone before the first step.
    pub pretraining: Option<Pretraining>,
    /// Gradient penalties of D, each kind at most once, in the order of
    /// [`PenaltyKind`].
    #[serde(default)]
    pub penalties: Vec<Penalty>,
}

/// Whether D and G update one after the other or at once, and whether both updates use the same
/// latents.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Update {
    /// Update D, then G on fresh latents.
    Alternating,
    /// Update D, then G on the same latents: one forward pass of G serves both.
    SharedLatents,
    /// Compute both gradients from one pass before either network is updated.
    Simultaneous,
}

/// The optimizer of both networks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, IntoStaticStr)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba 2015).
    Adam(AdamConfig),
    /// Gradient descent with Polyak's momentum.
    Sgd(MomentumSchedule),
}

/// Adam's constants; Kingma and Ba 2015, algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of gradients, at least 0 and below 1.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, at least 0 and below 1.
    pub beta2: f64,
    /// Added to the root of the mean of squared gradients, above 0.
    pub epsilon: f64,
    /// Add epsilon before the bias correction instead of after it: the ε̂ at the
    /// end of section 2 of the paper, as Keras and TensorFlow do.
    pub epsilon_hat: bool,
    /// Scale an update down if its root mean square over the network exceeds
    /// this multiple of the learning rate (Shazeer and Stern 2018, section 6).
    /// After a sudden growth of gradients, √v is too small for some steps, and the updates are
    /// too large.
    pub clip_update_rms: Option<f64>,
}

impl AdamConfig {
    /// Kingma and Ba's constants, the default of every library.
    pub const DEFAULT: AdamConfig = AdamConfig {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        epsilon_hat: false,
        clip_update_rms: None,
    };
}

/// How D's Lipschitz constant is limited. The two methods cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LipschitzConstraint {
    /// Divide each weight matrix by its largest singular value (Miyato et al. 2018).
    SpectralNorm,
    /// Clamp the parameters to ± `limit` after each update (Arjovsky et al. 2017).
    Clip {
        /// Above 0.
        limit: f64,
    },
}

impl LipschitzConstraint {
    /// The limit of clipping.
    pub fn weight_clip(self) -> Option<f64> {
        match self {
            LipschitzConstraint::Clip { limit } => Some(limit),
            LipschitzConstraint::SpectralNorm => None,
        }
    }
}

/// An exponential moving average of G's parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaConfig {
    /// Half-life of the average, in images.
    pub half_life_images: f64,
}

/// Training of D alone, before the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Real images in total. D also gets as many fake images.
    pub images: u64,
    /// Real images per update.
    pub batch: u64,
}

/// A gradient penalty of D.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Penalty {
    /// Which penalty.
    pub kind: PenaltyKind,
    /// γ of R1 and R2, λ of the others; above 0.
    pub weight: f64,
}

/// A gradient penalty of D: where it is computed, and which gradient norm it favors.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PenaltyKind {
    /// γ/2 · E‖∇D‖² at real images (Mescheder et al. 2018, eq. 9).
    R1,
    /// γ/2 · E‖∇D‖² at fake images (Mescheder et al. 2018, eq. 10).
    R2,
    /// λ · E(‖∇D‖ − 1)² between real and fake images (WGAN-GP, Gulrajani et al. 2017).
    GradientPenalty,
    /// λ · E(‖∇D‖ − 1)² around real images (DRAGAN, Kodali et al. 2017).
    Dragan,
}

impl PenaltyKind {
    /// Whether the penalty favors a gradient norm of 1, not of 0.
    pub fn is_one_centered(self) -> bool {
        matches!(self, PenaltyKind::GradientPenalty | PenaltyKind::Dragan)
    }
}

/// The data type of the networks' computations. Parameters, losses and optimizers are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// bfloat16.
    Bf16,
}

impl Settings {
    /// Images to train on from a set of `available` images.
    pub fn epoch_size(&self, available: u64) -> u64 {
        self.train_images.map_or(available, |n| n.min(available))
    }

    /// Batches of real images in the schedule.
    pub fn batches(&self) -> u64 {
        self.images.div_ceil(self.batch.max(1))
    }

    /// Whether a point of the quality curve is due after `step` steps, at least
    /// 1: at each multiple of [`Settings::evaluate_every`], and, because quality
    /// changes fastest early, at a tenth and three tenths of it.
    pub fn evaluates_at(&self, step: u64) -> bool {
        self.evaluate_every.is_some_and(|every| {
            let early = every / 10;
            step.is_multiple_of(every) || [early, 3 * early].contains(&step)
        })
    }

    /// The momentum of SGD in an epoch, counted from 0; 0 for Adam.
    pub fn momentum(&self, epoch: u64) -> f64 {
        match self.optimizer {
            OptimizerConfig::Sgd(momentum) => momentum.at(epoch),
            OptimizerConfig::Adam(_) => 0.0,
        }
    }

    /// The limit of D's parameters, if they are clipped.
    pub fn weight_clip(&self) -> Option<f64> {
        self.lipschitz_constraint.and_then(LipschitzConstraint::weight_clip)
    }

    /// The weight of a penalty, if the settings have one of that kind.
    pub fn penalty(&self, kind: PenaltyKind) -> Option<f64> {
        let found = self.penalties.iter().find(|penalty| penalty.kind == kind);
        found.map(|penalty| penalty.weight)
    }

    /// Sets the weight of a penalty; 0 removes it.
    pub fn set_penalty(&mut self, kind: PenaltyKind, weight: f64) {
        self.penalties.retain(|penalty| penalty.kind != kind);
        if weight != 0.0 {
            self.penalties.push(Penalty { kind, weight });
            self.penalties.sort_by_key(|penalty| penalty.kind);
        }
    }
}
