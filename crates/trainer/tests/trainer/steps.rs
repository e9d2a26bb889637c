//! One step: who moves, who does not, and by how much.

use gan_models::{Latent, Mode, PixelRange};
use gan_trainer::data::{Batch, Order, Originals, Source, resized};
use gan_trainer::game::Game;
use gan_trainer::seeds::Stream;
use gan_trainer::settings::Settings;
use gan_trainer::step::{Rates, discriminator_step, draw_latents, generator_step, step};
use tch::{Device, Kind, Tensor};

use crate::{bars, four_bars, game, settings, take_turns, values};

const RATES: Rates = Rates {
    d: 1e-3,
    g: 1e-3,
    momentum: 0.5,
};

/// Four originals as the networks of `settings` take them.
fn some_originals(settings: &Settings, range: PixelRange) -> Batch {
    let mut order = Order::new(1, Stream::Order, 8, false);
    let source = if settings.network.draws_originals() {
        Source::Gaussian(Device::Cpu)
    } else {
        let side = settings.network.side();
        Source::Images(Originals::new(&bars(8), 8, side, range, Device::Cpu).unwrap())
    };
    source.draw(&mut order, 0, 0, 4)
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
    for preset in run_dir::PRESETS.map(|name| (name, settings(name))) {
        let (preset, settings) = preset;
        let mut game = game(&settings);
        let originals = some_originals(&settings, game.range);
        let latents = draw_latents(&game, &originals);
        let may_penalize = !game.discriminator.uses_batch_statistics();
        for penalize in [false, may_penalize] {
            let by_d = moved(&mut game, |game| {
                let fake = game.forge(&latents, &originals.labels, Mode::Train);
                discriminator_step(game, &settings, &originals, &fake, RATES, penalize);
            });
            assert_eq!(by_d, (false, true), "{preset}, penalize {penalize}");
        }
        let by_g = moved(&mut game, |game| {
            let _ = generator_step(game, &settings, &originals, &latents, RATES);
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
        let originals = four_bars(game.range);
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
    let originals = four_bars(shared.range);
    tch::manual_seed(9);
    step(&mut shared, &settings, &originals, RATES, false);

    let mut twice = game(&settings);
    tch::manual_seed(9);
    let latents = draw_latents(&twice, &originals);
    let fake = twice.forge(&latents, &originals.labels, Mode::Train);
    discriminator_step(&mut twice, &settings, &originals, &fake, RATES, false);
    let _ = generator_step(&mut twice, &settings, &originals, &latents, RATES);

    assert!(shared.d.parameters.equal(&twice.d.parameters));
    assert!(
        shared
            .g
            .parameters
            .allclose(&twice.g.parameters, 0.0, 1e-6, false)
    );
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
    let latent = Latent::Mixture {
        size: 2,
        clusters: 5,
        scale: 3.0,
    };
    let mixture = latent.sample(1000, Device::Cpu);
    assert_eq!(mixture.size(), [1000, 7]);
    let groups = mixture.narrow(1, 2, 5);
    // One of them is 3 in each row, each about as often as another.
    let (greatest, _) = groups.max_dim(1, false);
    assert_eq!(values(&greatest), [3.0; 1000]);
    assert_eq!(
        values(&groups.sum_dim_intlist(1, false, Kind::Float)),
        [3.0; 1000]
    );
    let often = values(&groups.mean_dim(0, false, Kind::Float));
    assert!(often.iter().all(|x| (x - 0.6).abs() < 0.12), "{often:?}");
    let (from, to) = latent.interpolation_endpoints(50, Device::Cpu);
    assert!(from.narrow(1, 2, 5).equal(&to.narrow(1, 2, 5)));
    assert!(!from.narrow(1, 0, 2).equal(&to.narrow(1, 0, 2)));
    let spread = mixture.narrow(1, 0, 2).std(true).double_value(&[]);
    assert!((spread - 1.0).abs() < 0.06, "{spread}");
}

#[test]
fn pretraining_makes_d_better_than_chance() {
    let _turn = take_turns();
    let settings: Settings = settings("golbin");
    let mut game = game(&settings);
    let originals = four_bars(game.range);
    tch::manual_seed(4);
    let fake = game.forge(
        &draw_latents(&game, &originals),
        &originals.labels,
        Mode::Train,
    );
    for _ in 0..50 {
        discriminator_step(&mut game, &settings, &originals, &fake, RATES, false);
    }
    assert_eq!(game.accuracy(settings.loss, &originals, &fake), 1.0);
}

/// One pass over both halves must not be what a network with batch norm gets.
#[test]
fn a_network_that_mixes_its_batch_sees_originals_and_forgeries_apart() {
    let _turn = take_turns();
    let settings = settings("dcgan");
    let mut game = game(&settings);
    let originals = Originals::new(&bars(8), 8, 32, game.range, Device::Cpu).unwrap();
    let originals = originals.batch(&[0, 1, 2, 3]);
    let other = Tensor::zeros_like(&originals.images);
    let noise = Tensor::rand_like(&originals.images);
    let before = game.d.parameters.copy();
    let mut logits_beside = |forgeries: &Tensor| {
        game.d.parameters.shallow_clone().copy_(&before);
        // The same dropout.
        tch::manual_seed(1);
        let verdict = discriminator_step(&mut game, &settings, &originals, forgeries, RATES, false);
        values(&verdict.originals)
    };
    assert_eq!(logits_beside(&other), logits_beside(&noise));
}

/// Beyond the limit the loss is what it is at the limit, and nothing pulls.
#[test]
fn limited_logits_have_no_gradient_beyond_the_limit() {
    let settings = settings("oshea");
    let logits = Tensor::from_slice(&[-20.0f32, 0.5, 20.0]).set_requires_grad(true);
    let limited = settings.limited(&logits);
    // −ln(1e-7), where O'Shea's G is pinned at first.
    let pinned = settings.loss.generator(&limited, &limited.narrow(0, 0, 1));
    assert!((pinned.double_value(&[]) + 1e-7f64.ln()).abs() < 1e-4);
    let gradient = Tensor::run_backward(&[limited.sum(Kind::Float)], &[&logits], false, false);
    assert_eq!(values(&gradient[0]), [0.0, 1.0, 0.0]);
}

/// By hand: a 2×2 image at 4×4, output pixel i at source (i + ½)/2 − ½.
#[test]
fn resizing_is_bilinear_with_pixel_centers() {
    let small = mnist_io::Images::new(2, 2, vec![0, 100, 200, 40]).unwrap();
    let large = resized(&small, 4).unwrap();
    let at = |position: usize| [(1.0, 0.0), (0.75, 0.25), (0.25, 0.75), (0.0, 1.0)][position];
    for (i, pixel) in large.pixels().iter().enumerate() {
        let ((top, bottom), (left, right)) = (at(i / 4), at(i % 4));
        let expected: f64 =
            top * (left * 0.0 + right * 100.0) + bottom * (left * 200.0 + right * 40.0);
        assert!(
            (f64::from(*pixel) - expected).abs() <= 0.5,
            "{i}: {pixel} {expected}"
        );
    }
    assert_eq!(resized(&small, 2).unwrap(), small);
}

/// From one pass G learns from D as it was before the step, and both move.
#[test]
fn simultaneous_updates_are_both_from_the_players_before_the_step() {
    let _turn = take_turns();
    let mut settings = settings("golbin");
    settings.simultaneous = true;
    let mut at_once = game(&settings);
    let originals = four_bars(at_once.range);
    tch::manual_seed(9);
    step(&mut at_once, &settings, &originals, RATES, false);

    let mut apart = game(&settings);
    tch::manual_seed(9);
    let latents = draw_latents(&apart, &originals);
    let fake = apart.forge(&latents, &originals.labels, Mode::Train);
    let _ = generator_step(&mut apart, &settings, &originals, &latents, RATES);
    discriminator_step(&mut apart, &settings, &originals, &fake, RATES, false);

    let same = |a: &Tensor, b: &Tensor| a.allclose(b, 1e-4, 1e-7, false);
    assert!(same(&at_once.d.parameters, &apart.d.parameters));
    assert!(same(&at_once.g.parameters, &apart.g.parameters));
}

/// The presets whose originals learn so, through the step that training plays.
#[test]
fn both_players_of_goodfellow_and_dcgan_move_in_one_step() {
    let _turn = take_turns();
    for preset in ["goodfellow", "dcgan"] {
        let settings = settings(preset);
        assert!(settings.simultaneous, "{preset}");
        let mut game = game(&settings);
        let originals = some_originals(&settings, game.range);
        let both = moved(&mut game, |game| {
            step(game, &settings, &originals, RATES, false);
        });
        assert_eq!(both, (true, true), "{preset}");
    }
}

#[test]
fn clipping_leaves_no_parameter_of_d_beyond_the_limit() {
    let _turn = take_turns();
    let mut settings = settings("modern");
    settings.clip = 0.01;
    let mut game = game(&settings);
    let originals = four_bars(game.range);
    step(&mut game, &settings, &originals, RATES, false);
    let greatest = |x: &Tensor| x.abs().max().double_value(&[]);
    assert!(greatest(&game.d.parameters) <= 0.01 + 1e-9);
    assert!(greatest(&game.g.parameters) > 0.01);
}

/// Singular values by decomposition, after enough steps for the iteration.
#[test]
fn spectral_norm_holds_every_weight_matrix_of_d_at_one() {
    let _turn = take_turns();
    let mut settings = settings("modern");
    settings.spectral_norm = true;
    let mut game = game(&settings);
    let originals = four_bars(game.range);
    let greatest_are_within = |game: &Game, tolerance: f64| {
        let mut matrices = 0;
        for weight in game.frozen_discriminator().tensors() {
            if weight.dim() > 1 {
                let (_, singular, _) = weight.flatten(1, -1).svd(true, false);
                let greatest = singular.max().double_value(&[]);
                assert!((greatest - 1.0).abs() < tolerance, "{greatest}");
                matrices += 1;
            }
        }
        assert_eq!(matrices, 5);
    };
    // From the start, and closer as the iteration goes on.
    greatest_are_within(&game, 0.3);
    let still = Rates { d: 1e-12, ..RATES };
    for _ in 0..40 {
        let fake = originals.images.zeros_like();
        discriminator_step(&mut game, &settings, &originals, &fake, still, false);
    }
    greatest_are_within(&game, 0.02);
}

/// Each is in force alone, through the step that training plays.
#[test]
fn every_regularizer_changes_what_d_learns_and_trains_without_it_too() {
    let _turn = take_turns();
    let plain = settings("modern")
        .with("r1=0")
        .unwrap()
        .with("r2=0")
        .unwrap();
    let after = |settings: &Settings| {
        let mut game = game(settings);
        let originals = four_bars(game.range);
        for _ in 0..2 {
            tch::manual_seed(5);
            step(&mut game, settings, &originals, RATES, settings.penalized());
        }
        assert!(values(&game.d.parameters).iter().all(|x| x.is_finite()));
        game.d.parameters
    };
    let without = after(&plain);
    for set in [
        "r1=1",
        "r2=1",
        "gradient_penalty=10",
        "dragan=10",
        "clip=0.01",
        "spectral_norm=true",
    ] {
        let with = after(&plain.with(set).unwrap());
        assert!(!with.equal(&without), "{set}");
    }
}
