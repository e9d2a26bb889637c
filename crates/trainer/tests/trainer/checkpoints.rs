//! Checkpoints: what is saved comes back, and what is not one is refused.

use std::fs;
use std::path::Path;

use gan_trainer::checkpoint::{self, Progress, RunFiles, SAMPLING, load};
use gan_trainer::game::Game;
use tch::{Device, Kind};

use crate::{game, settings, take_turns};

fn save(path: &Path, game: &Game) {
    checkpoint::save(path, game, Progress::default(), 1, &RunFiles::default()).unwrap();
}

#[test]
fn what_is_saved_comes_back_bit_for_bit() {
    let _turn = take_turns();
    for preset in ["golbin", "modern"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("000001");
        let game = game(&settings(preset));
        save(&path, &game);
        let g = game.generator.layout();
        let d = game.discriminator.layout();
        let read = |name: &str, layout| load(&path.join(name), layout, Device::Cpu).unwrap();
        assert!(read("generator.safetensors", g).equal(&game.g.parameters));
        assert!(read("discriminator.safetensors", d).equal(&game.d.parameters));
        assert!(read(SAMPLING, g).equal(game.sampling_parameters()));
    }
}

#[test]
fn tensors_are_saved_in_their_logical_order() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000001");
    let game = game(&settings("modern"));
    save(&path, &game);
    let bytes = fs::read(path.join("discriminator.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let layout = game.discriminator.layout();
    let weights = layout.weights(&game.d.parameters);
    for (param, tensor) in layout.params().iter().zip(weights.tensors()) {
        let view = file.tensor(&param.name).unwrap();
        let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
        let read = tch::Tensor::from_data_size(view.data(), &shape, Kind::Float);
        assert!(read.equal(tensor), "{}", param.name);
    }
}

#[test]
fn another_networks_file_is_refused_by_the_tensor_that_differs() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000001");
    save(&path, &game(&settings("golbin")));
    let modern = game(&settings("modern"));
    let refusal = |name: &str, layout| {
        load(&path.join(name), layout, Device::Cpu)
            .unwrap_err()
            .to_string()
    };
    let error = refusal("generator.safetensors", modern.generator.layout());
    assert!(
        error.contains("generator.safetensors") && error.contains("tensors"),
        "{error}"
    );
    // The same names and number, other shapes.
    let golbin = game(&settings("golbin"));
    let error = refusal("generator.safetensors", golbin.discriminator.layout());
    assert!(error.contains("hidden.weight is F32 [256, 128]"), "{error}");
    assert!(error.contains("[256, 784]"), "{error}");
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let _turn = take_turns();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000001");
    let game = game(&settings("golbin"));
    save(&path, &game);
    let file = path.join("generator.safetensors");
    let whole = fs::read(&file).unwrap();
    for length in (0..whole.len())
        .step_by(4096)
        .chain([7, 8, 9, whole.len() - 1])
    {
        fs::write(&file, &whole[..length]).unwrap();
        let error = load(&file, game.generator.layout(), Device::Cpu).unwrap_err();
        assert!(
            error.to_string().contains("generator.safetensors"),
            "{error}"
        );
    }
}
