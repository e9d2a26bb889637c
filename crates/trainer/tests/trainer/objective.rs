//! D's update against the slope of what it is to minimize, in f64.

use gan_models::{Mode, Weights};
use gan_trainer::data::Batch;
use gan_trainer::game::Game;
use gan_trainer::optimizer::Method;
use gan_trainer::penalties::{around, between};
use gan_trainer::settings::Settings;
use gan_trainer::step::{Rates, discriminator_step, draw_latents};
use tch::{Device, Kind, Tensor};

use crate::{four_bars, game, settings, take_turns, values};

/// Gradient descent at this rate moves the parameters by their gradient.
const RATES: Rates = Rates {
    d: 1.0,
    g: 0.0,
    momentum: 0.0,
};
const SEED: i64 = 11;

/// Logits of `images`, and the squared norm of each one's gradient.
fn looked_at(game: &Game, weights: &Weights, images: &Tensor) -> (Vec<f64>, Vec<f64>) {
    let images = images
        .to_kind(Kind::Double)
        .detach()
        .set_requires_grad(true);
    let d = game.discriminator.as_ref();
    let logits = d.forward(weights, &images, None, Mode::Train);
    let gradient = &Tensor::run_backward(&[logits.sum(Kind::Double)], &[&images], false, false)[0];
    let squared = (gradient * gradient)
        .flatten(1, -1)
        .sum_dim_intlist(1, false, Kind::Double);
    (values(&logits.detach()), values(&squared))
}

fn mean(of: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = of.len() as f64;
    of.sum::<f64>() / n
}

/// The pairing loss and its penalties by their formulas; what they draw is drawn
/// from [`SEED`], in the order of the step.
fn objective(
    game: &Game,
    settings: &Settings,
    weights: &Weights,
    originals: &Batch,
    fake: &Tensor,
) -> f64 {
    let images = &originals.images;
    let (real, at_real) = looked_at(game, weights, images);
    let (forged, at_fake) = looked_at(game, weights, fake);
    let pairs = real.iter().zip(&forged);
    let loss = mean(pairs.map(|(r, f)| (1.0 + (f - r).exp()).ln()));
    let off_unit = |points: &Tensor| {
        let (_, squared) = looked_at(game, weights, points);
        mean(squared.iter().map(|squared| (squared.sqrt() - 1.0).powi(2)))
    };
    let shares = || Tensor::rand([4, 1, 1, 1], (Kind::Float, Device::Cpu));
    tch::manual_seed(SEED);
    let mut penalties = 0.5 * settings.r1 * mean(at_real.into_iter())
        + 0.5 * settings.r2 * mean(at_fake.into_iter());
    if settings.gradient_penalty > 0.0 {
        penalties += settings.gradient_penalty * off_unit(&between(images, fake, &shares()));
    }
    if settings.dragan > 0.0 {
        let draws = images.rand_like();
        penalties += settings.dragan * off_unit(&around(images, &draws, &shares()));
    }
    settings.loss_d_weight * loss + settings.penalty_every as f64 * penalties
}

#[test]
fn d_descends_its_loss_and_its_penalties_by_their_weights() {
    let _turn = take_turns();
    for (r1, r2, gradient_penalty, dragan) in [
        (0.0, 0.0, 0.0, 0.0),
        (0.7, 0.0, 0.0, 0.0),
        (0.0, 1.3, 0.0, 0.0),
        (0.0, 0.0, 3.0, 0.0),
        (0.0, 0.0, 0.0, 5.0),
    ] {
        let settings = Settings {
            r1,
            r2,
            gradient_penalty,
            dragan,
            penalty_every: 16,
            loss_d_weight: 0.5,
            optimizer: Method::Sgd,
            ..settings("modern")
        };
        let mut game = game(&settings);
        let originals = four_bars(game.range);
        let latents = draw_latents(&game, &originals);
        let fake = game.forge(&latents, &originals.labels, Mode::Train);
        let before = game.d.parameters.copy();
        tch::manual_seed(SEED);
        discriminator_step(
            &mut game,
            &settings,
            &originals,
            &fake,
            RATES,
            settings.penalized(),
        );
        let layout = game.discriminator.layout();
        let gradient = layout.weights(&(&before - &game.d.parameters));

        let probed = before.to_kind(Kind::Double);
        let weights = layout.weights(&probed);
        for (i, (weight, gradient)) in weights.tensors().iter().zip(gradient.tensors()).enumerate()
        {
            // Where it is steepest.
            let flat = gradient.contiguous().view([-1]);
            let at = flat.abs().argmax(0, false).int64_value(&[]);
            let found = flat.double_value(&[at]);
            let chosen = flat.zeros_like();
            let _ = chosen.narrow(0, at, 1).fill_(1e-6);
            let step = chosen.view_as(weight).to_kind(Kind::Double);
            let value = || objective(&game, &settings, &weights, &originals, &fake);
            let _ = weight.shallow_clone().g_add_(&step);
            let above = value();
            let _ = weight.shallow_clone().g_sub_(&(&step * 2.0));
            let slope = (above - value()) / 2e-6;
            let _ = weight.shallow_clone().g_add_(&step);
            let name = &layout.params()[i].name;
            let tolerance = 1e-3 * slope.abs() + 1e-7;
            let which = (r1, r2, gradient_penalty, dragan);
            assert!(
                (found - slope).abs() < tolerance,
                "{which:?} {name}: {found} {slope}"
            );
        }
    }
}
