//! `forger`: trains a GAN on images of handwritten digits, generates images and
//! measures their quality.

#![deny(unsafe_code)]

mod allocator;
mod args;
mod bench;
mod classifier;
mod evaluate;
mod exit;
mod faults;
mod flops;
mod job;
mod machine;
mod numpy;
mod progress;
mod resume;
mod sample;
mod samples;
mod signals;
mod table;
mod train;

use std::process::ExitCode;

use clap::Parser;
use gan_cli::output;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    allocator::set_up();
    log_to_stderr();
    let command = args::Cli::parse().command;
    let outcome = faults::catching_panics(|| match &command {
        args::Command::Train(args) => train::run(args),
        args::Command::Sample(args) => sample::run(args),
        args::Command::Evaluate(args) => evaluate::run(args),
        args::Command::TrainClassifier(args) => classifier::run(args),
        args::Command::Bench(args) => bench::run(args),
    });
    match outcome {
        Ok(code) if code == ExitCode::SUCCESS => exit::success(),
        Ok(code) => code,
        Err(error) => {
            faults::report(&error);
            ExitCode::FAILURE
        }
    }
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
