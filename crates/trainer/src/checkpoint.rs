//! Checkpoints: the state of a GAN in training as one safetensors file, with its
//! SHA-256 in a file beside it.
//!
//! ```text
//! checkpoints/000300.safetensors
//!   generator.NAME                 each parameter of G, f32
//!   generator_adam_mean.NAME, …    the state of its optimizer
//!   generator_ema.NAME             G's averaged parameters, if there is an average
//!   discriminator.NAME, …          the same of D
//!   discriminator_spectral.NAME    singular vectors of spectral normalization
//!   __metadata__.state             a [`CheckpointState`] as JSON
//! checkpoints/000300.safetensors.sha256
//!                                  its SHA-256, as `sha256sum` writes it
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use gan_models::Layout;
use mnist_io::sha256_hex;
use run_dir::{RunDir, write_atomic};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::Error;
use crate::gan::Gan;

/// The format of checkpoints that this version reads and writes.
const FORMAT: u32 = 2;

/// A position in training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainState {
    /// Completed steps.
    pub step: u64,
    /// Real images that D was trained on, with repetitions, without pretraining.
    pub images_seen: u64,
    /// Seconds of training, without evaluations and figures.
    pub seconds: f64,
    /// The step of the last snapshot of the schedule.
    pub last_snapshot: u64,
    /// Whether the schedule is completed.
    pub finished: bool,
}

/// The metadata of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointState {
    format: u32,
    /// The number of this checkpoint in its run, from 1.
    pub number: u64,
    /// The position in training.
    pub train: TrainState,
    /// Updates that G's optimizer counted.
    generator_updates: u64,
    /// Updates that D's optimizer counted.
    discriminator_updates: u64,
    /// The run's files that belong to the checkpoint.
    run: RunFiles,
}

/// Hashes of the files of a run that belong to a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFiles {
    config_sha256: String,
    /// The row files by name.
    rows: BTreeMap<String, Prefix>,
}

/// The first bytes of a file to which rows are appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefix {
    bytes: u64,
    sha256: String,
}

impl RunFiles {
    /// The hashes of the row files of `run` at this moment; `config_sha256` is that
    /// of its `config.toml`.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be read.
    pub fn new(run: &RunDir, config_sha256: &str) -> Result<RunFiles, Error> {
        let mut rows = BTreeMap::new();
        for path in run.row_files() {
            if let Some(bytes) = read_if_present(&path, u64::MAX)? {
                let prefix = Prefix { bytes: bytes.len() as u64, sha256: sha256_hex(&bytes) };
                rows.insert(file_name(&path), prefix);
            }
        }
        Ok(RunFiles { config_sha256: config_sha256.to_owned(), rows })
    }

    /// Rejects a run whose row files are not those of the checkpoint `path`. Later
    /// rows and removed row files are accepted.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the changed file; [`Error::Run`] if a file cannot
    /// be read.
    fn check(&self, run: &RunDir, path: &Path) -> Result<(), Error> {
        let checkpoint = path.display();
        for path in run.row_files() {
            let Some(prefix) = self.rows.get(&file_name(&path)) else {
                continue;
            };
            let found = read_if_present(&path, prefix.bytes)?;
            if found.is_some_and(|bytes| sha256_hex(&bytes) != prefix.sha256) {
                let reason = format!(
                    "it is damaged: its first {} bytes changed after {checkpoint} was saved; \
                     restore them, or remove the file to continue without its rows",
                    prefix.bytes
                );
                return Err(refuse(&path, reason));
            }
        }
        Ok(())
    }
}

/// A checkpoint whose hash matches.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    state: CheckpointState,
}

