//! Checkpoints: saved values are restored, and files that are no checkpoints are refused.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use gan_trainer::{Checkpoint, Ema, Error, Gan, TrainState};
use mnist_io::sha256_hex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use run_dir::RunDir;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tch::{Kind, Tensor};

use crate::{lock_generator, new_gan, settings, values, with};

fn save(path: &Path, gan: &Gan) {
    let state = TrainState::default();
    Checkpoint::save(&run_of(path), path, gan, state, 1, "").unwrap();
}

fn read(path: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::read(&run_of(path), path)
}

/// The folder of `path` as a run.
fn run_of(path: &Path) -> RunDir {
    let dir = path.parent().unwrap();
    fs::write(dir.join("config.toml"), "").unwrap();
    RunDir::open(dir).unwrap()
}

/// A path for a checkpoint, and its folder.
fn checkpoint_path() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000001.safetensors");
    (dir, path)
}

/// The file with the hash of the checkpoint `path`.
fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("safetensors.sha256")
}

/// Writes the checkpoint `bytes` with a correct hash.
fn write_with_hash(path: &Path, bytes: &[u8]) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let line = format!("{}  {name}\n", sha256_hex(bytes));
    fs::write(hash_path(path), line).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn restores_every_saved_value_to_the_bit() {
    let _generator = lock_generator();
    for preset in ["golbin", "modern"] {
        let (_dir, path) = checkpoint_path();
        let saved = new_gan(preset, &settings(preset));
        save(&path, &saved);
        let checkpoint = read(&path).unwrap();

        let mut restored = new_gan(preset, &settings(preset));
        for (_, _, mut flat) in restored.state_dict() {
            let _ = flat.fill_(7.0);
        }
        checkpoint.restore(&mut restored).unwrap();
        for ((name, _, a), (_, _, b)) in saved.state_dict().iter().zip(restored.state_dict()) {
            assert!(a.equal(&b), "{preset}: {name}");
        }
        let layout = saved.generator.network.layout();
        let sampling = checkpoint.generator_inference_parameters(layout).unwrap();
        let average = saved.ema.as_ref().map(Ema::parameters);
        assert_eq!(average.is_some(), preset == "modern");
        assert!(sampling.equal(average.unwrap_or(&saved.generator.parameters)));
    }
}

/// An Adam state that is not zero, and the count of updates of its bias correction.
#[test]
fn restores_the_optimizers_and_their_counts_of_updates() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    let settings = settings("golbin");
    let mut gan = new_gan("golbin", &settings);
    let real = crate::bars_for(&gan, &[0, 3, 5, 7]);
    for _ in 0..3 {
        gan.step(&real, crate::RATES, false);
    }
    save(&path, &gan);
    let mut restored = new_gan("golbin", &settings);
    assert_eq!(restored.generator.optimizer.updates(), 0);
    read(&path).unwrap().restore(&mut restored).unwrap();
    assert_eq!(restored.generator.optimizer.updates(), 3);
    assert_eq!(restored.discriminator.optimizer.updates(), 3);
    for gan in [&mut gan, &mut restored] {
        tch::manual_seed(4);
        gan.step(&real, crate::RATES, false);
    }
    for ((name, _, a), (_, _, b)) in gan.state_dict().iter().zip(restored.state_dict()) {
        assert!(a.equal(&b), "{name}");
    }
}

#[test]
fn tensors_are_saved_in_their_logical_order() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    let gan = new_gan("modern", &settings("modern"));
    save(&path, &gan);
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let layout = gan.discriminator.network.layout();
    let weights = layout.weights(&gan.discriminator.parameters);
    for (param, tensor) in layout.params().iter().zip(weights.tensors()) {
        let view = file.tensor(&format!("discriminator.{}", param.name)).unwrap();
        let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
        let read = Tensor::from_data_size(view.data(), &shape, Kind::Float);
        assert!(read.equal(tensor), "{}", param.name);
    }
}

#[test]
fn refuses_a_checkpoint_of_other_networks_by_the_tensor_that_differs() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    save(&path, &new_gan("golbin", &settings("golbin")));
    let checkpoint = read(&path).unwrap();
    let mut modern = new_gan("modern", &settings("modern"));
    let before: Vec<_> = modern.state_dict().iter().map(|(_, _, x)| values(x)).collect();
    let error = checkpoint.restore(&mut modern).unwrap_err().to_string();
    assert!(error.contains("000001.safetensors"), "{error}");
    assert!(error.contains("tensor"), "{error}");
    let layout = modern.generator.network.layout();
    let error = checkpoint.generator_inference_parameters(layout).unwrap_err().to_string();
    assert!(error.contains("000001.safetensors"), "{error}");
    assert!(error.contains("tensor"), "{error}");
    let after: Vec<_> = modern.state_dict().iter().map(|(_, _, x)| values(x)).collect();
    assert!(before == after);
    // The same names and number, other shapes.
    let golbin = new_gan("golbin", &settings("golbin"));
    let layout = golbin.discriminator.network.layout();
    let error = checkpoint.generator_inference_parameters(layout).unwrap_err().to_string();
    assert!(error.contains("hidden.weight is F32 [256, 128]"), "{error}");
    assert!(error.contains("[256, 784]"), "{error}");
}

/// More tensors than the networks have: an average that the settings do not want.
#[test]
fn refuses_a_checkpoint_with_surplus_tensors() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    let averaged = with(settings("golbin"), &["ema_images=20"]);
    save(&path, &new_gan("golbin", &averaged));
    let checkpoint = read(&path).unwrap();
    let mut plain = new_gan("golbin", &settings("golbin"));
    let error = checkpoint.restore(&mut plain).unwrap_err();
    assert!(matches!(error, Error::Checkpoint { .. }), "{error}");
    assert!(error.to_string().contains("28 tensors"), "{error}");
}

