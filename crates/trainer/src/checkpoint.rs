//! Checkpoints: the state of a GAN in training as one safetensors file.
//!
//! ```text
//! checkpoints/000300.safetensors
//!   generator.NAME                 each parameter of G, f32
//!   generator_adam_mean.NAME, …    the state of its optimizer
//!   generator_ema.NAME             G's averaged parameters, if there is an average
//!   discriminator.NAME, …          the same of D
//!   discriminator_spectral.NAME    singular vectors of spectral normalization
//!   __metadata__.state             a [`CheckpointMetadata`] as JSON
//! checkpoints/000300.safetensors.sha256
//!                                  its SHA-256, as `sha256sum` writes it
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gan_models::ParamLayout;
use gan_models::encoding::{SafeTensors, encode_tensors};
use run_dir::RunDir;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::Error;
use crate::checkpoint_file::{self, MAX_CHECKPOINT, checkpoint_error};
use crate::gan::Gan;

/// The format of checkpoints that this version reads and writes.
const FORMAT: u32 = 3;

/// The counters of training: its position in the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainState {
    /// Completed steps.
    pub step: u64,
    /// Real images that D was trained on, with repetitions, without pretraining.
    pub images_seen: u64,
    /// Seconds of training, without evaluations, snapshots and checkpoints.
    pub seconds: f64,
    /// The last step at which a snapshot was due. Resuming deletes later snapshots.
    pub last_snapshot: u64,
    /// Whether the schedule is completed.
    pub finished: bool,
}

/// The metadata of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointMetadata {
    format: u32,
    /// The number of this checkpoint in its run, from 1.
    pub number: u64,
    /// The position in training.
    pub train: TrainState,
    /// Updates that G's optimizer counted.
    generator_updates: u64,
    /// Updates that D's optimizer counted.
    discriminator_updates: u64,
    /// SHA-256 of the run's `config.toml`, in hexadecimal.
    config_sha256: String,
}

/// A checkpoint file whose SHA-256 was verified.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    metadata: CheckpointMetadata,
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
        let metadata = CheckpointMetadata {
            format: FORMAT,
            number,
            train,
            generator_updates: gan.generator.optimizer.updates(),
            discriminator_updates: gan.discriminator.optimizer.updates(),
            config_sha256: config_sha256.to_owned(),
        };
        checkpoint_file::write(run, path, &encode(gan, &metadata)?)
    }

    /// Reads the file `path` of `run` and verifies its SHA-256.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if a file is missing or damaged; [`Error::Run`] if
    /// the operating system cannot read it, or if it is no regular file.
    pub fn read(run: &RunDir, path: &Path) -> Result<Checkpoint, Error> {
        let bytes = checkpoint_file::read(run, path)?;
        let metadata = SafeTensors::read_metadata(&bytes)
            .map_err(|e| e.to_string())
            .and_then(|(_, header)| parse_metadata(header.metadata().as_ref()))
            .map_err(|reason| checkpoint_error(path, reason))?;
        Ok(Checkpoint { path: path.to_owned(), bytes, metadata })
    }

    /// The number of the checkpoint at `path` in its run, without verifying its
    /// SHA-256; `None` if the file is no checkpoint.
    pub(crate) fn number(run: &RunDir, path: &Path) -> Option<u64> {
        let metadata = checkpoint_file::metadata(run, path);
        Some(parse_metadata(metadata.as_ref()).ok()?.number)
    }

    /// Its metadata.
    pub fn metadata(&self) -> &CheckpointMetadata {
        &self.metadata
    }

    /// Rejects a run whose configuration is not that of the checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with the changed file; [`Error::Run`].
    pub fn check_config(&self, run: &RunDir) -> Result<(), Error> {
        if self.metadata.config_sha256 == run.config_sha256()? {
            return Ok(());
        }
        let reason = format!("it changed after {} was saved; restore it", self.path.display());
        Err(checkpoint_error(&run.config_path(), reason))
    }

    /// Restores `gan`, which must have the same networks and settings.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the tensors have other names or shapes; `gan` is
    /// unchanged then.
    pub fn restore(&self, gan: &mut Gan) -> Result<(), Error> {
        let tensors = self.safetensors()?;
        let mut pairs = Vec::new();
        let mut count = 0;
        for (name, layout, flat) in gan.state_dict() {
            count += layout.params().len();
            pairs.push((flat, self.part(&tensors, &name, layout)?));
        }
        if count != tensors.len() {
            let reason = format!("it holds {} tensors, the networks have {count}", tensors.len());
            return Err(checkpoint_error(&self.path, reason));
        }
        for (mut flat, saved) in pairs {
            flat.copy_(&saved);
        }
        let metadata = &self.metadata;
        gan.generator.optimizer.set_updates(metadata.generator_updates);
        gan.discriminator.optimizer.set_updates(metadata.discriminator_updates);
        Ok(())
    }

    /// The parameters of G that samples are drawn from, f32 `[numel]` of `layout`:
    /// the average if there is one.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if the tensors have other names or shapes.
    pub fn generator_inference_parameters(&self, layout: &ParamLayout) -> Result<Tensor, Error> {
        let tensors = self.safetensors()?;
        let averaged = tensors.names().iter().any(|name| name.starts_with("generator_ema."));
        let name = if averaged { "generator_ema" } else { "generator" };
        self.part(&tensors, name, layout)
    }

    /// One part of the state, f32 `[numel]` of `layout` on the CPU.
    fn part(
        &self,
        tensors: &SafeTensors,
        name: &str,
        layout: &ParamLayout,
    ) -> Result<Tensor, Error> {
        layout
            .read_tensors(&format!("{name}."), tensors)
            .map_err(|e| checkpoint_error(&self.path, e.to_string()))
    }

    fn safetensors(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes)
            .map_err(|e| checkpoint_error(&self.path, e.to_string()))
    }
}

/// The safetensors file of `gan` with its metadata.
fn encode(gan: &Gan, metadata: &CheckpointMetadata) -> Result<Vec<u8>, Error> {
    let mut tensors = Vec::new();
    for (name, layout, flat) in gan.state_dict() {
        let part = layout.named_tensors(&format!("{name}."), &flat);
        tensors.extend(part.map_err(|e| Error::Encode(e.to_string()))?);
    }
    let json = serde_json::to_string(metadata).map_err(|e| Error::Encode(e.to_string()))?;
    let header = HashMap::from([("state".to_owned(), json)]);
    let bytes = encode_tensors(&tensors, Some(header)).map_err(|e| Error::Encode(e.to_string()))?;
    if bytes.len() as u64 > MAX_CHECKPOINT {
        return Err(Error::Encode(format!("it has more than {MAX_CHECKPOINT} bytes")));
    }
    Ok(bytes)
}

/// The metadata of a checkpoint in the header of its file.
fn parse_metadata(header: Option<&HashMap<String, String>>) -> Result<CheckpointMetadata, String> {
    let json = header.and_then(|all| all.get("state"));
    let json = json.ok_or("it is no checkpoint: it holds no state")?;
    let metadata: CheckpointMetadata = serde_json::from_str(json).map_err(|e| e.to_string())?;
    if metadata.format == FORMAT {
        Ok(metadata)
    } else {
        Err(format!("it has format {}, but this version reads format {FORMAT}", metadata.format))
    }
}
