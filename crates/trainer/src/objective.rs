//! What a step minimizes: the losses of both networks and D's penalties, as
//! functions of images and logits.

use gan_config::{LossInfo, Penalty, PenaltyKind, Settings};
use tch::{Kind, Tensor};

use crate::losses::Loss;
use crate::penalties::{interpolate, perturb, squared_gradient, unit_gradient_penalty};

/// The losses of both networks and D's penalties.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The loss.
    pub loss: Loss,
    /// Factor on D's loss.
    pub loss_d_weight: f64,
    /// Clamp logits to ± this value before the loss.
    pub logit_limit: Option<f64>,
    /// D's gradient penalties.
    pub penalties: Vec<Penalty>,
    /// Factor on the penalties: the number of steps from one penalty to the next.
    pub penalty_factor: f64,
}

/// D's logits and loss, with the autograd graph of D's weights.
#[derive(Debug)]
pub struct DiscriminatorOutput {
    /// The loss without penalties, f32 scalar.
    pub loss: Tensor,
    /// The loss with penalties: what D minimizes, f32 scalar.
    pub objective: Tensor,
    /// Logits of the real images, f32 `[n]`.
    pub real: Tensor,
    /// Logits of the fake images, f32 `[n]`.
    pub fake: Tensor,
}

impl Objective {
    /// The objective that `settings` describe. `loss` is the loss that they name, or a
    /// custom one.
    pub fn new(loss: Loss, settings: &Settings) -> Objective {
        let clamps = LossInfo::find(loss.name).is_none_or(|loss| loss.uses_probabilities);
        Objective {
            loss,
            loss_d_weight: settings.loss_d_weight,
            logit_limit: settings.logit_limit.filter(|_| clamps),
            penalties: settings.penalties.clone(),
            penalty_factor: settings.penalty_every as f64,
        }
    }

    /// D's loss on `n` real images f32 and `n` fake ones, each `[n, 1, side, side]`. If
    /// `penalize` is true, the objective includes the penalties. D computes in the kind of
    /// the fake images.
    ///
    /// `discriminate` maps images `[m, 1, side, side]` to logits `[m]`; `m` is `n`, or `2n`
    /// for real images followed by fake ones. If `one_pass` is true, one forward pass
    /// computes both; set it to false for networks with batch norm.
    pub fn discriminator(
        &self,
        discriminate: &dyn Fn(&Tensor) -> Tensor,
        real_images: &Tensor,
        fake_images: &Tensor,
        one_pass: bool,
        penalize: bool,
    ) -> DiscriminatorOutput {
        let penalize = penalize && !self.penalties.is_empty();
        let n = fake_images.size()[0];
        let real_in_kind = real_images.to_kind(fake_images.kind());
        let both = (penalize || one_pass).then(|| {
            let both = Tensor::cat(&[&real_in_kind, fake_images], 0);
            if penalize && !both.requires_grad() { both.set_requires_grad(true) } else { both }
        });
        let (real, fake) = match &both {
            Some(both) if one_pass => split_real_fake(&discriminate(both), n),
            Some(both) => {
                let (real, fake) = split_real_fake(both, n);
                (discriminate(&real), discriminate(&fake))
            }
            None => (discriminate(&real_in_kind), discriminate(fake_images)),
        };
        let (real, fake) = (real.to_kind(Kind::Float), fake.to_kind(Kind::Float));
        let loss =
            (self.loss.discriminator)(&self.clamp(&real), &self.clamp(&fake)) * self.loss_d_weight;
        let objective = match &both {
            Some(both) if penalize => {
                let logits = Tensor::cat(&[&real, &fake], 0);
                &loss + self.penalties(discriminate, real_images, both, &logits)
            }
            _ => loss.shallow_clone(),
        };
        DiscriminatorOutput { loss, objective, real, fake }
    }

    /// G's loss, f32 scalar, on D's logits f32 `[n]`.
    pub fn generator(&self, real: &Tensor, fake: &Tensor) -> Tensor {
        (self.loss.generator)(&self.clamp(real), &self.clamp(fake))
    }

    /// The logits within the limit; a clamped logit has no gradient.
    fn clamp(&self, logits: &Tensor) -> Tensor {
        match self.logit_limit {
            Some(limit) => logits.clamp(-limit, limit),
            None => logits.shallow_clone(),
        }
    }

    /// The sum of the penalties. `images` are the real and then the fake ones,
    /// and `logits` are D's output for them.
    fn penalties(
        &self,
        discriminate: &dyn Fn(&Tensor) -> Tensor,
        real_images: &Tensor,
        images: &Tensor,
        logits: &Tensor,
    ) -> Tensor {
        let n = real_images.size()[0];
        // E‖∇ₓD‖² at real and at fake images, from one gradient.
        let mut squared: Option<(Tensor, Tensor)> = None;
        let mut squared_at = |kind| {
            let (real, fake) = squared
                .get_or_insert_with(|| split_real_fake(&squared_gradient(images, logits), n));
            match kind {
                PenaltyKind::R1 => real.mean(Kind::Float),
                _ => fake.mean(Kind::Float),
            }
        };
        let unit_penalty = |points: Tensor| {
            let points = points.to_kind(images.kind()).set_requires_grad(true);
            unit_gradient_penalty(&points, &discriminate(&points)).mean(Kind::Float)
        };
        let alpha = || Tensor::rand([n, 1, 1, 1], (Kind::Float, images.device()));
        let terms = self.penalties.iter().map(|&Penalty { kind, weight }| {
            let weight = self.penalty_factor * weight;
            match kind {
                PenaltyKind::R1 | PenaltyKind::R2 => squared_at(kind) * (0.5 * weight),
                PenaltyKind::GradientPenalty => {
                    let (_, fake) = split_real_fake(&images.detach().to_kind(Kind::Float), n);
                    unit_penalty(interpolate(real_images, &fake, &alpha())) * weight
                }
                PenaltyKind::Dragan => {
                    let noise = real_images.rand_like();
                    unit_penalty(perturb(real_images, &noise, &alpha())) * weight
                }
            }
        });
        terms.sum()
    }
}

/// The first `n` rows, which belong to real images, and those of fake images.
fn split_real_fake(both: &Tensor, n: i64) -> (Tensor, Tensor) {
    (both.narrow(0, 0, n), both.narrow(0, n, both.size()[0] - n))
}
