//! The options of `evaluate`.

use std::path::PathBuf;

use clap::Args;
use gan_config::{did_you_mean, most_similar};

use crate::PixelArgs;
use crate::values::{number, threads, whole};

fn examples() -> String {
    format!(
        "\
Examples:
  cargo xtask evaluate                                the newest run
  cargo xtask evaluate --metrics fid,recall --json    two of the numbers, for a program
  cargo xtask evaluate --samples theirs.npz           images from any other program
  cargo xtask evaluate --inception                    the FID of published tables, in an hour
  cargo xtask evaluate --classifier mine.safetensors  images that are not digits

Metrics:
{}docs/results.md explains them.",
        gan_metrics::help()
    )
}

/// Measure the quality and novelty of the images of a run or a file
#[derive(Debug, Args)]
#[command(after_help = examples(), mut_group("PixelArgs", |group| group.requires("samples")))]
pub struct EvaluateArgs {
    /// Folder of the run to measure [default: runs/latest]
    #[arg(long, value_name = "DIR", conflicts_with = "samples")]
    pub run: Option<PathBuf>,

    /// Measure the images of any program: a file or folder in any format of the command `import`;
    /// -: standard input
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "documentation here would become a help text")]
    pub pixels: PixelArgs,

    /// Folder or file of the real images [default: those that the run was trained on, else
    /// data/mnist]
    #[arg(long, visible_alias = "data", value_name = "DIR")]
    pub against: Option<PathBuf>,

    /// Weights of a classifier of the real images, written by `train-classifier`; values of two
    /// classifiers cannot be compared [default: the built-in one, of MNIST]
    #[arg(long, value_name = "FILE")]
    pub classifier: Option<PathBuf>,

    /// Metrics to compute, as in fid,recall [default: all]
    #[arg(long, value_name = "LIST", value_parser = metrics)]
    pub metrics: Option<String>,

    /// Also compute the FID of published tables, with InceptionV3
    #[arg(long)]
    pub inception: bool,

    /// File of that network [default: data/inception.pt, fetched]
    #[arg(long, value_name = "FILE", requires = "inception")]
    pub inception_file: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// Number of generated images; of a file, a random subset. FID depends on it
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = number(2..=100_000))]
    pub count: u64,

    /// Seed of the latents, or of the random subset of a file
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole)]
    pub seed: u64,

    /// Folder for statistics of data sets [default: data/cache]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,
}

/// Refuses a list with an unknown name.
fn metrics(list: &str) -> Result<String, String> {
    match gan_metrics::parse_list(list) {
        Ok(_) => Ok(list.to_owned()),
        Err(unknown) => {
            let suggestion = did_you_mean(most_similar(&unknown.name, gan_metrics::names()));
            Err(format!("{unknown}{suggestion}"))
        }
    }
}