impl Checkpoint {
    /// Saves `gan` as the file `path`. `number` counts the checkpoints of the run,
    /// and `run` are the hashes of its files.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be written; [`Error::Encode`].
    pub fn save(
        path: &Path,
        gan: &Gan,
        train: TrainState,
        number: u64,
        run: RunFiles,
    ) -> Result<(), Error> {
        let state = CheckpointState {
            format: FORMAT,
            number,
            train,
            generator_updates: gan.generator.optimizer.updates(),
            discriminator_updates: gan.discriminator.optimizer.updates(),
            run,
        };
        let bytes = encode(gan, &state)?;
        let sha256 = format!("{}  {}\n", sha256_hex(&bytes), file_name(path));
        // Without its hash a checkpoint is not valid, so the hash comes first.
        write_atomic(&hash_path(path), |w| w.write_all(sha256.as_bytes()))?;
        write_atomic(path, |w| w.write_all(&bytes))?;
        Ok(())
    }

    /// Reads the file `path` and compares its hash.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if a file is missing or damaged; [`Error::Run`] if
    /// the operating system cannot read it.
    pub fn read(path: &Path) -> Result<Checkpoint, Error> {
        let hash_path = hash_path(path);
        let line = read(&hash_path, MAX_HASH_FILE)?;
        let hash = file_name(&hash_path);
        let wanted = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| line.strip_suffix(&format!("  {}\n", file_name(path))))
            .filter(|sha256| sha256.len() == 64)
            .ok_or_else(|| refuse(&hash_path, "it is damaged: it holds no SHA-256 of the file"))?;
        let bytes = read(path, u64::MAX)?;
        let found = sha256_hex(&bytes);
        if found != wanted {
            let reason = format!("it is damaged: its SHA-256 is {found}, but {hash} has {wanted}");
            return Err(refuse(path, reason));
        }
        let state = SafeTensors::read_metadata(&bytes)
            .map_err(|e| e.to_string())
            .and_then(|(_, header)| state(header.metadata().as_ref()))
            .map_err(|reason| refuse(path, reason))?;
        Ok(Checkpoint { path: path.to_owned(), bytes, state })
    }

    /// The number of the checkpoint at `path` in its run, without a comparison of
    /// its hash; `None` if the file is no checkpoint.
    pub(crate) fn number(path: &Path) -> Option<u64> {
        // The safetensors crate refuses a header without its tensors.
        #[derive(Deserialize)]
        struct Header {
            #[serde(rename = "__metadata__")]
            metadata: HashMap<String, String>,
        }
        let mut file = File::open(path).ok()?;
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        if length > MAX_HEADER {
            return None;
        }
        let mut header = Vec::new();
        file.take(length).read_to_end(&mut header).ok()?;
        let header: Header = serde_json::from_slice(&header).ok()?;
        state(Some(&header.metadata)).ok().map(|state| state.number)
    }

    /// Removes the checkpoint at `path` and its hash.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be removed.
    pub(crate) fn remove(path: &Path) -> Result<(), Error> {
        for path in [path, &hash_path(path)] {
            match fs::remove_file(path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(io("remove", path, e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Its metadata.
    pub fn state(&self) -> &CheckpointState {
        &self.state
    }

    /// Rejects a run whose configuration or rows are not those of the checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the changed file; [`Error::Run`].
    pub fn check_run(&self, run: &RunDir) -> Result<(), Error> {
        self.check_config(run)?;
        self.state.run.check(run, &self.path)
    }

    /// Rejects a run whose configuration is not that of the checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the changed file; [`Error::Run`].
    pub fn check_config(&self, run: &RunDir) -> Result<(), Error> {
        if self.state.run.config_sha256 == config_sha256(run)? {
            return Ok(());
        }
        let reason = format!("it changed after {} was saved; restore it", self.path.display());
        Err(refuse(&run.config_path(), reason))
    }

    /// Restores `gan`, which must have the same networks and settings.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the tensors have other names or shapes; `gan` is
    /// unchanged then.
    pub fn restore(&self, gan: &mut Gan) -> Result<(), Error> {
        let file = self.tensors()?;
        let mut pairs = Vec::new();
        let mut count = 0;
        for (name, layout, flat) in gan.state() {
            count += layout.params().len();
            pairs.push((flat, self.part(&file, &name, layout)?));
        }
        if count != file.len() {
            let reason = format!("it holds {} tensors, the networks have {count}", file.len());
            return Err(refuse(&self.path, reason));
        }
        for (mut flat, saved) in pairs {
            flat.copy_(&saved);
        }
        let state = &self.state;
        gan.generator.optimizer.set_updates(state.generator_updates);
        gan.discriminator.optimizer.set_updates(state.discriminator_updates);
        Ok(())
    }

    /// The parameters of G that samples are drawn from, f32 `[numel]` of `layout`:
    /// the average if there is one.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the tensors have other names or shapes.
    pub fn sampling_parameters(&self, layout: &Layout) -> Result<Tensor, Error> {
        let file = self.tensors()?;
        let averaged = file.names().iter().any(|name| name.starts_with("generator_ema."));
        let name = if averaged { "generator_ema" } else { "generator" };
        self.part(&file, name, layout)
    }

    /// One part of the state, f32 `[numel]` of `layout` on the CPU.
    fn part(&self, file: &SafeTensors, name: &str, layout: &Layout) -> Result<Tensor, Error> {
        layout
            .read_tensors(&format!("{name}."), file)
            .map_err(|e| refuse(&self.path, e.to_string()))
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes).map_err(|e| refuse(&self.path, e.to_string()))
    }
}

/// Upper limit of the size of a file with a hash and a name.
const MAX_HASH_FILE: u64 = 4096;

/// Upper limit of the size of the names of all tensors and the metadata.
const MAX_HEADER: u64 = 1 << 24;

/// `000300.safetensors.sha256` for `000300.safetensors`.
fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("safetensors.sha256")
}

fn encode(gan: &Gan, state: &CheckpointState) -> Result<Vec<u8>, Error> {
    let mut tensors = Vec::new();
    for (name, layout, flat) in gan.state() {
        let part = layout.named_tensors(&format!("{name}."), &flat);
        tensors.extend(part.map_err(|e| Error::Encode(e.to_string()))?);
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)?;
        Ok((name.as_str(), view))
    });
    let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
    let json = serde_json::to_string(state).map_err(|e| Error::Encode(e.to_string()))?;
    let metadata = HashMap::from([("state".to_owned(), json)]);
    views
        .and_then(|views| serialize(views, Some(metadata)))
        .map_err(|e| Error::Encode(e.to_string()))
}

