//! What a checkpoint says of itself: how far the run was, and a hash of every
//! byte that it vouches for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use mnist_io::sha256_hex;
use run_dir::RunDir;
use serde::{Deserialize, Serialize};

use crate::Error;

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
    /// What the run's row files held, by name; nothing in checkpoints of early
    /// versions.
    #[serde(default)]
    pub(super) rows: BTreeMap<String, Stored>,
    pub(super) files: BTreeMap<String, Stored>,
}

/// The files of a run that a checkpoint goes with, as they were when it was
/// saved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFiles {
    pub(super) config_sha256: String,
    pub(super) rows: BTreeMap<String, Stored>,
}

/// A file, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    bytes: u64,
    sha256: String,
}

impl Stored {
    pub fn of(bytes: &[u8]) -> Stored {
        Stored {
            bytes: bytes.len() as u64,
            sha256: sha256_hex(bytes),
        }
    }
}

impl RunFiles {
    /// As the files of `run` are now; `config_sha256` is that of its `config.toml`.
    ///
    /// # Errors
    /// Where a row file cannot be read.
    pub fn of(run: &RunDir, config_sha256: &str) -> Result<RunFiles, Error> {
        let mut rows = BTreeMap::new();
        for path in run.row_files() {
            if let Some(bytes) = read_rows(&path, u64::MAX)? {
                rows.insert(name_of(&path), Stored::of(&bytes));
            }
        }
        Ok(RunFiles {
            config_sha256: config_sha256.to_owned(),
            rows,
        })
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The first bytes of a row file, at most `limit`; none where there is no file.
fn read_rows(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    match File::open(path) {
        Ok(file) => Ok(Some(read(path, file, limit)?)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unreadable(path, e)),
    }
}

impl State {
    /// Reads and checks the `state.toml` of the checkpoint `folder`.
    ///
    /// # Errors
    /// As [`Whole::read`](super::Whole::read).
    pub fn read(folder: &Path) -> Result<State, Error> {
        let path = folder.join(STATE);
        let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
        let bytes = read(&path, file, STATE_LIMIT)?;
        State::decode(&bytes).map_err(|reason| refuse(&path, reason))
    }

    /// Refuses a run whose files are not those that the checkpoint `folder` was
    /// saved with. Rows may have been added, and a row file that was taken away
    /// is not missed.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the file that was changed; where a row file
    /// cannot be read.
    pub fn check_run(&self, run: &RunDir, config_sha256: &str, folder: &Path) -> Result<(), Error> {
        let folder = folder.display();
        if self.config_sha256 != config_sha256 {
            let reason = format!("it was changed since {folder} was saved; put it back as it was");
            return Err(refuse(&run.config_path(), reason));
        }
        for path in run.row_files() {
            let Some(stored) = self.rows.get(&name_of(&path)) else {
                continue;
            };
            let found = read_rows(&path, stored.bytes)?;
            if found.is_some_and(|bytes| Stored::of(&bytes) != *stored) {
                let reason = format!(
                    "it is damaged: its first {} bytes are not those that {folder} was saved \
                     with; put them back, or take the file away to go on without its rows",
                    stored.bytes
                );
                return Err(refuse(&path, reason));
            }
        }
        Ok(())
    }
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
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
    pub(super) fn open(
        &self,
        folder: &Path,
        name: &str,
    ) -> Result<(PathBuf, File, &Stored), Error> {
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
    pub(super) fn read_file(&self, folder: &Path, name: &str) -> Result<Vec<u8>, Error> {
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

pub(super) fn refuse(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint {
        path: path.to_owned(),
        reason: reason.into(),
    }
}
