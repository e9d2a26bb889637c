//! Locks a run, saves its checkpoints, removes old ones, and resumes from the newest valid one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gan_config::FigureLayout;
use run_dir::{RewindPoint, RunDir, RunLock};

use crate::Error;
use crate::checkpoint::{Checkpoint, TrainState};
use crate::checkpoint_file;
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::gan::Gan;
use crate::observer::Observer;

/// The last two checkpoints and every tenth stay.
const KEEP_EVERY: u64 = 10;

/// A locked run and its checkpoints.
#[derive(Debug)]
pub struct Checkpointer {
    run: RunDir,
    lock: RunLock,
    /// Time between checkpoints; `None`: save only at the end.
    interval: Option<Duration>,
    last_saved: Instant,
    /// Number and step of the newest checkpoint.
    newest: Option<(u64, u64)>,
    config_sha256: String,
    start: Start,
}

/// Where training begins.
#[derive(Debug)]
enum Start {
    /// At step 0, in a new folder.
    New,
    /// At step 0, after the rows, snapshots and checkpoints in the folder are deleted.
    Restart,
    /// At a checkpoint. Newer checkpoints are invalid.
    Resume { checkpoint: Box<Checkpoint>, invalid: Vec<PathBuf> },
}

impl Checkpointer {
    /// Creates the run directory `root`, which must be missing or empty. Training then saves
    /// a checkpoint every minute and one at the end. `preset` is the name in `config.toml`.
    ///
    /// # Errors
    /// [`Error::Run`] if the folder cannot be created or is not empty.
    pub fn create(
        root: &Path,
        preset: &str,
        config: &TrainConfig,
        data: &TrainData,
    ) -> Result<Checkpointer, Error> {
        let real = data.figure_images(config.networks.generator.image_side())?;
        let run_config = config.to_run_config(preset, FigureLayout::default(), None);
        let run = RunDir::create(root, &run_config, real.as_ref())?;
        Checkpointer::new(run, Some(Duration::from_secs(60)))
    }

    /// Locks the run. Training starts at step 0, and saves a checkpoint after each `interval`
    /// and one at the end.
    ///
    /// # Errors
    /// [`run_dir::Error::Locked`] if another process trains the run.
    pub fn new(run: RunDir, interval: Option<Duration>) -> Result<Checkpointer, Error> {
        let lock = run.lock()?;
        Ok(Checkpointer {
            config_sha256: run.config_sha256()?,
            run,
            lock,
            interval,
            last_saved: Instant::now(),
            newest: None,
            start: Start::New,
        })
    }

    /// As [`Checkpointer::new`] for a run that was stopped. Training resumes from
    /// the newest valid checkpoint. It begins at step 0 if the run has neither
    /// checkpoints nor [results](RunDir::has_results). Calls `skipped` with the error of
    /// each invalid checkpoint that is newer. The run's files stay unchanged until training
    /// begins.
    ///
    /// # Errors
    /// As [`Checkpointer::new`]; [`Error::NoValidCheckpoint`]; [`Error::Checkpoint`] if
    /// `config.toml` changed after the newest valid checkpoint;
    /// [`run_dir::Error::Damaged`] if any other file changed.
    pub fn resume(
        run: RunDir,
        interval: Option<Duration>,
        skipped: &mut dyn FnMut(&Error),
    ) -> Result<Checkpointer, Error> {
        let mut checkpointer = Checkpointer::new(run, interval)?;
        let run = &checkpointer.run;
        let mut invalid = Vec::new();
        let no_valid = || Error::NoValidCheckpoint { folder: run.checkpoints_dir() };
        for (_, path) in checkpoints(run)?.ok_or_else(no_valid)?.into_iter().rev() {
            match Checkpoint::read(run, &path) {
                Ok(checkpoint) => {
                    checkpoint.check_config(run)?;
                    run.check_files()?;
                    let metadata = checkpoint.metadata();
                    checkpointer.newest = Some((metadata.number, metadata.train.step));
                    let checkpoint = Box::new(checkpoint);
                    checkpointer.start = Start::Resume { checkpoint, invalid };
                    return Ok(checkpointer);
                }
                Err(error @ Error::Checkpoint { .. }) => {
                    skipped(&error);
                    invalid.push(path);
                }
                // A read error may be temporary, so the checkpoint may be valid.
                Err(error) => return Err(error),
            }
        }
        if !invalid.is_empty() || run.has_results()? {
            return Err(no_valid());
        }
        checkpointer.start = Start::Restart;
        Ok(checkpointer)
    }

    /// As [`Checkpointer::new`] for a run that was stopped. When training begins, it
    /// deletes the rows, snapshots and checkpoints of the run and starts at step 0.
    ///
    /// # Errors
    /// As [`Checkpointer::new`].
    pub fn restart(run: RunDir, interval: Option<Duration>) -> Result<Checkpointer, Error> {
        Ok(Checkpointer { start: Start::Restart, ..Checkpointer::new(run, interval)? })
    }

    /// The run directory.
    pub fn run_dir(&self) -> &RunDir {
        &self.run
    }

