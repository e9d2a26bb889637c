//! The run that a command works on, opened before minutes of fetching and
//! building.

use std::path::Path;

use anyhow::Result;
use run_dir::RunDir;

use crate::error::user_error;

/// Opens the run in `dir`, which is one to `purpose`; `otherwise` is what the
/// user can name instead.
pub fn open(dir: &Path, purpose: &str, otherwise: &str) -> Result<RunDir> {
    if !dir.exists() {
        return Err(user_error(
            format!(
                "there is no run to {purpose}: {} does not exist",
                dir.display()
            ),
            format!("train one with `cargo xtask train`, or name {otherwise}"),
        ));
    }
    Ok(RunDir::open(dir)?)
}
