//! One step: who moves, who does not, and by how much.

use gan_models::{Latent, Mode, PixelRange};
use gan_trainer::data::Originals;
use gan_trainer::game::Game;
use gan_trainer::settings::Settings;
use gan_trainer::step::{Forgeries, Rates, discriminator_step, draw_latents, generator_step, step};
use tch::{Device, Kind, Tensor};

use crate::{bars, game, settings, take_turns, values};

const RATES: Rates = Rates { d: 1e-3, g: 1e-3 };

fn batch(range: PixelRange) -> Tensor {
    Originals::new(&bars(8), 8, range, Device::Cpu).batch(&[0, 3, 5, 7])
}

/// Plays `action` and says whether G's and D's parameters moved.
fn moved(game: &mut Game, action: impl FnOnce(&mut Game)) -> (bool, bool) {
    let before = (game.g.parameters.copy(), game.d.parameters.copy());
    action(game);
    (
        !before.0.equal(&game.g.parameters),
        !before.1.equal(&game.d.parameters),
    )
}

#[test]
fn d_moves_in_its_own_update_alone_and_g_in_its_own() {
    let _turn = take_turns();
    for preset in ["golbin", "modern"] {
        let settings = settings(preset);
        let mut game = game(&settings);
        let originals = batch(game.range);
        let latents = draw_latents(&game, &originals);
        for penalize in [false, true] {
            let by_d = moved(&mut game, |game| {
                let fake = game.forge(&latents, Mode::Train);
                discriminator_step(game, &settings, &originals, &fake, 1e-3, penalize);
            });
            assert_eq!(by_d, (false, true), "{preset}, penalize {penalize}");
        }
        let by_g = moved(&mut game, |game| {
            let forgeries = Forgeries::new(game, &latents);
            let _ = generator_step(game, &settings, &originals, &forgeries, 1e-3);
        });
        assert_eq!(by_g, (true, false), "{preset}");
    }
}

#[test]
fn a_step_is_a_function_of_the_seed() {
    let _turn = take_turns();
    let settings = settings("modern");
    let play = |seed: i64| {
        let mut game = game(&settings);
        let originals = batch(game.range);
        tch::manual_seed(seed);
        step(&mut game, &settings, &originals, RATES, true);
        (game.g.parameters, game.d.parameters)
    };
    let (first, again, other) = (play(5), play(5), play(6));
    assert!(first.0.equal(&again.0) && first.1.equal(&again.1));
    assert!(!first.0.equal(&other.0) && !first.1.equal(&other.1));
}

/// With shared latents one forward pass serves both updates; two passes on the
/// same latents must come to the same parameters.
#[test]
fn sharing_latents_equals_two_passes_on_the_same_latents() {
    let _turn = take_turns();
    let settings = settings("golbin");
    assert!(settings.shared_latents);
    let mut shared = game(&settings);
    let originals = batch(shared.range);
    tch::manual_seed(9);
    step(&mut shared, &settings, &originals, RATES, false);

    let mut twice = game(&settings);
    tch::manual_seed(9);
    let latents = draw_latents(&twice, &originals);
    let fake = twice.forge(&latents, Mode::Train);
    discriminator_step(&mut twice, &settings, &originals, &fake, RATES.d, false);
    let forgeries = Forgeries::new(&twice, &latents);
    let _ = generator_step(&mut twice, &settings, &originals, &forgeries, RATES.g);

    assert!(shared.d.parameters.equal(&twice.d.parameters));
    assert!(
        shared
            .g
            .parameters
            .allclose(&twice.g.parameters, 0.0, 1e-6, false)
    );
}

/// D's gradient, penalties included, against the slope of its objective between
/// two nearby points, in f64.
#[test]
fn d_descends_its_objective_penalties_included() {
    let _turn = take_turns();
    let mut settings = settings("modern");
    settings.penalty_every = 1;
    settings.r1 = 0.7;
    settings.r2 = 1.3;
    let mut game = game(&settings);
    let originals = batch(game.range);
    let fake = game.forge(&draw_latents(&game, &originals), Mode::Train);
    let objective = |game: &Game, parameters: &Tensor| {
        let weights = game.discriminator.layout().weights(parameters);
        let side = |images: &Tensor| {
            let images = images
                .to_kind(Kind::Double)
                .detach()
                .set_requires_grad(true);
            let logits = game
                .discriminator
                .forward(&weights, &images, None, Mode::Train);
            let gradient =
                Tensor::run_backward(&[logits.sum(Kind::Double)], &[&images], false, false);
            let squared = (&gradient[0] * &gradient[0]).sum(Kind::Double);
            (logits.detach(), squared.double_value(&[]) / 4.0)
        };
        let ((real, r1), (fake, r2)) = (side(&originals), side(&fake));
        let pairs = values(&real).into_iter().zip(values(&fake));
        let loss: f64 = pairs.map(|(r, f)| (1.0 + (f - r).exp()).ln()).sum::<f64>() / 4.0;
        loss + 0.5 * 0.7 * r1 + 0.5 * 1.3 * r2
    };

    // With β₁ = 0 Adam's first update is rate · sign of the gradient, so that
    // the change of the objective is its slope along that direction.
    let before = game.d.parameters.to_kind(Kind::Double);
    discriminator_step(&mut game, &settings, &originals, &fake, 1e-7, true);
    let direction = (game.d.parameters.to_kind(Kind::Double) - &before).sign();
    let at = |distance: f64| objective(&game, &(&before + &direction * distance));
    let slope = (at(1e-6) - at(-1e-6)) / 2e-6;

    // The steepest possible: −Σ|g|, by probing each of a few parameters alone.
    let mut probed = 0.0;
    let probe = [0i64, 17, 500, 9000, 40_000, before.size()[0] - 1];
    for &i in &probe {
        let step = before.zeros_like();
        let _ = step.narrow(0, i, 1).fill_(1e-6);
        let alone =
            (objective(&game, &(&before + &step)) - objective(&game, &(&before - &step))) / 2e-6;
        let toward = direction.double_value(&[i]);
        assert!(
            alone * toward <= 1e-9,
            "parameter {i} climbs: {alone} {toward}"
        );
        probed += alone.abs();
    }
    assert!(probed > 0.0);
    assert!(slope < 0.0, "{slope}");
}

#[test]
fn latents_come_from_the_distribution_they_name() {
    let _turn = take_turns();
    tch::manual_seed(3);
    let normal = values(&Latent::Normal { size: 100 }.sample(1000, Device::Cpu));
    let mean = normal.iter().sum::<f64>() / 1e5;
    let square = normal.iter().map(|x| x * x).sum::<f64>() / 1e5;
    assert!(
        mean.abs() < 0.02 && (square - 1.0).abs() < 0.03,
        "{mean} {square}"
    );
    let uniform = Latent::Uniform {
        size: 100,
        low: -1.0,
        high: 3.0,
    };
    let uniform = values(&uniform.sample(1000, Device::Cpu));
    let mean = uniform.iter().sum::<f64>() / 1e5;
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
    assert!(uniform.iter().all(|x| (-1.0..3.0).contains(x)));
}

#[test]
fn pretraining_makes_d_better_than_chance() {
    let _turn = take_turns();
    let settings: Settings = settings("golbin");
    let mut game = game(&settings);
    let originals = batch(game.range);
    tch::manual_seed(4);
    let fake = game.forge(&draw_latents(&game, &originals), Mode::Train);
    for _ in 0..50 {
        discriminator_step(&mut game, &settings, &originals, &fake, 1e-3, false);
    }
    assert_eq!(game.accuracy(settings.loss, &originals, &fake), 1.0);
}
