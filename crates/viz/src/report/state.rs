//! Whether a run is in training, finished or stopped.

use run_dir::{Error, RunDir};

use crate::error::Result;

/// What a run is doing. Its text is one word, as `training`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum State {
    /// A process trains the run.
    Training,
    /// The schedule is complete.
    Finished,
    /// Training ended before the schedule was complete.
    Stopped,
}

impl State {
    /// The state of a run. Takes the run's lock and releases it at once.
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
        let config = run.config()?;
        let finished = run.metrics()?.last().is_some_and(|row| match config.seconds {
            Some(seconds) => row.seconds >= seconds,
            None => row.images_seen >= config.settings.images,
        });
        Ok(if finished { State::Finished } else { State::Stopped })
    }
}
