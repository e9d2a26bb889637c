//! `cargo xtask fetch`: fetches libtorch and MNIST if they are missing.

use anyhow::Result;
use gan_cli::FetchArgs;

use crate::progress::say;
use crate::workspace::Workspace;
use crate::{data, libtorch};

/// Fetches what is missing and prints what is there.
pub fn run(workspace: &Workspace, args: &FetchArgs) -> Result<()> {
    let dir = workspace.paths().data(args.data.as_deref());
    let set = data::ensure(workspace, &dir)?;
    let torch = libtorch::ensure(workspace, args.cuda)?;
    workspace.remove_staging()?;
    say(format_args!("libtorch  {torch}"));
    say(format_args!("data      {set} in {}", dir.display()));
    Ok(())
}
