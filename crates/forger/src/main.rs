//! `forger`: trains a GAN on images of handwritten digits, generates images and
//! measures their quality.

#![deny(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod bench;
mod check_data;
mod classifier;
#[cfg(not(windows))]
mod denormals;
mod errors;
mod evaluate;
mod exit;
mod export;
mod flops;
mod import;
mod job;
mod machine;
mod observer;
mod preview;
mod progress;
mod real_images;
mod resume;
mod sample;
mod sample_files;
mod samples;
mod signals;
mod table;
mod threads;
mod train;
mod walk;
mod warnings;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use gan_cli::bench::Measure;
use gan_cli::{
    CheckDataArgs, EvaluateArgs, ExportArgs, ImportArgs, ROOT_VARIABLE, SampleArgs, TrainArgs,
    TrainClassifierArgs, WalkArgs, output,
};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Trains a GAN on images of handwritten digits, generates images and measures their quality
///
/// `cargo xtask` has the same commands: it fetches libtorch and data first and runs this program.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

// The help text of a command is the documentation of its arguments.
#[derive(Debug, Subcommand)]
enum Command {
    Import(ImportArgs),
    CheckData(CheckDataArgs),
    Train(TrainArgs),
    Sample(SampleArgs),
    Walk(WalkArgs),
    Evaluate(EvaluateArgs),
    Export(ExportArgs),
    TrainClassifier(TrainClassifierArgs),
    /// Measure speed once, for `cargo xtask bench`; prints one JSON object
    #[command(subcommand)]
    Bench(Measure),
}

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    allocator::set_up();
    #[cfg(unix)]
    exit::report_aborts();
    #[cfg(not(windows))]
    denormals::flush();
    log_to_stderr();
    let command = match gan_cli::parse::<Cli>(named_as_typed()) {
        Ok(cli) => cli.command,
        Err(code) => return code,
    };
    let outcome = errors::catching_panics(|| match &command {
        Command::Import(args) => import::run(args),
        Command::CheckData(args) => check_data::run(args),
        Command::Train(args) => train::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Walk(args) => walk::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Export(args) => export::run(args),
        Command::TrainClassifier(args) => classifier::run(args),
        Command::Bench(measure) => bench::run(measure),
    });
    match outcome {
        Ok(code) if code == ExitCode::SUCCESS => exit::success(),
        Ok(code) => code,
        Err(error) => {
            errors::report(&error);
            ExitCode::FAILURE
        }
    }
}

/// The definition of the command line, with the name of the program that was typed in its
/// help: `cargo xtask` sets [`ROOT_VARIABLE`].
fn named_as_typed() -> clap::Command {
    let command = Cli::command();
    if std::env::var_os(ROOT_VARIABLE).is_some() {
        return command.bin_name("cargo xtask");
    }
    let typed = |help: Option<&clap::builder::StyledStr>| {
        help.map(|help| help.to_string().replace("cargo xtask", "forger"))
    };
    command.mut_subcommands(|command| {
        let (short, long) = (typed(command.get_after_help()), typed(command.get_after_long_help()));
        let command = short.into_iter().fold(command, clap::Command::after_help);
        long.into_iter().fold(command, clap::Command::after_long_help)
    })
}

/// Writes warnings to standard error, or the events that `RUST_LOG` selects, such as
/// `debug` or `gan_trainer=trace`.
fn log_to_stderr() {
    let selected = std::env::var("RUST_LOG").ok();
    let shown: Targets = selected
        .and_then(|selected| selected.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(tracing::Level::WARN));
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .with(shown)
        .init();
}
