//! One step of the game: one update of D, then one of G.

use tch::{Kind, Tensor};

use crate::crew::{Parts, in_parts, parts};
use crate::data::Batch;
use crate::game::Game;
use crate::losses::Loss;
pub use crate::objective::Verdict;
use crate::players::{Gradient, Players, mean};
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
    if settings.shared_latents {
        return shared_step(game, settings, originals, &latents, rates, penalize);
    }
    game.follow();
    let given = dealt(game, originals, &latents);
    let owed = in_parts(game, given, |players, (originals, latents)| {
        let forgeries = players.forge(&latents, &originals.labels);
        players.discriminator_gradient(settings, &originals, &forgeries, penalize)
    });
    let d = update_discriminator(game, settings, owed, rates);
    let latents = draw_latents(game, originals);
    let loss_g = generator_step(game, settings, originals, &latents, rates);
    Report { d, loss_g }
}

/// Updates D, then G, on forgeries of the same `latents`, f32 `[n, size]`: one forward
/// pass of G serves both.
fn shared_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    latents: &Tensor,
    rates: Rates,
    penalize: bool,
) -> Report {
    game.follow();
    let given = dealt(game, originals, latents);
    let played = in_parts(game, given, |players, (originals, latents)| {
        let forgeries = players.forge_traced(&latents, &originals.labels);
        let owed =
            players.discriminator_gradient(settings, &originals, &forgeries.images, penalize);
        (owed, (originals, forgeries))
    });
    let (owed, kept) = played.unzip();
    let d = update_discriminator(game, settings, owed, rates);
    let owed = in_parts(game, kept, |players, (originals, forgeries)| {
        players.generator_gradient(settings, &originals, &forgeries)
    });
    let loss_g = update_generator(game, owed, rates);
    Report { d, loss_g }
}

/// Updates D once on `originals` and as many `forgeries`, `[n, 1, side, side]`; G is
/// untouched.
///
/// # Panics
/// Where there are fewer forgeries than originals.
pub fn discriminator_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    forgeries: &Tensor,
    rates: Rates,
    penalize: bool,
) -> Verdict {
    game.follow();
    let given = dealt(game, originals, forgeries);
    let owed = in_parts(game, given, |players, (originals, forgeries)| {
        players.discriminator_gradient(settings, &originals, &forgeries, penalize)
    });
    update_discriminator(game, settings, owed, rates)
}

/// Updates G once on as many `latents`, f32 `[n, size]`, as there are `originals`,
/// through the frozen D, and returns its loss, f32 scalar; D is untouched.
///
/// # Panics
/// Where there are fewer latents than originals.
pub fn generator_step(
    game: &mut Game,
    settings: &Settings,
    originals: &Batch,
    latents: &Tensor,
    rates: Rates,
) -> Tensor {
    let fresh = dealt(game, originals, latents);
    let owed = in_parts(game, fresh, |players, (originals, latents)| {
        let forgeries = players.forge_traced(&latents, &originals.labels);
        players.generator_gradient(settings, &originals, &forgeries)
    });
    update_generator(game, owed, rates)
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
    game.follow();
    let players = Players::of(game);
    let forgeries = players.forge_traced(latents, &originals.labels);
    let (by_d, by_g) = players.both_gradients(settings, originals, &forgeries, penalize);
    let d = update_discriminator(game, settings, Parts::Whole(by_d), rates);
    let loss_g = update_generator(game, Parts::Whole(by_g), rates);
    Report { d, loss_g }
}

/// Each part's `originals` and as many of the `rows`, `[n, …]`.
fn dealt(game: &Game, originals: &Batch, rows: &Tensor) -> Parts<(Batch, Tensor)> {
    parts(game, originals.len()).map(|at| (originals.part(at), at.of(rows)))
}

fn update_discriminator(
    game: &mut Game,
    settings: &Settings,
    owed: Parts<Gradient<Verdict>>,
    rates: Rates,
) -> Verdict {
    let (gradient, verdict) = Gradient::joined(owed, Verdict::join);
    let d = &mut game.d;
    d.optimizer
        .update(&mut d.parameters, &gradient, rates.d, rates.momentum);
    if settings.clip > 0.0 {
        let _ = d.parameters.clamp_(-settings.clip, settings.clip);
    }
    verdict
}

fn update_generator(game: &mut Game, owed: Parts<Gradient<Tensor>>, rates: Rates) -> Tensor {
    let (gradient, loss) = Gradient::joined(owed, |a, b, shares| mean(&a, &b, shares));
    let g = &mut game.g;
    g.optimizer
        .update(&mut g.parameters, &gradient, rates.g, rates.momentum);
    loss
}

/// As many fresh latents as there are originals.
pub fn draw_latents(game: &Game, originals: &Batch) -> Tensor {
    game.generator.latent().sample(originals.len(), game.device)
}

fn share_above(logits: &Tensor, threshold: &Tensor) -> Tensor {
    logits
        .gt_tensor(threshold)
        .to_kind(Kind::Float)
        .mean(Kind::Float)
}
