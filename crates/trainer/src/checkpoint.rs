//! Checkpoints: the networks' parameters as safetensors, one tensor per declared
//! parameter, in f32.

use std::fs;
use std::path::Path;

use gan_models::Layout;
use run_dir::{write_atomic, write_dir_atomic};
use tch::{Device, Tensor};

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
        .map(|(name, layout, flat)| {
            let bytes = layout.to_safetensors(flat);
            Ok((name, bytes.map_err(|e| Error::Encode(e.to_string()))?))
        })
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
    let flat = layout
        .read_safetensors(&bytes)
        .map_err(|e| refuse(e.to_string()))?;
    Ok(flat.to_device(device))
}
