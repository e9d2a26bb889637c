//! Whether a run is in training, finished or stopped.

use run_dir::{Error, MetricsRow, RunConfig, RunDir};

use crate::error::Result;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A process trains the run.
    Training,
    /// The schedule is complete.
    Finished,
    /// Training ended before the schedule was complete.
    Stopped,
}

impl State {
    /// The state of a run. It tries the run's lock for a moment.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if a file cannot be read.
    pub fn read(run: &RunDir) -> Result<State> {
        if matches!(run.lock(), Err(Error::Locked(_))) {
            return Ok(State::Training);
        }
        State::ended(run)
    }

    /// The state of a run that no process trains, or that the caller trains and has
    /// just ended.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if a file cannot be read.
    pub fn ended(run: &RunDir) -> Result<State> {
        let finished = is_finished(&run.config()?, run.metrics()?.last());
        Ok(if finished { State::Finished } else { State::Stopped })
    }

    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            State::Training => "training",
            State::Finished => "finished",
            State::Stopped => "stopped",
        }
    }
}

fn is_finished(config: &RunConfig, last: Option<&MetricsRow>) -> bool {
    last.is_some_and(|row| match config.seconds {
        Some(seconds) => row.seconds >= seconds,
        None => row.images_seen >= config.settings.images,
    })
}
