//! Opens the run that a command works on, before minutes of fetching and building.

use std::path::Path;

use anyhow::Result;
use run_dir::RunDir;

use crate::error::user_error;

/// Opens the run in `dir`. If there is none, the error names the `purpose` as a verb,
/// and `alternative`, which the user can give instead.
pub fn open(dir: &Path, purpose: &str, alternative: &str) -> Result<RunDir> {
    if !dir.exists() {
        return Err(user_error(
            format!("there is no run to {purpose}: {} does not exist", dir.display()),
            format!("train one with `cargo xtask train`, or give {alternative}"),
        ));
    }
    Ok(RunDir::open(dir)?)
}
