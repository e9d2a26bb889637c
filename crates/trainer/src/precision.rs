//! The kinds that networks compute in, by their names in a run's configuration.

use run_dir::{Config, RunDir};
use tch::{Cuda, Device, Kind};

use crate::Error;
use crate::checks::refuse;
use crate::settings::SettingsError;

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

/// Refuses a kind that networks cannot compute in, or a device that is not there.
///
/// # Errors
/// [`SettingsError::Impossible`].
pub fn check(kind: Kind, device: Device) -> Result<(), SettingsError> {
    if name_of(kind).is_none() {
        return refuse("kind", format!("{kind:?}"), "there is Float and BFloat16");
    }
    let there = match device {
        Device::Cpu => true,
        Device::Cuda(index) => i64::try_from(index).is_ok_and(|i| i < Cuda::device_count()),
        Device::Mps => tch::utils::has_mps(),
        Device::Vulkan => tch::utils::has_vulkan(),
    };
    match there {
        true => Ok(()),
        false => refuse("device", format!("{device:?}"), "this machine has none"),
    }
}

/// The name of a kind that networks can compute in.
pub fn name_of(kind: Kind) -> Option<&'static str> {
    let found = NAMES.iter().find(|(_, known)| *known == kind);
    found.map(|&(name, _)| name)
}
