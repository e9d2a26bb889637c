//! Keeps a run: one trainer at a time, checkpoints now and then, and a run that
//! was stopped goes on from the newest whole one.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mnist_io::sha256_hex;
use run_dir::{RewindPoint, RunDir, RunLock, remove_dir_atomic};

use crate::Error;
use crate::checkpoint::{self, Progress, RunFiles, State, Whole};
use crate::game::Game;
use crate::settings::Settings;

/// Besides the last two, every so many-th checkpoint is kept.
const KEEP_EVERY: u64 = 10;

/// A locked run and its checkpoints.
#[derive(Debug)]
pub struct Keeper {
    run: RunDir,
    _lock: RunLock,
    /// Time between checkpoints; `None` for one at the end alone.
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
    /// In a new folder.
    New,
    /// In a folder where a run was killed before its first checkpoint.
    Anew,
    /// At a checkpoint; those after it are not whole.
    At {
        whole: Box<Whole>,
        broken: Vec<PathBuf>,
    },
}

impl Keeper {
    /// Locks a run that was just created and keeps a checkpoint about every
    /// `every`, and one at the end.
    ///
    /// # Errors
    /// A run that somebody else trains, or that cannot be read.
    pub fn new(run: RunDir, every: Option<Duration>) -> Result<Keeper, Error> {
        let lock = run.lock()?;
        let path = run.config_path();
        let config = fs::read(&path).map_err(|reason| {
            Error::Run(run_dir::Error::Io {
                action: "read",
                path,
                reason,
            })
        })?;
        Ok(Keeper {
            run,
            _lock: lock,
            every,
            last: Instant::now(),
            newest: None,
            config_sha256: sha256_hex(&config),
            start: Start::New,
        })
    }

    /// As [`Keeper::new`] for a run that was stopped: it goes on from its newest
    /// whole checkpoint, or from its beginning where none was made yet.
    /// `skipped` is told why newer ones are left out. The run's files stay as
    /// they are until training begins.
    ///
    /// # Errors
    /// As [`Keeper::new`]; checkpoints of which none is whole, or a newest one
    /// that was saved with another `config.toml` or other rows.
    pub fn resume(
        run: RunDir,
        every: Option<Duration>,
        skipped: &mut dyn FnMut(&Error),
    ) -> Result<Keeper, Error> {
        let mut keeper = Keeper::new(run, every)?;
        keeper.start = Start::Anew;
        let mut broken = Vec::new();
        for (_, path) in keeper.run.checkpoints()?.into_iter().rev() {
            match Whole::read(&path) {
                Ok(whole) => {
                    let state = whole.state();
                    let config = &keeper.config_sha256;
                    state.check_run(&keeper.run, config, &path)?;
                    keeper.newest = Some((state.number, state.progress.step));
                    let whole = Box::new(whole);
                    keeper.start = Start::At { whole, broken };
                    return Ok(keeper);
                }
                Err(error @ Error::Checkpoint { .. }) => {
                    skipped(&error);
                    broken.push(path);
                }
                // What cannot be read today may be whole.
                Err(error) => return Err(error),
            }
        }
        if broken.is_empty() {
            Ok(keeper)
        } else {
            Err(Error::NoWholeCheckpoint {
                folder: keeper.run.checkpoints_dir(),
            })
        }
    }

    /// The run.
    pub fn run(&self) -> &RunDir {
        &self.run
    }

    /// How far the run is that goes on from a checkpoint.
    pub fn progress(&self) -> Option<Progress> {
        match &self.start {
            Start::At { whole, .. } => Some(whole.state().progress),
            Start::New | Start::Anew => None,
        }
    }

    /// Whether a run of these settings is at its end, and its last look is
    /// taken.
    ///
    /// # Errors
    /// Where the run cannot be read.
    pub fn is_complete(&self, settings: &Settings) -> Result<bool, Error> {
        let Some(Progress { step, .. }) = self.progress().filter(|p| p.finished) else {
            return Ok(false);
        };
        let run = &self.run;
        if settings.network.draws_originals() {
            return Ok(run.densities()?.last().is_some_and(|row| row.step == step));
        }
        let mut last_look = vec![run.samples_path(step), run.nearest_path(), run.walk_path()];
        if settings.network.build(None).generator.conditional() {
            last_look.push(run.digits_path());
        }
        Ok(last_look.iter().all(|path| path.is_file()))
    }

    /// Takes `game` and the run's files to where training begins, and returns
    /// where that is, if it is not the beginning.
    pub(crate) fn begin(&mut self, game: &mut Game) -> Result<Option<Progress>, Error> {
        self.last = Instant::now();
        match std::mem::replace(&mut self.start, Start::New) {
            Start::New => Ok(None),
            Start::Anew => {
                self.run.rewind(None)?;
                Ok(None)
            }
            Start::At { whole, broken } => {
                whole.restore(game)?;
                let progress = whole.state().progress;
                self.run.rewind(Some(RewindPoint {
                    step: progress.step,
                    last_snapshot: progress.last_snapshot,
                }))?;
                for path in broken {
                    remove_dir_atomic(&path)?;
                }
                Ok(Some(progress))
            }
        }
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_due(&self) -> bool {
        self.every.is_some_and(|every| self.last.elapsed() >= every)
    }

    /// Saves a checkpoint, unless there is one of this step, and removes those
    /// that need not be kept.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a number of the game is not finite; a disk that
    /// cannot be written.
    pub(crate) fn save(&mut self, game: &Game, progress: Progress) -> Result<(), Error> {
        let step = progress.step;
        let number = match self.newest {
            Some((_, newest)) if newest == step => return Ok(()),
            Some((number, _)) => number + 1,
            None => 1,
        };
        if let Some(what) = game.diverged() {
            return Err(Error::Diverged { step, what });
        }
        self.run.flush_rows()?;
        let path = self.run.checkpoint_path(step);
        let files = RunFiles::of(&self.run, &self.config_sha256)?;
        checkpoint::save(&path, game, progress, number, &files)?;
        tracing::info!(step, number, "saved the checkpoint");
        self.newest = Some((number, step));
        self.prune()?;
        self.last = Instant::now();
        Ok(())
    }

    fn prune(&self) -> Result<(), Error> {
        let checkpoints = self.run.checkpoints()?;
        let before_last_two = checkpoints.iter().rev().skip(2);
        for (_, path) in before_last_two {
            // What says nothing of itself is nothing of ours.
            let goes = State::read(path).is_ok_and(|s| !s.number.is_multiple_of(KEEP_EVERY));
            if goes {
                remove_dir_atomic(path)?;
            }
        }
        Ok(())
    }
}
