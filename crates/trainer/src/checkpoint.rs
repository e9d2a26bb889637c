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
//! `state.toml` names the size and the SHA-256 of every other file, and ends in
//! a comment with the SHA-256 of all its bytes before. Nothing is loaded whose
//! hash does not match.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use gan_models::Layout;
use mnist_io::sha256_hex;
use run_dir::{write_atomic, write_dir_atomic};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::Error;
use crate::game::{AVERAGE, Game};

/// The file that samples are made from.
pub const SAMPLING: &str = "generator-average.safetensors";

/// The file that vouches for the others.
pub const STATE: &str = "state.toml";

/// What the last line of [`STATE`] begins with.
const SEAL: &str = "# sha256 ";

/// More bytes than any [`STATE`] has.
const STATE_LIMIT: u64 = 1 << 16;

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Steps finished.
    pub step: u64,
    /// Originals shown to D.
    pub images_seen: u64,
    /// Seconds on the clock of training.
    pub seconds: f64,
    /// The step of the last snapshot that the schedule asked for.
    pub last_snapshot: u64,
    /// Whether the schedule is finished.
    pub finished: bool,
}

/// What `state.toml` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Counts the checkpoints of a run, from 1.
    pub number: u64,
    /// SHA-256 of the run's `config.toml`.
    pub config_sha256: String,
    /// Updates that G's optimizer counted.
    pub generator_updates: u64,
    /// Updates that D's optimizer counted.
    pub discriminator_updates: u64,
    /// How far the run was.
    pub progress: Progress,
    files: BTreeMap<String, Stored>,
}

/// A file beside `state.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    bytes: u64,
    sha256: String,
}

/// Saves `game` as the folder `path`: written aside, flushed to the disk, and
/// renamed. `number` and `config_sha256` are those of [`State`].
///
/// # Errors
/// Where the folder cannot be written.
pub fn save(
    path: &Path,
    game: &Game,
    progress: Progress,
    number: u64,
    config_sha256: &str,
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
    let stored = |bytes: &Vec<u8>| Stored {
        bytes: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    };
    let state = State {
        number,
        config_sha256: config_sha256.to_owned(),
        generator_updates: game.g.optimizer.updates(),
        discriminator_updates: game.d.optimizer.updates(),
        progress,
        files: files.iter().map(|(n, b)| (n.clone(), stored(b))).collect(),
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

impl State {
    /// Reads and checks the `state.toml` of the checkpoint `folder`.
    ///
    /// # Errors
    /// As [`Whole::read`].
    pub fn read(folder: &Path) -> Result<State, Error> {
        let path = folder.join(STATE);
        let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
        let bytes = read(&path, file, STATE_LIMIT)?;
        State::decode(&bytes).map_err(|reason| refuse(&path, reason))
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let text = toml::to_string(self).map_err(|e| Error::Encode(e.to_string()))?;
        let seal = sha256_hex(text.as_bytes());
        Ok(format!("{text}{SEAL}{seal}\n").into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<State, String> {
        // The seal has a fixed length: 64 digits and a line end.
        let start = bytes.len().checked_sub(SEAL.len() + 65);
        let (text, seal) = bytes.split_at(start.unwrap_or(0));
        if format!("{SEAL}{}\n", sha256_hex(text)).as_bytes() != seal {
            return Err("it is not whole: its last line is not the SHA-256 of the others".into());
        }
        let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
        toml::from_str(text).map_err(|e| e.message().to_owned())
    }

    /// One file of the checkpoint `folder`, if it is as long as it was.
    fn open(&self, folder: &Path, name: &str) -> Result<(PathBuf, File, &Stored), Error> {
        // A name from the file, and no way out of the folder.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(refuse(&folder.join(STATE), format!("{name:?} is no name")));
        }
        let path = folder.join(name);
        let Some(stored) = self.files.get(name) else {
            return Err(refuse(&path, "it is not part of the checkpoint"));
        };
        let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
        let found = file.metadata().map_err(|e| unreadable(&path, e))?.len();
        if found == stored.bytes {
            return Ok((path, file, stored));
        }
        let wanted = stored.bytes;
        let reason = format!("it is damaged: it has {found} bytes, not {wanted}");
        Err(refuse(&path, reason))
    }

    /// Its bytes, if they are those that were saved.
    fn read_file(&self, folder: &Path, name: &str) -> Result<Vec<u8>, Error> {
        let (path, file, stored) = self.open(folder, name)?;
        let bytes = read(&path, file, stored.bytes)?;
        let (found, wanted) = (sha256_hex(&bytes), &stored.sha256);
        if found == *wanted {
            return Ok(bytes);
        }
        let reason = format!("it is damaged: its SHA-256 is {found}, not {wanted}");
        Err(refuse(&path, reason))
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

/// The first bytes of a file, at most `limit`.
fn read(path: &Path, file: File, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut start = file.take(limit);
    start
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(path, e))?;
    Ok(bytes)
}

/// What is not there belongs to a broken checkpoint; anything else is the
/// system's refusal, and the checkpoint may be whole.
fn unreadable(path: &Path, reason: std::io::Error) -> Error {
    match reason.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => refuse(path, "it is missing"),
        _ => Error::Run(run_dir::Error::Io {
            action: "read",
            path: path.to_owned(),
            reason,
        }),
    }
}

fn file_name(part: &str) -> String {
    format!("{part}.safetensors")
}

fn refuse(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint {
        path: path.to_owned(),
        reason: reason.into(),
    }
}
