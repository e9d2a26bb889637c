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
//!                                  its SHA-256, as `sha256sum` writes it; a second line
//!                                  while the file is replaced
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use gan_models::Layout;
use mnist_io::{sha256_hex, sha256_of_reader};
use run_dir::{MAX_ROW_FILE, RunDir};
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

impl Prefix {
    /// The first bytes, at most `limit`; `None` if there is no file.
    fn read(run: &RunDir, path: &Path, limit: u64) -> Result<Option<Prefix>, Error> {
        match run.open_file(path, MAX_ROW_FILE) {
            Ok(file) => {
                let (bytes, sha256) =
                    sha256_of_reader(file.take(limit)).map_err(|e| io("read", path, e))?;
                Ok(Some(Prefix { bytes, sha256 }))
            }
            Err(e) if e.io_kind() == Some(ErrorKind::NotFound) => Ok(None),
            // Any other error may be temporary, and the file may be valid.
            Err(e) => Err(e.into()),
        }
    }
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
            if let Some(prefix) = Prefix::read(run, &path, MAX_ROW_FILE)? {
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
            let found = Prefix::read(run, &path, prefix.bytes)?;
            if found.is_some_and(|found| found != *prefix) {
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
    /// Saves `gan` as the file `path` of `run`. `number` counts the checkpoints of the
    /// run, and `files` are the hashes of its files.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be written; [`Error::Encode`].
    pub fn save(
        run: &RunDir,
        path: &Path,
        gan: &Gan,
        train: TrainState,
        number: u64,
        files: RunFiles,
    ) -> Result<(), Error> {
        // Without its hash a checkpoint is not valid, so the hash comes first.
        let bytes = encode(gan, train, number, files)?;
        run.write(&hash_path(path), |w| w.write_all(hash_line(path, &bytes).as_bytes()))?;
        Ok(run.write(path, |w| w.write_all(&bytes))?)
    }

    /// Saves the checkpoint again if `files` are other hashes of the run's files. `gan`
    /// has its state. If the process is killed, the old or the new checkpoint is valid.
    pub(crate) fn update(&self, run: &RunDir, gan: &Gan, files: RunFiles) -> Result<(), Error> {
        if self.state.run == files {
            return Ok(());
        }
        let bytes = encode(gan, self.state.train, self.state.number, files)?;
        let (path, new) = (&self.path, hash_line(&self.path, &bytes));
        let both = hash_line(path, &self.bytes) + &new;
        run.write(&hash_path(path), |w| w.write_all(both.as_bytes()))?;
        run.write(path, |w| w.write_all(&bytes))?;
        Ok(run.write(&hash_path(path), |w| w.write_all(new.as_bytes()))?)
    }

    /// Reads the file `path` of `run` and compares its hash.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if a file is missing or damaged; [`Error::Run`] if
    /// the operating system cannot read it, or if it is no regular file.
    pub fn read(run: &RunDir, path: &Path) -> Result<Checkpoint, Error> {
        let hash_path = hash_path(path);
        let hashes = open(run, &hash_path).and_then(|file| {
            let mut lines = Vec::new();
            file.take(MAX_HASH_FILE)
                .read_to_end(&mut lines)
                .map_err(|e| io("read", &hash_path, e))?;
            hashes(&lines, path)
                .ok_or_else(|| refuse(&hash_path, "it is damaged: it holds no SHA-256 of the file"))
        })?;
        let file = open(run, path)?;
        let (mut bytes, header) = read_header(&file).map_err(|e| io("read", path, e))?;
        let length = file.metadata().map_err(|e| io("read", path, e))?.len();
        let described = header.and_then(|header| header.file_length(bytes.len()));
        if described != Some(length) || length > MAX_CHECKPOINT {
            let reason = format!("it is damaged: its header does not describe {length} bytes");
            return Err(refuse(path, reason));
        }
        file.take(length).read_to_end(&mut bytes).map_err(|e| io("read", path, e))?;
        let found = sha256_hex(&bytes);
        if !hashes.contains(&found) {
            let (hash, wanted) = (file_name(&hash_path), hashes.join(" or "));
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
    pub(crate) fn number(run: &RunDir, path: &Path) -> Option<u64> {
        let (_, header) = read_header(&open(run, path).ok()?).ok()?;
        state(Some(&header?.metadata)).ok().map(|state| state.number)
    }

    /// Removes the checkpoint at `path` and its hash.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be removed.
    pub(crate) fn remove(run: &RunDir, path: &Path) -> Result<(), Error> {
        run.remove(path)?;
        Ok(run.remove(&hash_path(path))?)
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
        if self.state.run.config_sha256 == run.config_sha256()? {
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

/// Upper limit of the size of a file with hashes, in bytes.
const MAX_HASH_FILE: u64 = 1 << 10;

/// Upper limit of the size of the names of all tensors and the metadata, in bytes.
const MAX_HEADER: u64 = 1 << 24;

/// Upper limit of the size of a checkpoint, in bytes: 4 GiB.
const MAX_CHECKPOINT: u64 = 1 << 32;

/// The header of a safetensors file. The safetensors crate reads a header only
/// together with its tensors.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: HashMap<String, String>,
    #[serde(flatten)]
    tensors: HashMap<String, Place>,
}

#[derive(Deserialize)]
struct Place {
    data_offsets: [u64; 2],
}

impl Header {
    /// The length of the file, whose first `start` bytes are the header.
    fn file_length(&self, start: usize) -> Option<u64> {
        let ends = self.tensors.values().map(|place| place.data_offsets[1]);
        ends.max().unwrap_or(0).checked_add(start as u64)
    }
}

/// Reads the header at the start of a file: its bytes, and the header if it is valid.
fn read_header(file: &File) -> io::Result<(Vec<u8>, Option<Header>)> {
    let mut bytes = Vec::new();
    file.take(8).read_to_end(&mut bytes)?;
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    file.take(length.min(MAX_HEADER)).read_to_end(&mut bytes)?;
    let header = bytes.get(8..).and_then(|json| serde_json::from_slice(json).ok());
    Ok((bytes, header))
}

/// A line of the file with the hash of the checkpoint `path`.
fn hash_line(path: &Path, bytes: &[u8]) -> String {
    format!("{}  {}\n", sha256_hex(bytes), file_name(path))
}

/// The hashes in `lines` of [`hash_line`]; `None` without lines or if one is damaged.
fn hashes(lines: &[u8], path: &Path) -> Option<Vec<String>> {
    let end = format!("  {}\n", file_name(path));
    let lines = std::str::from_utf8(lines).ok()?.split_inclusive('\n');
    let hash = |line: &str| Some(line.strip_suffix(&end).filter(|h| h.len() == 64)?.to_owned());
    lines.map(hash).collect::<Option<Vec<_>>>().filter(|hashes| !hashes.is_empty())
}

/// `000300.safetensors.sha256` for `000300.safetensors`.
fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("safetensors.sha256")
}

fn encode(gan: &Gan, train: TrainState, number: u64, run: RunFiles) -> Result<Vec<u8>, Error> {
    let state = CheckpointState {
        format: FORMAT,
        number,
        train,
        generator_updates: gan.generator.optimizer.updates(),
        discriminator_updates: gan.discriminator.optimizer.updates(),
        run,
    };
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
    let json = serde_json::to_string(&state).map_err(|e| Error::Encode(e.to_string()))?;
    let metadata = HashMap::from([("state".to_owned(), json)]);
    let bytes = views
        .and_then(|views| serialize(views, Some(metadata)))
        .map_err(|e| Error::Encode(e.to_string()))?;
    match bytes.len() as u64 > MAX_CHECKPOINT {
        true => Err(Error::Encode(format!("it has more than {MAX_CHECKPOINT} bytes"))),
        false => Ok(bytes),
    }
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

/// Opens a file of a checkpoint.
fn open(run: &RunDir, path: &Path) -> Result<File, Error> {
    run.open_file(path, u64::MAX).map_err(|e| match e.io_kind() {
        Some(ErrorKind::NotFound) => refuse(path, "it is missing"),
        // Any other error may be temporary, and the file may be valid.
        _ => e.into(),
    })
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn io(action: &'static str, path: &Path, reason: io::Error) -> Error {
    Error::Run(run_dir::Error::Io { action, path: path.to_owned(), reason })
}

fn refuse(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), reason: reason.into() }
}
