//! The options of `train-classifier`.

use std::path::PathBuf;

use clap::Args;

use crate::values::{positive, threads, whole};

const EXAMPLES: &str = "\
Examples:
  cargo xtask train-classifier --data data/letters --out letters.safetensors
  cargo xtask evaluate --classifier letters.safetensors

The classifier has as many classes as the images. This command also made the classifier of MNIST
that is part of the crate gan-models, with seed 1 and one thread.";

/// Train the classifier whose features the metrics use
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
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