/// The state in the metadata of a safetensors file.
fn state(metadata: Option<&HashMap<String, String>>) -> Result<CheckpointState, String> {
    let json = metadata.and_then(|all| all.get("state"));
    let json = json.ok_or("it is no checkpoint: it holds no state")?;
    let state: CheckpointState = serde_json::from_str(json).map_err(|e| e.to_string())?;
    if state.format == FORMAT {
        Ok(state)
    } else {
        Err(format!("it has format {}, but this version reads format {FORMAT}", state.format))
    }
}

/// The SHA-256 of the run's `config.toml`.
pub(crate) fn config_sha256(run: &RunDir) -> Result<String, Error> {
    Ok(sha256_hex(&read(&run.config_path(), u64::MAX)?))
}

/// At most `limit` bytes of a file; `None` if there is no file.
fn read_if_present(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    match File::open(path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes).map_err(|e| io("read", path, e))?;
            Ok(Some(bytes))
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        // Any other error may be temporary, and the file may be valid.
        Err(e) => Err(io("read", path, e)),
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    read_if_present(path, limit)?.ok_or_else(|| refuse(path, "it is missing"))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn io(action: &'static str, path: &Path, reason: std::io::Error) -> Error {
    Error::Run(run_dir::Error::Io { action, path: path.to_owned(), reason })
}

fn refuse(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), reason: reason.into() }
}
