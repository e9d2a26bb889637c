//! The options of `sample`.

use std::path::PathBuf;

use clap::Args;

use crate::values::{number, threads};

const EXAMPLES: &str = "\
Examples:
  cargo xtask sample                                   64 images of the newest run, as sample.png
  cargo xtask sample --run runs/0003-modern            images of another run
  cargo xtask sample --count 10000 --out digits.idx3   an IDX file instead of a picture
  cargo xtask sample --digit 7                         sevens, from a conditional run";

/// Generate images from a trained run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SampleArgs {
    /// Folder of the run to sample from [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Number of images
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = number(1..=10_000_000))]
    pub count: u64,

    /// Seed of the latents
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Digit to generate, for conditional runs only [default: 0 to 9 in turn]
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub digit: Option<u8>,

    /// File to write: a picture (.png) or an IDX file (.idx3)
    #[arg(long, value_name = "FILE", default_value = "sample.png")]
    pub out: PathBuf,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,
}
