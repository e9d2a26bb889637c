//! Checkpoints: everything that a game goes on from, as safetensors, and a
//! `state.toml` that vouches for every byte.
//!
//! ```text
//! checkpoints/000300/
//!   generator.safetensors          one f32 tensor per declared parameter
//!   generator-adam-mean.safetensors, generator-adam-square.safetensors
//!                                  or generator-sgd-velocity.safetensors
//!   discriminator….safetensors     the same of D
//!   discriminator-spectral.safetensors    where D's weights are normalized
//!   generator-average.safetensors  what samples come from; the generator where
//!                                  nothing is averaged
//!   state.toml                     a [`State`]
//! ```
//!
//! `state.toml` names the size and the SHA-256 of every other file, and of the
//! run's own configuration and rows; it ends in a comment with the SHA-256 of all
//! its bytes before. Nothing is loaded whose hash does not match.

mod state;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use gan_models::Layout;
use run_dir::{write_atomic, write_dir_atomic};
use tch::{Device, Tensor};

use crate::Error;
use crate::game::{AVERAGE, Game};

pub use state::{Progress, RunFiles, STATE, State};
use state::{Stored, refuse};

/// The file that samples are made from.
pub const SAMPLING: &str = "generator-average.safetensors";

/// Saves `game` as the folder `path`: written aside, flushed to the disk, and
/// renamed. `number` is that of [`State`], and `run` says what
/// the checkpoint goes with.
///
/// # Errors
/// Where the folder cannot be written.
pub fn save(
    path: &Path,
    game: &Game,
    progress: Progress,
    number: u64,
    run: &RunFiles,
) -> Result<(), Error> {
    let mut parts = game.state();
    if game.average.is_none() {
        let average = game.sampling_parameters().shallow_clone();
        parts.push((AVERAGE.to_owned(), game.generator.layout(), average));
    }
    let mut files = BTreeMap::new();
    for (name, layout, flat) in parts {
        let bytes = layout.to_safetensors(&flat);
        let bytes = bytes.map_err(|e| Error::Encode(e.to_string()))?;
        files.insert(file_name(&name), bytes);
    }
    let state = State {
        number,
        config_sha256: run.config_sha256.clone(),
        generator_updates: game.g.optimizer.updates(),
        discriminator_updates: game.d.optimizer.updates(),
        progress,
        rows: run.rows.clone(),
        files: files
            .iter()
            .map(|(name, bytes)| (name.clone(), Stored::of(bytes)))
            .collect(),
    };
    files.insert(STATE.to_owned(), state.encode()?);
    write_dir_atomic(path, |aside| {
        files
            .iter()
            .try_for_each(|(name, bytes)| write_atomic(&aside.join(name), |w| w.write_all(bytes)))
    })?;
    Ok(())
}

/// A checkpoint whose every byte is what it was when it was saved.
#[derive(Debug)]
pub struct Whole {
    path: PathBuf,
    state: State,
    files: BTreeMap<String, Vec<u8>>,
}

impl Whole {
    /// Reads the folder `path` and checks every hash.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the file that is missing or not what it was,
    /// [`Error::Run`] where the system refuses to read it.
    pub fn read(path: &Path) -> Result<Whole, Error> {
        let state = State::read(path)?;
        // Sizes first: they are known at once, and hashes are not.
        for name in state.files.keys() {
            state.open(path, name)?;
        }
        let mut files = BTreeMap::new();
        for name in state.files.keys() {
            files.insert(name.clone(), state.read_file(path, name)?);
        }
        Ok(Whole {
            path: path.to_owned(),
            state,
            files,
        })
    }

    /// What its `state.toml` says.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes `game`, of the same networks and settings, what it was.
    ///
    /// # Errors
    /// A file that is missing, or holds other tensors or shapes than the
    /// game's; `game` is unchanged then.
    pub fn restore(&self, game: &mut Game) -> Result<(), Error> {
        let mut pairs = Vec::new();
        for (name, layout, flat) in game.state() {
            let path = self.path.join(file_name(&name));
            let Some(bytes) = self.files.get(&file_name(&name)) else {
                return Err(refuse(&path, "it is not part of the checkpoint"));
            };
            pairs.push((flat, parse(&path, bytes, layout)?));
        }
        for (mut flat, saved) in pairs {
            flat.copy_(&saved);
        }
        let state = &self.state;
        game.g.optimizer.set_updates(state.generator_updates);
        game.d.optimizer.set_updates(state.discriminator_updates);
        Ok(())
    }
}

/// Loads one safetensors file of a checkpoint into a flat f32 buffer `[numel]`
/// of `layout`. Its hash is checked where there is a `state.toml`, which
/// checkpoints of early versions lack.
///
/// # Errors
/// A file that cannot be read, is damaged, is no safetensors file, or holds
/// other tensors, shapes or types than `layout` declares.
pub fn load(path: &Path, layout: &Layout, device: Device) -> Result<Tensor, Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = if folder.join(STATE).exists() {
        State::read(folder)?.read_file(folder, &name)?
    } else {
        fs::read(path).map_err(|e| refuse(path, e.to_string()))?
    };
    Ok(parse(path, &bytes, layout)?.to_device(device))
}

fn parse(path: &Path, bytes: &[u8], layout: &Layout) -> Result<Tensor, Error> {
    layout
        .read_safetensors(bytes)
        .map_err(|e| refuse(path, e.to_string()))
}

fn file_name(part: &str) -> String {
    format!("{part}.safetensors")
}