/// Both files of a checkpoint.
fn files_of(path: &Path) -> [(PathBuf, Vec<u8>); 2] {
    [path.to_owned(), hash_path(path)].map(|path| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    })
}

/// Reads the checkpoint `path` and expects an error that names `damaged`.
#[track_caller]
fn refused_for(path: &Path, damaged: &Path, how: &str) {
    match read(path) {
        Err(error @ Error::Checkpoint { .. }) => {
            let Error::Checkpoint { path: named, .. } = &error else { unreachable!() };
            // A changed hash makes both files suspects.
            assert!(named == damaged || damaged == hash_path(path), "{how}: {error}");
            let name = damaged.file_name().unwrap().to_str().unwrap();
            assert!(error.to_string().contains(name), "{how}: {error}");
        }
        other => panic!("{}, {how}: {other:?}", damaged.display()),
    }
}

#[test]
fn refuses_one_changed_byte_anywhere_by_file() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    // A small checkpoint with every part that there can be.
    let settings = with(settings("gaussian"), &["spectral_norm=true", "ema_images=10"]);
    save(&path, &new_gan("gaussian", &settings));
    read(&path).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for (file, intact) in files_of(&path) {
        for _ in 0..4000 {
            let place = rng.random_range(0..intact.len());
            let mut damaged = intact.clone();
            damaged[place] ^= rng.random_range(1..=255u8);
            fs::write(&file, damaged).unwrap();
            refused_for(&path, &file, &format!("byte {place}"));
        }
        fs::write(&file, intact).unwrap();
    }
    read(&path).unwrap();
}

#[test]
fn refuses_a_file_cut_at_any_page_or_missing_by_name() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    save(&path, &new_gan("golbin", &settings("golbin")));
    for (file, intact) in files_of(&path) {
        let pages = (0..intact.len()).step_by(4096);
        let lengths = pages.chain([7, 8, 9, intact.len() - 1]);
        let mut lengths: Vec<usize> = lengths.collect();
        lengths.sort_unstable();
        for length in lengths.into_iter().rev() {
            let open = fs::File::options().write(true).open(&file).unwrap();
            open.set_len(length as u64).unwrap();
            refused_for(&path, &file, &format!("{length} bytes"));
        }
        fs::remove_file(&file).unwrap();
        refused_for(&path, &file, "removed");
        fs::write(&file, intact).unwrap();
    }
    read(&path).unwrap();
}

#[test]
fn refuses_a_file_that_was_renamed() {
    let _generator = lock_generator();
    let (dir, path) = checkpoint_path();
    save(&path, &new_gan("gaussian", &settings("gaussian")));
    let other = dir.path().join("000002.safetensors");
    fs::copy(&path, &other).unwrap();
    fs::copy(hash_path(&path), hash_path(&other)).unwrap();
    refused_for(&other, &hash_path(&other), "renamed");
}

#[test]
fn refuses_a_huge_checkpoint_at_once() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    save(&path, &new_gan("gaussian", &settings("gaussian")));
    // Sparse: it takes no space.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(100_000_000_000).unwrap();
    refused_for(&path, &path, "100 GB");
    fs::write(hash_path(&path), vec![b' '; 2000]).unwrap();
    refused_for(&path, &hash_path(&path), "a long line");
}

/// These files have a correct hash.
#[test]
fn refuses_metadata_without_state_or_of_another_format_by_name() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    save(&path, &new_gan("gaussian", &settings("gaussian")));
    let bytes = fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let state = header.metadata().as_ref().unwrap()["state"].clone();
    assert!(state.contains("\"format\":3"), "{state}");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let with_metadata = |metadata: Option<HashMap<String, String>>| {
        let tensors = file.tensors();
        let views = tensors.iter().map(|(name, view)| (name.as_str(), view));
        serialize(views, metadata).unwrap()
    };
    let entry = |key: &str, value: String| Some(HashMap::from([(key.to_owned(), value)]));

    write_with_hash(&path, &with_metadata(entry("state", state.clone())));
    read(&path).unwrap();
    for (metadata, reason) in [
        (None, "holds no state"),
        (entry("format", "pt".to_owned()), "holds no state"),
        (
            entry("state", state.replace("\"format\":3", "\"format\":2")),
            "has format 2, but this version reads format 3",
        ),
        (entry("state", state.replace("\"format\":3,", "")), "missing field `format`"),
        (entry("state", "{".to_owned()), "EOF"),
        (entry("state", state.replacen('{', "{\"more\":1,", 1)), "unknown field `more`"),
    ] {
        write_with_hash(&path, &with_metadata(metadata));
        let error = read(&path).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Checkpoint { .. }), "{text}");
        assert!(text.contains("000001.safetensors") && text.contains(reason), "{text}");
    }
    // Not safetensors at all.
    write_with_hash(&path, b"PK\x03\x04 another program's file");
    refused_for(&path, &path, "a zip file");
}

/// Weights in another precision are another network's.
#[test]
fn refuses_tensors_of_another_kind() {
    let _generator = lock_generator();
    let (_dir, path) = checkpoint_path();
    let mut gan = new_gan("gaussian", &settings("gaussian"));
    save(&path, &gan);
    let bytes = fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let views = file.tensors().into_iter().map(|(name, view)| {
        let half = &view.data()[..view.data().len() / 2];
        let view = TensorView::new(Dtype::F16, view.shape().to_vec(), half).unwrap();
        (name, view)
    });
    write_with_hash(&path, &serialize(views, metadata).unwrap());
    let error = read(&path).unwrap().restore(&mut gan);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("000001.safetensors") && error.contains("F16"), "{error}");
}
