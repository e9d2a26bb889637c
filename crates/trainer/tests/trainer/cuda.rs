//! A CUDA device beside the processor. `cargo xtask test` runs these where the
//! libtorch in use is the CUDA build, and says so where it is not.

use gan_trainer::data::{Order, Originals, Source};
use gan_trainer::game::Game;
use gan_trainer::seeds::{Stream, seed_torch};
use gan_trainer::step::{Rates, step};
use tch::{Cuda, Device, Kind};

use crate::{bars, settings, take_turns};

/// D's and G's loss in a few steps from the same start, without dropout, whose
/// draws each device makes for itself.
fn losses(preset: &str, device: Device) -> Vec<f64> {
    let settings = settings(preset);
    let pair = settings.network.build(None);
    let (range, side) = (pair.range, settings.network.side());
    let mut game = Game::new(pair, &settings, 1, device, Kind::Float);
    let originals = Originals::new(&bars(64), 64, side, range, device).unwrap();
    let source = Source::Images(originals);
    let mut order = Order::new(1, Stream::Order, 64, false);
    let rates = Rates {
        d: 1e-4,
        g: 1e-4,
        momentum: 0.5,
    };
    (0..3)
        .flat_map(|update| {
            let batch = source.draw(&mut order, update, update * 16, 16);
            seed_torch(1, Stream::Step, update);
            let report = step(&mut game, &settings, &batch, rates, settings.penalized());
            [&report.d.loss, &report.loss_g].map(|loss| loss.double_value(&[]))
        })
        .collect()
}

#[test]
#[ignore = "needs a CUDA device"]
fn steps_on_cuda_are_those_on_the_processor() {
    assert!(Cuda::is_available(), "this libtorch sees no CUDA device");
    let _turn = take_turns();
    for preset in ["modern", "golbin", "golbin-conditional"] {
        let here = losses(preset, Device::Cpu);
        let there = losses(preset, Device::Cuda(0));
        for (a, b) in here.iter().zip(&there) {
            // Convolutions may take TF32, with ten bits.
            assert!((a - b).abs() < 1e-2 * a.abs().max(1.0), "{preset}: {a} {b}");
        }
    }
}

#[test]
#[ignore = "needs a CUDA device"]
fn every_image_preset_takes_a_step_on_cuda() {
    assert!(Cuda::is_available(), "this libtorch sees no CUDA device");
    let _turn = take_turns();
    for preset in run_dir::PRESETS.iter().filter(|name| **name != "gaussian") {
        let losses = losses(preset, Device::Cuda(0));
        assert!(losses.iter().all(|loss| loss.is_finite()), "{preset}");
    }
}
