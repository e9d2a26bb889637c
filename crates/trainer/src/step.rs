//! One step of the game: one update of D, then one of G.

use gan_models::{Mode, Weights};
use tch::{Kind, Tensor};

use crate::data::Batch;
use crate::game::Game;
use crate::losses::Loss;
use crate::penalties::squared_gradient;
use crate::settings::Settings;

/// What a step shows of itself; reading a value waits for the device, so nothing
/// is read, or worked out, until somebody wants to know.
#[derive(Debug)]
pub struct Report {
    /// D's answer in its update.
    pub d: Verdict,
    /// G's loss, f32 scalar.
    pub loss_g: Tensor,
}

impl Report {
    /// The shares of originals and of forgeries that D calls originals under the
    /// rules of `loss`, 0 to 1.
    pub fn called_real(&self, loss: Loss) -> (f64, f64) {
        let threshold = loss.threshold(&self.d.originals, &self.d.forgeries);
        let share = |logits: &Tensor| share_above(logits, &threshold).double_value(&[]);
        (share(&self.d.originals), share(&self.d.forgeries))
    }
}

/// Learning rates of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// D's.
    pub d: f64,
    /// G's.
    pub g: f64,
}

/// Plays one step on `originals`; latents come from libtorch's global generator.
/// With `penalize`, D pays for steep gradients.
///
/// Conditional networks forge the digits that the originals show.
pub fn step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    rates: Rates,
    penalize: bool,
) -> Report {
    let latents = draw_latents(game, originals);
    // Where G is updated on the same latents, one forward pass serves both.
    let shared = settings
        .shared_latents
        .then(|| Forgeries::new(game, &latents, &originals.labels));
    let forgeries = match &shared {
        Some(shared) => shared.images.detach(),
        None => game.forge(&latents, &originals.labels, Mode::Train),
    };
    let d = discriminator_step(game, settings, originals, &forgeries, rates.d, penalize);
    let forgeries = shared.unwrap_or_else(|| {
        let latents = draw_latents(game, originals);
        Forgeries::new(game, &latents, &originals.labels)
    });
    let loss_g = generator_step(game, settings, originals, &forgeries, rates.g);
    Report { d, loss_g }
}

/// D's answer in one of its updates.
#[derive(Debug)]
pub struct Verdict {
    /// The loss, penalties left out, f32 scalar.
    pub loss: Tensor,
    /// Logits of the originals, f32 `[n]`.
    pub originals: Tensor,
    /// Logits of the forgeries, f32 `[n]`.
    pub forgeries: Tensor,
}

/// Updates D once on as many `originals` as `forgeries`, G untouched.
pub fn discriminator_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    forgeries: &Tensor,
    rate: f64,
    penalize: bool,
) -> Verdict {
    let n = forgeries.size()[0];
    let real_images = originals.images.to_kind(game.kind);
    let fake_images = forgeries.to_kind(game.kind);
    let images = Tensor::cat(&[&real_images, &fake_images], 0)
        .detach()
        .set_requires_grad(penalize);
    let layout = game.discriminator.layout();
    let weights = layout.leaves(&game.d.parameters, game.kind);
    let judge = |images: &Tensor, labels: &Tensor| {
        game.discriminator
            .forward(&weights, images, Some(labels), Mode::Train)
    };
    let labels = &originals.labels;
    let logits = if game.discriminator.mixes_batch() {
        let (real, fake) = halves(&images, n);
        Tensor::cat(&[judge(&real, labels), judge(&fake, labels)], 0)
    } else {
        judge(&images, &Tensor::cat(&[labels, labels], 0))
    };
    let (real, fake) = halves(&logits.to_kind(Kind::Float), n);
    let loss = settings
        .loss
        .discriminator(&settings.limited(&real), &settings.limited(&fake))
        * settings.loss_d_weight;
    let mut objective = loss.shallow_clone();
    if penalize {
        // γ/2 · E‖∇ₓD‖² for each side, weighted up for the steps without it.
        let (at_real, at_fake) = halves(&squared_gradient(&images, &logits), n);
        let weight = 0.5 * settings.penalty_every as f64;
        objective = objective
            + at_real.mean(Kind::Float) * (weight * settings.r1)
            + at_fake.mean(Kind::Float) * (weight * settings.r2);
    }
    let gradients = Tensor::run_backward(&[objective], weights.tensors(), false, false);
    let gradient = layout.gather(&gradients, game.device);
    game.d.adam.update(&mut game.d.parameters, &gradient, rate);
    Verdict {
        loss: loss.detach(),
        originals: real.detach(),
        forgeries: fake.detach(),
    }
}

/// Forgeries with the way back to G's weights still open.
#[derive(Debug)]
pub struct Forgeries {
    weights: Weights,
    images: Tensor,
}

impl Forgeries {
    /// G's images of `latents` f32 `[n, size]`, of the digits `labels` i64 `[n]`
    /// where it is conditional.
    pub fn new(game: &Game, latents: &Tensor, labels: &Tensor) -> Forgeries {
        let weights = game
            .generator
            .layout()
            .leaves(&game.g.parameters, game.kind);
        let images = game
            .generator
            .forward(&weights, latents, Some(labels), Mode::Train);
        Forgeries { weights, images }
    }
}

/// Updates G once through the frozen D and returns its loss; D is untouched.
pub fn generator_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    forgeries: &Forgeries,
    rate: f64,
) -> Tensor {
    let frozen = game.frozen_discriminator();
    let judge = |images: &Tensor| {
        game.discriminator
            .forward(&frozen, images, Some(&originals.labels), Mode::Train)
            .to_kind(Kind::Float)
    };
    let fake = judge(&forgeries.images);
    let real = if settings.loss.compares() {
        judge(&originals.images)
    } else {
        fake.detach()
    };
    let loss = settings
        .loss
        .generator(&settings.limited(&real), &settings.limited(&fake));
    let gradients = Tensor::run_backward(&[&loss], forgeries.weights.tensors(), false, false);
    let gradient = game.generator.layout().gather(&gradients, game.device);
    game.g.adam.update(&mut game.g.parameters, &gradient, rate);
    loss.detach()
}

/// As many fresh latents as there are originals.
pub fn draw_latents(game: &Game, originals: &Batch) -> Tensor {
    game.generator
        .latent()
        .sample(originals.images.size()[0], game.device)
}

fn halves(both: &Tensor, n: i64) -> (Tensor, Tensor) {
    (both.narrow(0, 0, n), both.narrow(0, n, both.size()[0] - n))
}

fn share_above(logits: &Tensor, threshold: &Tensor) -> Tensor {
    logits
        .gt_tensor(threshold)
        .to_kind(Kind::Float)
        .mean(Kind::Float)
}
