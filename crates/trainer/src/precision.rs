//! The kinds that networks compute in, by their names in a run's configuration.

use run_dir::{Config, RunDir};
use tch::Kind;

use crate::Error;

const NAMES: [(&str, Kind); 2] = [("f32", Kind::Float), ("bf16", Kind::BFloat16)];

/// The kind that `config`, the configuration of `run`, names.
///
/// # Errors
/// A name of no kind that networks compute in.
pub fn kind_of(run: &RunDir, config: &Config) -> Result<Kind, Error> {
    let name = &config.precision;
    match NAMES.iter().find(|(known, _)| known == name) {
        Some(&(_, kind)) => Ok(kind),
        None => Err(Error::Run(run_dir::Error::Config {
            path: run.config_path(),
            reason: format!("precision = {name:?}: there is f32 and bf16"),
        })),
    }
}

/// The name of a kind that networks can compute in.
pub fn name_of(kind: Kind) -> Option<&'static str> {
    let found = NAMES.iter().find(|(_, known)| *known == kind);
    found.map(|&(name, _)| name)
}
