//! The losses of D and G, and D's gradient penalties, as functions of images and logits.

use gan_config::{LossInfo, Penalty, PenaltyKind, Settings};
use tch::{Kind, Tensor};

use crate::losses::Loss;
use crate::penalties::{interpolate, one_centered_penalty, perturb, squared_gradient_norm};

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
    /// Factor on the penalties: n if they are computed in every n-th step only (lazy
    /// regularization, Karras et al. 2020).
    pub penalty_factor: f64,
}

/// D's logits and loss, with the autograd graph of D's weights.
#[derive(Debug)]
pub struct DiscriminatorOutput {
    /// The loss without penalties, f32 scalar.
    pub loss: Tensor,
    /// The loss with penalties, which D minimizes, f32 scalar.
    pub loss_with_penalties: Tensor,
    /// Logits of the real images, f32 `[n]`.
    pub real_logits: Tensor,
    /// Logits of the fake images, f32 `[n]`.
    pub fake_logits: Tensor,
}

impl Objective {
    /// The objective that `settings` describe, with `loss`. Custom losses use
    /// [`Settings::logit_limit`] too.
    pub fn new(loss: Loss, settings: &Settings) -> Objective {
        let clamps = LossInfo::find(loss.name).is_none_or(|info| info.uses_probabilities);
        Objective {
            loss,
            loss_d_weight: settings.loss_d_weight,
            logit_limit: settings.logit_limit.filter(|_| clamps),
            penalties: settings.penalties.clone(),
            penalty_factor: settings.penalty_every as f64,
        }
    }

    /// D's loss on `n` real images f32 and `n` fake ones, each `[n, 1, side, side]`. If
    /// `penalize` is true, `loss_with_penalties` includes the penalties. Real images are cast
    /// to the data type of `fake_images`.
    ///
    /// `discriminate` maps images `[m, 1, side, side]` to logits `[m]`; `m` is `n`, or `2n`
    /// for real images followed by fake ones. If `one_pass` is true, one forward pass
    /// computes both; set it to false for networks with batch norm.
    pub fn discriminator_loss(
        &self,
        discriminate: &dyn Fn(&Tensor) -> Tensor,
        real_images: &Tensor,
        fake_images: &Tensor,
        one_pass: bool,
        penalize: bool,
    ) -> DiscriminatorOutput {
        let penalize = penalize && !self.penalties.is_empty();
        let n = fake_images.size()[0];
        let real_cast = real_images.to_kind(fake_images.kind());
        let both = (penalize || one_pass).then(|| {
            let both = Tensor::cat(&[&real_cast, fake_images], 0);
            if penalize && !both.requires_grad() { both.set_requires_grad(true) } else { both }
        });
        let (real_logits, fake_logits) = match &both {
            Some(both) if one_pass => split_real_fake(&discriminate(both), n),
            Some(both) => {
                let (real, fake) = split_real_fake(both, n);
                (discriminate(&real), discriminate(&fake))
            }
            None => (discriminate(&real_cast), discriminate(fake_images)),
        };
        let real_logits = real_logits.to_kind(Kind::Float);
        let fake_logits = fake_logits.to_kind(Kind::Float);
        let loss = (self.loss.discriminator)(&self.clamp(&real_logits), &self.clamp(&fake_logits))
            * self.loss_d_weight;
        let loss_with_penalties = match &both {
            Some(both) if penalize => {
                let logits = Tensor::cat(&[&real_logits, &fake_logits], 0);
                &loss + self.penalties(discriminate, real_images, both, &logits)
            }
            _ => loss.shallow_clone(),
        };
        DiscriminatorOutput { loss, loss_with_penalties, real_logits, fake_logits }
    }

    /// G's loss, f32 scalar, on D's logits f32 `[n]`.
    pub fn generator_loss(&self, real_logits: &Tensor, fake_logits: &Tensor) -> Tensor {
        (self.loss.generator)(&self.clamp(real_logits), &self.clamp(fake_logits))
    }

    /// The logits within the limit; a clamped logit has no gradient.
    fn clamp(&self, logits: &Tensor) -> Tensor {
        match self.logit_limit {
            Some(limit) => logits.clamp(-limit, limit),
            None => logits.shallow_clone(),
        }
    }

    /// The sum of the penalties. `images` are the real images, then the fake images, and
    /// `logits` are D's output for them.
    fn penalties(
        &self,
        discriminate: &dyn Fn(&Tensor) -> Tensor,
        real_images: &Tensor,
        images: &Tensor,
        logits: &Tensor,
    ) -> Tensor {
        let n = real_images.size()[0];
        // ‖∇ₓD‖² of each real and each fake image, from one gradient.
        let mut squared_norms: Option<(Tensor, Tensor)> = None;
        let mut mean_squared_norm = |kind| {
            let (real, fake) = squared_norms
                .get_or_insert_with(|| split_real_fake(&squared_gradient_norm(images, logits), n));
            match kind {
                PenaltyKind::R1 => real.mean(Kind::Float),
                _ => fake.mean(Kind::Float), // R2
            }
        };
        let one_centered = |points: Tensor| {
            let points = points.to_kind(images.kind()).set_requires_grad(true);
            one_centered_penalty(&points, &discriminate(&points)).mean(Kind::Float)
        };
        let alpha = || Tensor::rand([n, 1, 1, 1], (Kind::Float, images.device()));
        let terms = self.penalties.iter().map(|&Penalty { kind, weight }| {
            let weight = self.penalty_factor * weight;
            match kind {
                PenaltyKind::R1 | PenaltyKind::R2 => mean_squared_norm(kind) * (0.5 * weight),
                PenaltyKind::GradientPenalty => {
                    let (_, fake) = split_real_fake(&images.detach().to_kind(Kind::Float), n);
                    one_centered(interpolate(real_images, &fake, &alpha())) * weight
                }
                PenaltyKind::Dragan => {
                    let noise = real_images.rand_like();
                    one_centered(perturb(real_images, &noise, &alpha())) * weight
                }
            }
        });
        terms.sum()
    }
}

/// The first `n` rows, which belong to the real images, and the other rows.
fn split_real_fake(both: &Tensor, n: i64) -> (Tensor, Tensor) {
    (both.narrow(0, 0, n), both.narrow(0, n, both.size()[0] - n))
}
