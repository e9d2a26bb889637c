//! The options of `walk`.

use std::path::PathBuf;

use clap::Args;

use crate::ClassArgs;
use crate::values::{number, threads};

const EXAMPLES: &str = "\
Examples:
  cargo xtask walk                          the newest run, as walk.gif in its folder
  cargo xtask walk --seeds 3,14,15          between other seeds
  cargo xtask walk --images 1 --class 7     one image of a class, from a conditional run";

/// Write an animation that moves from the images of one seed to those of the next
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct WalkArgs {
    /// Folder of the run [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Seeds of the latents, in order; the last leads back to the first
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1, 2, 3, 4])]
    pub seeds: Vec<u64>,

    /// Images in each frame
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = number(1..=64))]
    pub images: u64,

    #[command(flatten)]
    #[allow(missing_docs, reason = "documentation here would become a help text")]
    pub class: ClassArgs,

    /// File to write, a GIF [default: walk.gif in the folder of the run]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,
}