    /// The position in training that the run resumes from.
    pub fn resume_state(&self) -> Option<TrainState> {
        match &self.start {
            Start::Resume { checkpoint, .. } => Some(checkpoint.metadata().train),
            Start::New | Start::Restart => None,
        }
    }

    /// Whether the schedule is finished, and the samples, real images, nearest images,
    /// walks and, for `conditional` networks, the class grid exist. For synthetic data: whether
    /// the last row of densities is of the checkpoint's step.
    ///
    /// # Errors
    /// [`Error::Run`] if the run cannot be read.
    pub fn is_complete(&self, conditional: bool) -> Result<bool, Error> {
        let Some(TrainState { step, .. }) = self.resume_state().filter(|state| state.finished)
        else {
            return Ok(false);
        };
        let run = &self.run;
        if let Some(row) = run.densities()?.last() {
            return Ok(row.step == step);
        }
        let mut files = vec![run.snapshot_path(step), run.nearest_path(), run.latent_walk_path()];
        files.push(run.real_images_path());
        if conditional {
            files.push(run.class_rows_path());
        }
        for path in files {
            if !run.has_file(&path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Loads the checkpoint into `gan`, and deletes newer rows, snapshots and checkpoints.
    /// Returns the position in training, or `None` for step 0.
    pub(crate) fn restore_and_rewind(
        &mut self,
        gan: &mut Gan,
    ) -> Result<Option<TrainState>, Error> {
        self.last_saved = Instant::now();
        let run = &self.run;
        match std::mem::replace(&mut self.start, Start::New) {
            Start::New => Ok(None),
            Start::Restart => {
                // List the checkpoints first: if this fails, delete nothing.
                let checkpoints = checkpoints(run)?.unwrap_or_default();
                run.rewind(None)?;
                for (_, path) in checkpoints {
                    checkpoint_file::remove(run, &path)?;
                }
                Ok(None)
            }
            Start::Resume { checkpoint, invalid } => {
                checkpoint.restore(gan)?;
                let state = checkpoint.metadata().train;
                run.rewind(Some(RewindPoint {
                    step: state.step,
                    last_snapshot: state.last_snapshot,
                }))?;
                invalid.iter().try_for_each(|path| checkpoint_file::remove(run, path))?;
                Ok(Some(state))
            }
        }
    }

    /// Checks that this process still holds the lock of the run.
    ///
    /// # Errors
    /// [`run_dir::Error::LockReplaced`].
    pub(crate) fn check_lock(&self) -> Result<(), Error> {
        Ok(self.lock.check()?)
    }

    /// Whether a checkpoint is due.
    pub(crate) fn save_due(&self) -> bool {
        self.interval.is_some_and(|interval| self.last_saved.elapsed() >= interval)
    }

    /// Saves a checkpoint, unless there is one of this step, and removes old ones.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the state of `gan` is not finite; [`Error::Run`] if
    /// the disk cannot be written or another process can train the run.
    pub(crate) fn save(
        &mut self,
        gan: &Gan,
        state: TrainState,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        self.check_lock()?;
        let step = state.step;
        let number = match self.newest {
            Some((_, newest)) if newest == step => return Ok(()),
            Some((number, _)) => number + 1,
            None => 1,
        };
        if let Some(what) = gan.first_non_finite() {
            return Err(Error::Diverged { step, what });
        }
        self.record_row_checksums()?;
        let path = self.run.checkpoint_path(step);
        Checkpoint::save(&self.run, &path, gan, state, number, &self.config_sha256)?;
        tracing::info!(step, number, "saved a checkpoint");
        self.newest = Some((number, step));
        if let Err(error) = self.remove_old() {
            // The next save tries again.
            tracing::warn!("an old checkpoint stays: {error}");
        }
        self.last_saved = Instant::now();
        observer.checkpoint_saved(step, number);
        Ok(())
    }

    /// Appends the SHA-256 of each row file to `checksums.jsonl`. Damaged rows do not stop
    /// training.
    ///
    /// # Errors
    /// [`Error::Run`] if the disk cannot be read or written.
    pub(crate) fn record_row_checksums(&self) -> Result<(), Error> {
        match self.run.record_rows() {
            Err(error @ run_dir::Error::Damaged { .. }) => {
                tracing::warn!("{error}");
                Ok(())
            }
            recorded => Ok(recorded?),
        }
    }

    fn remove_old(&self) -> Result<(), Error> {
        let run = &self.run;
        for (_, path) in run.checkpoints()?.iter().rev().skip(2) {
            // A file without a number is not a checkpoint of this program.
            if Checkpoint::number(run, path).is_some_and(|n| !n.is_multiple_of(KEEP_EVERY)) {
                checkpoint_file::remove(run, path)?;
            }
        }
        Ok(())
    }
}

/// The checkpoints of the run; `None` if their folder is missing.
fn checkpoints(run: &RunDir) -> Result<Option<Vec<(u64, PathBuf)>>, Error> {
    match run.checkpoints() {
        Err(error) if error.io_kind() == Some(ErrorKind::NotFound) => Ok(None),
        listed => Ok(Some(listed?)),
    }
}
