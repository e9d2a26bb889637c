//! The command line of `cargo xtask` and `forger`, defined once: commands,
//! options, help texts, default paths and messages.
//!
//! `cargo xtask` parses the arguments, prepares the machine and replaces itself by
//! `forger` with the same arguments. Both programs parse them with the structs of
//! this crate. The crate needs no libtorch.

#![forbid(unsafe_code)]

pub mod bench;
pub mod error;
pub mod output;
pub mod values;

mod class;
mod completions;
mod evaluate;
mod export;
mod fetch;
mod import;
mod list;
mod parse;
mod paths;
mod runs;
mod sample;
pub mod signals;
mod train;
mod train_classifier;
mod walk;

use clap::{Parser, Subcommand};

pub use class::ClassArgs;
pub use completions::{CompletionsArgs, completions};
pub use evaluate::EvaluateArgs;
pub use export::{ExportArgs, ExportFormat, ExportNetwork};
pub use fetch::FetchArgs;
pub use import::{CheckDataArgs, ImportArgs, PixelArgs};
pub use list::preset_table;
pub use parse::{parse, parse_from};
pub use paths::{Paths, ROOT_VARIABLE};
pub use runs::{CompareArgs, RunArg, RunsArgs};
pub use sample::{SampleArgs, SampleFile, SampleFormat};
pub use train::{Resolved, TrainArgs};
pub use train_classifier::TrainClassifierArgs;
pub use values::{DeviceChoice, PrecisionChoice};
pub use walk::WalkArgs;

const EXAMPLES: &str = "\
Examples:
  cargo xtask train                     fetch what is missing, build, train, draw the figures
  cargo xtask train --preset golbin     the same with another preset
  cargo xtask sample                    64 images from the newest run
  cargo xtask evaluate                  measure the quality and novelty of the newest run
  cargo xtask export                    write the newest run's generator as an ONNX file
  cargo xtask figures                   draw the figures of the newest run again
  cargo xtask report                    write the page of the newest run again
  cargo xtask test                      run every check of the workspace
  cargo xtask help train                list the options of one command";

/// Trains GANs on images of handwritten digits; fetches and builds what is missing.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
#[command(after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of `cargo xtask`. The help text of each is the documentation of
/// its arguments.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "documentation here would replace those help texts")]
pub enum Command {
    Fetch(FetchArgs),
    Import(ImportArgs),
    CheckData(CheckDataArgs),
    Train(TrainArgs),
    Sample(SampleArgs),
    Walk(WalkArgs),
    Evaluate(EvaluateArgs),
    Export(ExportArgs),
    TrainClassifier(TrainClassifierArgs),
    /// Draw all figures of a run again
    #[command(after_help = runs::FIGURES_EXAMPLES)]
    Figures(RunArg),
    /// Write the report of a run again: one page to open, play with and send
    #[command(after_help = runs::REPORT_EXAMPLES)]
    Report(RunArg),
    Compare(CompareArgs),
    Runs(RunsArgs),
    Bench(bench::BenchArgs),
    /// Check format, lints, documentation, tests and invariants of the workspace
    Test,
    Completions(CompletionsArgs),
}
