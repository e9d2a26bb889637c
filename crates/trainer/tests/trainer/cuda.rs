//! Steps on a CUDA device against steps on the CPU. `cargo xtask test` runs these tests
//! if libtorch is a CUDA build, and prints that they are skipped otherwise.

use gan_config::{Preset, preset, presets};
use gan_trainer::{
    DataLoader, Gan, RandomStream, StepHyperparams, TrainConfig, TrainData, seed_torch,
};
use tch::{Cuda, Device};

use crate::{bars, lock_generator};

/// Losses of D and G in three steps from the same start.
fn losses(preset: &Preset, device: Device) -> Vec<f64> {
    let config = TrainConfig::preset(preset, &TrainData::Gaussian).unwrap();
    let mut gan = Gan::new(&TrainConfig { device, ..config });
    let generator = &gan.generator.network;
    let (range, side) = (generator.pixel_range(), generator.image_side());
    let mut loader = DataLoader::images(&bars(64), 64, side, range, device, 1).unwrap();
    let rates = StepHyperparams { lr_d: 1e-4, lr_g: 1e-4, momentum: 0.5 };
    (0..3)
        .flat_map(|update| {
            let batch = loader.batch(update, update * 16, 16);
            seed_torch(1, RandomStream::Step, update);
            let stats = gan.step(&batch, rates, true);
            [&stats.discriminator.loss, &stats.loss_g].map(|loss| loss.double_value(&[]))
        })
        .collect()
}

#[test]
#[ignore = "needs a CUDA device"]
fn steps_on_cuda_equal_those_on_the_cpu() {
    assert!(Cuda::is_available(), "this libtorch finds no CUDA device");
    let _generator = lock_generator();
    // Without dropout, whose random numbers differ between devices.
    for name in ["modern", "golbin", "golbin-conditional"] {
        let preset = preset(name).unwrap();
        let on_cpu = losses(preset, Device::Cpu);
        let on_cuda = losses(preset, Device::Cuda(0));
        for (a, b) in on_cpu.iter().zip(&on_cuda) {
            // Convolutions may use TF32, which has ten bits.
            assert!((a - b).abs() < 1e-2 * a.abs().max(1.0), "{name}: {a} {b}");
        }
    }
}

#[test]
#[ignore = "needs a CUDA device"]
fn every_image_preset_takes_a_step_on_cuda() {
    assert!(Cuda::is_available(), "this libtorch finds no CUDA device");
    let _generator = lock_generator();
    for preset in presets().iter().filter(|preset| !preset.synthetic) {
        let losses = losses(preset, Device::Cuda(0));
        assert!(losses.iter().all(|loss| loss.is_finite()), "{}", preset.name);
    }
}
