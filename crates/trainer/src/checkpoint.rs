//! Checkpoints: the state of a GAN in training as one safetensors file.
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

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gan_models::Layout;
use run_dir::RunDir;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::Error;
use crate::checkpoint_file::{self as file, MAX_CHECKPOINT, refuse};
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunFiles {
    /// SHA-256 of `config.toml`, in hexadecimal.
    config_sha256: String,
    /// Version 0.2.0 held the hashes of rows here.
    #[serde(default, skip_serializing)]
    rows: IgnoredAny,
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
    /// run, and `config_sha256` is that of its `config.toml`.
    ///
    /// # Errors
    /// [`Error::Run`] if a file cannot be written; [`Error::Encode`].
    pub fn save(
        run: &RunDir,
        path: &Path,
        gan: &Gan,
        train: TrainState,
        number: u64,
        config_sha256: &str,
    ) -> Result<(), Error> {
        let state = CheckpointState {
            format: FORMAT,
            number,
            train,
            generator_updates: gan.generator.optimizer.updates(),
            discriminator_updates: gan.discriminator.optimizer.updates(),
            run: RunFiles { config_sha256: config_sha256.to_owned(), rows: IgnoredAny },
        };
        file::write(run, path, &encode(gan, &state)?)
    }

    /// Reads the file `path` of `run` and compares its hash.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if a file is missing or damaged; [`Error::Run`] if
    /// the operating system cannot read it, or if it is no regular file.
    pub fn read(run: &RunDir, path: &Path) -> Result<Checkpoint, Error> {
        let bytes = file::read(run, path)?;
        let state = SafeTensors::read_metadata(&bytes)
            .map_err(|e| e.to_string())
            .and_then(|(_, header)| state(header.metadata().as_ref()))
            .map_err(|reason| refuse(path, reason))?;
        Ok(Checkpoint { path: path.to_owned(), bytes, state })
    }

    /// The number of the checkpoint at `path` in its run, without a comparison of
    /// its hash; `None` if the file is no checkpoint.
    pub(crate) fn number(run: &RunDir, path: &Path) -> Option<u64> {
        state(file::metadata(run, path).as_ref()).ok().map(|state| state.number)
    }

    /// Its metadata.
    pub fn state(&self) -> &CheckpointState {
        &self.state
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

/// The safetensors file of `gan` with the metadata `state`.
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
