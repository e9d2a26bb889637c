//! A step in two halves is the step on the whole.

use gan_trainer::crew::Crew;
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

/// Seven originals, so that the halves are unequal.
fn originals(game: &Game) -> Batch {
    let originals = Originals::new(&bars(8), 8, 28, game.range, Device::Cpu).unwrap();
    originals.batch(&[0, 3, 5, 7, 1, 2, 6])
}

/// A game for two threads, whatever this machine has.
fn for_two(settings: &Settings) -> Game {
    let threads = tch::get_num_threads();
    tch::set_num_threads(2);
    let game = game(settings);
    tch::set_num_threads(threads);
    game
}

fn play(game: &mut Game, settings: &Settings) -> Report {
    let originals = originals(game);
    tch::manual_seed(7);
    step(game, settings, &originals, RATES, true)
}

fn close(a: &Tensor, b: &Tensor) -> bool {
    a.allclose(b, 1e-4, 1e-6, false)
}

#[test]
fn two_halves_come_to_what_the_whole_comes_to() {
    let _turn = take_turns();
    for network in [Network::Modern, Network::ModernConditional] {
        let settings = Settings {
            network,
            // Adam's first step is the gradient's sign, of which rounding decides
            // where there is next to none.
            optimizer: Method::Sgd,
            ..settings("modern")
        };
        let (mut halves, mut whole) = (for_two(&settings), game(&settings));
        whole.crew = None;
        assert!(halves.crew.is_some(), "two threads make a crew");
        let (a, b) = (play(&mut halves, &settings), play(&mut whole, &settings));
        assert!(close(&halves.d.parameters, &whole.d.parameters));
        assert!(close(&halves.g.parameters, &whole.g.parameters));
        assert!(close(&a.d.loss, &b.d.loss) && close(&a.loss_g, &b.loss_g));
        // In the order of the batch.
        assert!(close(&a.d.originals, &b.d.originals));
        assert!(close(&a.d.forgeries, &b.d.forgeries));
        assert_eq!(a.d.originals.size(), [7]);
    }
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
            ..modern.clone()
        },
    ];
    for settings in others {
        assert!(for_two(&settings).crew.is_none());
    }
}

#[test]
fn libtorch_gets_its_threads_back() {
    let _turn = take_turns();
    let threads = tch::get_num_threads();
    let game = for_two(&settings("modern"));
    assert_eq!(tch::get_num_threads(), threads);
    let at_work = game.crew.as_ref().map(Crew::at_work);
    assert_eq!(tch::get_num_threads(), 1);
    drop(at_work);
    assert_eq!(tch::get_num_threads(), threads);
}
