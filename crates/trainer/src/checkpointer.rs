//! Saves checkpoints of a run at an interval, and resumes from the newest valid one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gan_config::FigureLayout;
use run_dir::{RewindPoint, RunDir, RunLock};

use crate::Error;
use crate::checkpoint::{Checkpoint, RunFiles, TrainState, config_sha256};
use crate::config::TrainConfig;
use crate::data::TrainData;
use crate::gan::Gan;

/// Besides the last two, every tenth checkpoint is kept.
const KEEP_EVERY: u64 = 10;

/// A locked run and its checkpoints.
#[derive(Debug)]
pub struct Checkpointer {
    run: RunDir,
    _lock: RunLock,
    /// Time between checkpoints; `None` for one at the end only.
    every: Option<Duration>,
    last: Instant,
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
    /// At step 0, in the folder of a run that ended before its first checkpoint.
    Again,
    /// At a checkpoint; those after it are invalid.
    At { checkpoint: Box<Checkpoint>, invalid: Vec<PathBuf> },
}

impl Checkpointer {
    /// Creates the run directory `root`, new or empty, for `config` and `data`. It
    /// saves a checkpoint every minute, and one at the end. `name` names the system.
    ///
    /// # Errors
    /// [`Error::Run`] if the folder cannot be created or is not empty.
    pub fn create(
        root: &Path,
        name: &str,
        config: &TrainConfig,
        data: &TrainData,
    ) -> Result<Checkpointer, Error> {
        let real = data.shown_images(config.networks.generator.image_side())?;
        let run_config = config.run_config(name, FigureLayout::default(), None);
        let run = RunDir::create(root, &run_config, real.as_ref())?;
        Checkpointer::new(run, Some(Duration::from_secs(60)))
    }

    /// Locks a new run and saves a checkpoint about every `every`, and one at the
    /// end.
    ///
    /// # Errors
    /// [`run_dir::Error::Locked`] if another process trains the run.
    pub fn new(run: RunDir, every: Option<Duration>) -> Result<Checkpointer, Error> {
        let lock = run.lock()?;
        Ok(Checkpointer {
            config_sha256: config_sha256(&run)?,
            run,
            _lock: lock,
            every,
            last: Instant::now(),
            newest: None,
            start: Start::New,
        })
    }

    /// As [`Checkpointer::new`] for a run that was stopped. Training resumes from
    /// the newest valid checkpoint, or from the beginning if there is none yet.
    /// `skipped` receives the reason for each invalid checkpoint. The run's files
    /// stay unchanged until training begins.
    ///
    /// # Errors
    /// As [`Checkpointer::new`]; [`Error::NoValidCheckpoint`]; and
    /// [`Error::Checkpoint`] if `config.toml` or rows changed after the newest
    /// valid checkpoint.
    pub fn resume(
        run: RunDir,
        every: Option<Duration>,
        skipped: &mut dyn FnMut(&Error),
    ) -> Result<Checkpointer, Error> {
        let mut checkpointer = Checkpointer::new(run, every)?;
        let run = &checkpointer.run;
        let mut invalid = Vec::new();
        for (_, path) in run.checkpoints()?.into_iter().rev() {
            match Checkpoint::read(&path) {
                Ok(checkpoint) => {
                    checkpoint.check_run(run)?;
                    let state = checkpoint.state();
                    checkpointer.newest = Some((state.number, state.train.step));
                    let checkpoint = Box::new(checkpoint);
                    checkpointer.start = Start::At { checkpoint, invalid };
                    return Ok(checkpointer);
                }
                Err(error @ Error::Checkpoint { .. }) => {
                    skipped(&error);
                    invalid.push(path);
                }
                // A file that cannot be read now may be valid.
                Err(error) => return Err(error),
            }
        }
        if !invalid.is_empty() {
            let folder = run.checkpoints_dir();
            return Err(Error::NoValidCheckpoint { folder });
        }
        checkpointer.start = Start::Again;
        Ok(checkpointer)
    }

    /// The run.
    pub fn run(&self) -> &RunDir {
        &self.run
    }

    /// The position in training that the run resumes from.
    pub fn state(&self) -> Option<TrainState> {
        match &self.start {
            Start::At { checkpoint, .. } => Some(checkpoint.state().train),
            Start::New | Start::Again => None,
        }
    }

    /// Whether the schedule is finished and every file of its end is there.
    ///
    /// # Errors
    /// [`Error::Run`] if the run cannot be read.
    pub fn is_complete(&self, conditional: bool) -> Result<bool, Error> {
        let Some(TrainState { step, .. }) = self.state().filter(|state| state.finished) else {
            return Ok(false);
        };
        let run = &self.run;
        if let Some(row) = run.densities()?.last() {
            return Ok(row.step == step);
        }
        let mut files = vec![run.samples_path(step), run.nearest_path(), run.walk_path()];
        if conditional {
            files.push(run.digits_path());
        }
        Ok(files.iter().all(|path| path.is_file()))
    }

    /// Restores `gan` and the run's files to the starting position. Returns that
    /// position, or `None` for the beginning.
    pub(crate) fn restore(&mut self, gan: &mut Gan) -> Result<Option<TrainState>, Error> {
        self.last = Instant::now();
        match std::mem::replace(&mut self.start, Start::New) {
            Start::New => Ok(None),
            Start::Again => {
                self.run.rewind(None)?;
                Ok(None)
            }
            Start::At { checkpoint, invalid } => {
                checkpoint.restore(gan)?;
                let state = checkpoint.state().train;
                self.run.rewind(Some(RewindPoint {
                    step: state.step,
                    last_snapshot: state.last_snapshot,
                }))?;
                invalid.iter().try_for_each(|path| Checkpoint::remove(path))?;
                Ok(Some(state))
            }
        }
    }

    /// Whether a checkpoint is due.
    pub(crate) fn save_due(&self) -> bool {
        self.every.is_some_and(|every| self.last.elapsed() >= every)
    }

    /// Saves a checkpoint, unless there is one of this step, and removes old ones.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the state of `gan` is not finite; [`Error::Run`] if
    /// the disk cannot be written.
    pub(crate) fn save(&mut self, gan: &Gan, state: TrainState) -> Result<(), Error> {
        let step = state.step;
        let number = match self.newest {
            Some((_, newest)) if newest == step => return Ok(()),
            Some((number, _)) => number + 1,
            None => 1,
        };
        if let Some(what) = gan.diverged() {
            return Err(Error::Diverged { step, what });
        }
        self.run.flush_rows()?;
        let path = self.run.checkpoint_path(step);
        let files = RunFiles::new(&self.run, &self.config_sha256)?;
        Checkpoint::save(&path, gan, state, number, files)?;
        tracing::info!(step, number, "saved a checkpoint");
        self.newest = Some((number, step));
        self.remove_old()?;
        self.last = Instant::now();
        Ok(())
    }

    fn remove_old(&self) -> Result<(), Error> {
        let checkpoints = self.run.checkpoints()?;
        for (_, path) in checkpoints.iter().rev().skip(2) {
            // A file without a number is not a checkpoint of this program.
            if Checkpoint::number(path).is_some_and(|n| !n.is_multiple_of(KEEP_EVERY)) {
                Checkpoint::remove(path)?;
            }
        }
        Ok(())
    }
}
