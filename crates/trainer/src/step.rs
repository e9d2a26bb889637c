//! One step of the game: one update of D, then one of G.

use gan_models::{Mode, Weights};
use tch::{Kind, Tensor};

use crate::data::Batch;
use crate::game::Game;
use crate::losses::Loss;
use crate::objective::{Verdict, ask};
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

/// How far a step goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// D's learning rate.
    pub d: f64,
    /// G's learning rate.
    pub g: f64,
    /// The momentum of both, where they descend the gradient with one.
    pub momentum: f64,
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
    if settings.simultaneous {
        return simultaneous_step(game, settings, originals, &latents, rates, penalize);
    }
    // Where G is updated on the same latents, one forward pass serves both.
    let shared = settings
        .shared_latents
        .then(|| Forgeries::new(game, &latents, &originals.labels));
    let forgeries = match &shared {
        Some(shared) => shared.images.detach(),
        None => game.forge(&latents, &originals.labels, Mode::Train),
    };
    let d = discriminator_step(game, settings, originals, &forgeries, rates, penalize);
    let forgeries = shared.unwrap_or_else(|| {
        let latents = draw_latents(game, originals);
        Forgeries::new(game, &latents, &originals.labels)
    });
    let loss_g = generator_step(game, settings, originals, &forgeries, rates);
    Report { d, loss_g }
}

/// Updates D once on as many `originals` as `forgeries`, G untouched.
pub fn discriminator_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    forgeries: &Tensor,
    rates: Rates,
    penalize: bool,
) -> Verdict {
    let leaves = discriminator_leaves(game);
    let answer = ask(
        game,
        settings,
        &leaves,
        originals,
        &forgeries.detach(),
        penalize,
    );
    let gradients = Tensor::run_backward(&[&answer.objective], leaves.tensors(), false, false);
    update_discriminator(game, settings, &gradients, rates);
    answer.verdict()
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
    rates: Rates,
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
    update_generator(game, &gradients, rates);
    loss.detach()
}

/// Updates both from one pass over `latents`, f32 `[n, size]`: each learns from
/// the other as it was before the step.
fn simultaneous_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    latents: &Tensor,
    rates: Rates,
    penalize: bool,
) -> Report {
    let forgeries = Forgeries::new(game, latents, &originals.labels);
    let leaves = discriminator_leaves(game);
    let answer = ask(
        game,
        settings,
        &leaves,
        originals,
        &forgeries.images,
        penalize,
    );
    let loss_g = settings.loss.generator(
        &settings.limited(&answer.real),
        &settings.limited(&answer.fake),
    );
    // The graph is needed once more, for G.
    let by_d = Tensor::run_backward(&[&answer.objective], leaves.tensors(), true, false);
    let by_g = Tensor::run_backward(&[&loss_g], forgeries.weights.tensors(), false, false);
    update_discriminator(game, settings, &by_d, rates);
    update_generator(game, &by_g, rates);
    Report {
        d: answer.verdict(),
        loss_g: loss_g.detach(),
    }
}

/// D's weights, gradients to be asked for; its normalization has caught up with
/// them.
fn discriminator_leaves(game: &mut Game) -> Weights {
    let layout = game.discriminator.layout();
    if let Some(spectral) = &mut game.spectral {
        spectral.follow(&layout.weights(&game.d.parameters));
    }
    layout.leaves(&game.d.parameters, game.kind)
}

fn update_discriminator(game: &mut Game, settings: &Settings, gradients: &[Tensor], rates: Rates) {
    let gradient = game.discriminator.layout().gather(gradients, game.device);
    let d = &mut game.d;
    d.optimizer
        .update(&mut d.parameters, &gradient, rates.d, rates.momentum);
    if settings.clip > 0.0 {
        let _ = d.parameters.clamp_(-settings.clip, settings.clip);
    }
}

fn update_generator(game: &mut Game, gradients: &[Tensor], rates: Rates) {
    let gradient = game.generator.layout().gather(gradients, game.device);
    let g = &mut game.g;
    g.optimizer
        .update(&mut g.parameters, &gradient, rates.g, rates.momentum);
}

/// As many fresh latents as there are originals.
pub fn draw_latents(game: &Game, originals: &Batch) -> Tensor {
    game.generator
        .latent()
        .sample(originals.images.size()[0], game.device)
}

fn share_above(logits: &Tensor, threshold: &Tensor) -> Tensor {
    logits
        .gt_tensor(threshold)
        .to_kind(Kind::Float)
        .mean(Kind::Float)
}
