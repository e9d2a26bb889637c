//! Prepares the machine (libtorch, data), then hands over to what the user
//! asked for; this file only dispatches.

#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod data;
mod download;
mod error;
mod evaluate;
mod fetch;
mod figures;
mod forger;
mod inception;
mod install;
mod interrupt;
mod libtorch;
mod manifest;
mod mirrors;
mod options;
mod packages;
mod progress;
mod runs;
mod test;
mod train;
mod unpack;
mod wheels;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  cargo xtask train                     fetch what is missing, build, train, draw the figures
  cargo xtask train --preset golbin     the same with another preset
  cargo xtask evaluate                  how good the newest run's forgeries are, and how new
  cargo xtask figures                   draw the newest run's figures again
  cargo xtask bench                     how fast everything is
  cargo xtask test                      everything that must pass before a change goes in
  cargo xtask help train                the options of one command";

/// Prepares the machine, then trains, measures, draws or tests.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
#[command(after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch libtorch and MNIST, whatever of them is missing
    Fetch(fetch::Args),
    /// Train a generator against a discriminator
    Train(train::TrainArgs),
    /// Draw forgeries from a trained generator
    Sample(train::SampleArgs),
    /// Measure how good the forgeries of a run or of a file are, and whether they are new
    Evaluate(evaluate::Args),
    /// Train the classifier that the metrics classifier forgeries with, once more
    TrainClassifier(train::TrainClassifierArgs),
    /// Draw all figures of a run again, from its directory alone
    Figures(figures::Args),
    /// Measure how fast everything is; writes docs/benchmarks.md
    Bench(bench::Args),
    /// Check format, lints, documentation, tests and invariants of the workspace
    Test,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    interrupt::install();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            error::report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Fetch(args) => fetch::run(&workspace, &args)?,
        Command::Train(args) => return train::train(&workspace, args),
        Command::Sample(args) => return train::sample(&workspace, args),
        Command::Evaluate(args) => return evaluate::run(&workspace, args),
        Command::TrainClassifier(args) => return train::train_classifier(&workspace, args),
        Command::Figures(args) => figures::run(&workspace, &args)?,
        Command::Bench(args) => return bench::run(&workspace, &args),
        Command::Test => test::run(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
