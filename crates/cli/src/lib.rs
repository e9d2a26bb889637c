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
mod evaluate;
mod export;
mod import;
mod list;
mod other;
mod parse;
mod paths;
mod sample;
pub mod signals;
mod train;
mod walk;

use clap::{CommandFactory, Parser, Subcommand};

pub use class::ClassArgs;
pub use evaluate::EvaluateArgs;
pub use export::{ExportArgs, ExportFormat, ExportNetwork};
pub use import::{CheckDataArgs, ImportArgs, PixelArgs};
pub use list::preset_table;
pub use other::{
    CompareArgs, CompletionsArgs, FetchArgs, FiguresArgs, ReportArgs, RunsArgs, TrainClassifierArgs,
};
pub use parse::{parse, parse_from};
pub use paths::{Paths, ROOT_VARIABLE};
pub use sample::{SampleArgs, SampleFile, SampleFormat};
pub use train::{Resolved, TrainArgs};
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
    Figures(FiguresArgs),
    Report(ReportArgs),
    Compare(CompareArgs),
    Runs(RunsArgs),
    Bench(bench::BenchArgs),
    /// Check format, lints, documentation, tests and invariants of the workspace
    Test,
    Completions(CompletionsArgs),
}

/// The script that completes the commands and options of `xtask` in a shell.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let command = Cli::command().name("xtask").bin_name("xtask");
    clap_complete::generate(shell, &mut { command }, "xtask", &mut script);
    script
}
