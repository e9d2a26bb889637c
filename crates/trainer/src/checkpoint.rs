//! Checkpoints: the networks' parameters as safetensors, one tensor per declared
//! parameter, in f32.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use gan_models::Layout;
use run_dir::{write_atomic, write_dir_atomic};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::game::Game;

/// The file that samples are made from.
pub const SAMPLING: &str = "generator-average.safetensors";

/// Saves `game` as the folder `path`, written aside and renamed.
///
/// `generator.safetensors`, `discriminator.safetensors`, and
/// `generator-average.safetensors`, which samples come from; the last equals the
/// first where the settings average nothing.
///
/// # Errors
/// Where the folder cannot be written.
pub fn save(path: &Path, game: &Game) -> Result<(), Error> {
    let g = game.generator.layout();
    let files = [
        ("generator.safetensors", g, &game.g.parameters),
        (
            "discriminator.safetensors",
            game.discriminator.layout(),
            &game.d.parameters,
        ),
        (SAMPLING, g, game.sampling_parameters()),
    ];
    let files = files
        .into_iter()
        .map(|(name, layout, flat)| Ok((name, to_safetensors(layout, flat)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    write_dir_atomic(path, |aside| {
        files.iter().try_for_each(|(name, bytes)| {
            write_atomic(&aside.join(name), |w| std::io::Write::write_all(w, bytes))
        })
    })?;
    Ok(())
}

/// Loads one safetensors file of a checkpoint into a flat f32 buffer `[numel]`
/// of `layout`.
///
/// # Errors
/// A file that cannot be read, is no safetensors file, or holds other tensors,
/// shapes or types than `layout` declares.
pub fn load(path: &Path, layout: &Layout, device: Device) -> Result<Tensor, Error> {
    let refuse = |reason: String| Error::Checkpoint {
        path: path.to_owned(),
        reason,
    };
    let bytes = fs::read(path).map_err(|e| refuse(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| refuse(e.to_string()))?;
    let mut flat = Tensor::zeros([layout.numel()], (Kind::Float, Device::Cpu));
    let weights = layout.weights(&flat);
    if file.len() != layout.params().len() {
        return Err(refuse(format!(
            "it holds {} tensors, the network has {}",
            file.len(),
            layout.params().len()
        )));
    }
    for (param, target) in layout.params().iter().zip(weights.tensors()) {
        let view = file
            .tensor(&param.name)
            .map_err(|_| refuse(format!("it lacks the tensor {}", param.name)))?;
        let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
        if view.dtype() != Dtype::F32 || shape != param.shape {
            return Err(refuse(format!(
                "{} is {:?} {shape:?}, the network wants F32 {:?}",
                param.name,
                view.dtype(),
                param.shape
            )));
        }
        let values = Tensor::f_from_data_size(view.data(), &shape, Kind::Float)?;
        target.shallow_clone().copy_(&values);
    }
    flat = flat.to_device(device);
    Ok(flat)
}

fn to_safetensors(layout: &Layout, flat: &Tensor) -> Result<Vec<u8>, Error> {
    let flat = flat.to_device(Device::Cpu);
    let weights = layout.weights(&flat);
    let mut data = Vec::new();
    for tensor in weights.tensors() {
        let mut bytes = vec![0u8; tensor.numel() * 4];
        tensor
            .contiguous()
            .f_copy_data_u8(&mut bytes, tensor.numel())?;
        data.push(bytes);
    }
    let mut views = Vec::new();
    for (param, bytes) in layout.params().iter().zip(&data) {
        let shape = param.shape.iter().map(|&d| d as usize).collect();
        let view =
            TensorView::new(Dtype::F32, shape, bytes).map_err(|e| Error::Encode(e.to_string()))?;
        views.push((param.name.as_str(), view));
    }
    serialize(views, None::<HashMap<String, String>>).map_err(|e| Error::Encode(e.to_string()))
}
