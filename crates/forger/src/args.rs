//! The command line of `forger`.

use clap::{Parser, Subcommand};

pub use gan_cli::bench::MeasurementArgs as BenchArgs;
pub use gan_cli::{EvaluateArgs, PrecisionChoice, SampleArgs, TrainArgs, TrainClassifierArgs};

/// Trains a GAN on images of handwritten digits, generates images and measures their quality
///
/// `cargo xtask` has the same commands: it fetches libtorch and data first and runs this program.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

// The help text of a command is the documentation of its arguments.
#[derive(Debug, Subcommand)]
pub enum Command {
    Train(TrainArgs),
    Sample(SampleArgs),
    Evaluate(EvaluateArgs),
    TrainClassifier(TrainClassifierArgs),
    Bench(BenchArgs),
}
