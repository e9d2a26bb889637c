//! A step in two halves is the step on the whole.

use gan_trainer::data::{Batch, Originals};
use gan_trainer::game::Game;
use gan_trainer::networks::Network;
use gan_trainer::optimizer::Method;
use gan_trainer::settings::Settings;
use gan_trainer::step::{Rates, Report, step};
use tch::{Device, Tensor};

use crate::{bars, game, settings, take_turns};

const RATES: Rates = Rates {
    d: 1e-3,
    g: 1e-3,
    momentum: 0.0,
};

/// The first `n` originals.
fn originals(game: &Game, n: usize) -> Batch {
    let originals = Originals::new(&bars(8), 8, 28, game.range, Device::Cpu).unwrap();
    originals.batch(&[0, 3, 5, 7, 1, 2, 6][..n])
}

/// Settings under which a step moves by the gradient: of Adam's first step rounding
/// decides where there is next to none.
fn by_gradient(network: Network) -> Settings {
    Settings {
        network,
        optimizer: Method::Sgd,
        ..settings("modern")
    }
}

/// A game for two threads, whatever this machine has.
fn for_two(settings: &Settings) -> Game {
    let threads = tch::get_num_threads();
    tch::set_num_threads(2);
    let game = game(settings);
    tch::set_num_threads(threads);
    game
}

fn play(game: &mut Game, settings: &Settings, n: usize) -> Report {
    let originals = originals(game, n);
    tch::manual_seed(7);
    step(game, settings, &originals, RATES, true)
}

/// Unequal halves, equal ones, and a batch that has none.
#[test]
fn two_halves_come_to_what_the_whole_comes_to() {
    let _turn = take_turns();
    let modern = by_gradient(Network::Modern);
    let cases = [
        (modern.clone(), 7),
        (modern.clone(), 2),
        (modern.clone(), 1),
        (by_gradient(Network::ModernConditional), 7),
        (
            Settings {
                shared_latents: true,
                ..modern.clone()
            },
            7,
        ),
        (
            Settings {
                spectral_norm: true,
                ..modern
            },
            7,
        ),
    ];
    for (settings, n) in cases {
        let (mut halves, mut whole) = (for_two(&settings), game(&settings));
        whole.crew = None;
        assert!(halves.crew.is_some(), "two threads make a crew");
        let (a, b) = (
            play(&mut halves, &settings, n),
            play(&mut whole, &settings, n),
        );
        let close = |a: &Tensor, b: &Tensor| a.allclose(b, 1e-4, 1e-6, false);
        assert!(close(&halves.d.parameters, &whole.d.parameters), "{n}");
        assert!(close(&halves.g.parameters, &whole.g.parameters), "{n}");
        assert!(close(&a.d.loss, &b.d.loss) && close(&a.loss_g, &b.loss_g));
        // In the order of the batch.
        assert!(close(&a.d.originals, &b.d.originals));
        assert!(close(&a.d.forgeries, &b.d.forgeries));
        assert_eq!(a.d.originals.size(), [n as i64]);
    }
}

#[test]
fn two_halves_are_the_same_to_the_bit_each_time() {
    let _turn = take_turns();
    let settings = settings("modern");
    let once = || {
        let mut game = for_two(&settings);
        play(&mut game, &settings, 7);
        play(&mut game, &settings, 6);
        (game.g.parameters, game.d.parameters)
    };
    let (first, again) = (once(), once());
    assert!(first.0.equal(&again.0) && first.1.equal(&again.1));
}

/// Where halves would not come to the same, nothing is divided.
#[test]
fn what_looks_at_the_whole_batch_or_draws_is_not_divided() {
    let _turn = take_turns();
    for preset in run_dir::PRESETS {
        let divided = for_two(&settings(preset)).crew.is_some();
        assert_eq!(divided, preset == "modern", "{preset}");
    }
    let modern = settings("modern");
    let others = [
        Settings {
            gradient_penalty: 10.0,
            ..modern.clone()
        },
        Settings {
            dragan: 10.0,
            ..modern.clone()
        },
        Settings {
            simultaneous: true,
            ..modern
        },
    ];
    for settings in others {
        assert!(for_two(&settings).crew.is_none());
    }
}

/// Each half has its share of libtorch's threads, and nobody else has fewer.
#[test]
fn halves_share_the_threads() {
    let _turn = take_turns();
    let threads = tch::get_num_threads();
    let game = for_two(&settings("modern"));
    assert_eq!(tch::get_num_threads(), threads);
    let crew = game.crew.unwrap();
    assert_eq!(crew.threads(), [1, 1]);
    assert_eq!(tch::get_num_threads(), threads);
}
