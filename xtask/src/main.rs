//! `cargo xtask`: prepares the machine (libtorch, data), then runs the command; this
//! file only dispatches.

#![forbid(unsafe_code)]

mod bench;
mod browser;
mod cargo;
mod commands;
mod data;
mod download;
mod error;
mod evaluate;
mod forger;
mod inception;
mod install;
mod interrupt;
mod libtorch;
mod manifest;
mod mirrors;
mod open_run;
mod packages;
mod programs;
mod progress;
mod reliability_page;
mod run_list;
mod sources;
mod test;
mod unpack;
mod wheels;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory;
use gan_cli::{Cli, Command};

use crate::workspace::Workspace;

fn main() -> ExitCode {
    let cli: Cli = match gan_cli::parse(Cli::command()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    interrupt::install();
    match run(&cli.command) {
        Ok(code) => code,
        Err(error) => {
            error::report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Fetch(args) => commands::fetch(&workspace, args)?,
        Command::Import(_) => return forger::build_and_run(&workspace),
        Command::CheckData(args) => return commands::with_data(&workspace, args.data.as_deref()),
        Command::Train(args) => return commands::train(&workspace, args),
        Command::Sample(args) => {
            args.check()?;
            return commands::with_run(&workspace, args.run.as_deref(), "sample from");
        }
        Command::Walk(args) => {
            return commands::with_run(&workspace, args.run.as_deref(), "animate");
        }
        Command::Evaluate(args) => return evaluate::run(&workspace, args),
        Command::Export(args) => {
            return commands::with_run(&workspace, args.run.as_deref(), "export");
        }
        Command::TrainClassifier(args) => {
            return commands::with_data(&workspace, args.data.as_deref());
        }
        Command::Figures(args) => commands::figures(&workspace, args)?,
        Command::Report(args) => commands::report(&workspace, args)?,
        Command::Compare(args) => commands::compare(args)?,
        Command::Runs(args) => run_list::show(&workspace, args)?,
        Command::Bench(args) => return bench::run(&workspace, args),
        Command::Test => test::run(&workspace)?,
        Command::Completions(args) => {
            let script = gan_cli::completions(args.shell);
            progress::print_line(String::from_utf8_lossy(&script))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
