//! `cargo xtask train`, `sample` and `train-classifier`: fetch what is missing, then
//! hand over to `forger`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use gan_cli::{SampleArgs, TrainArgs, TrainClassifierArgs, preset_table};

use crate::forger::build_and_run;
use crate::progress::show;
use crate::workspace::Workspace;
use crate::{data, runs};

/// Trains; returns the exit code of `forger`.
pub fn train(workspace: &Workspace, args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        show(preset_table())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(run) = args.run_to_resume(&workspace.paths()) {
        runs::open(&run, "resume", "the folder of a run with --resume")?;
        // Without --data, `forger` reads the folder of the data from the run.
        if let Some(dir) = &args.data {
            data::check(dir)?;
        }
    } else if !args.resolve()?.preset.synthetic {
        ensure_data(workspace, args.data.as_deref())?;
    }
    build_and_run(workspace)
}

/// Generates images; returns the exit code of `forger`.
pub fn sample(workspace: &Workspace, args: &SampleArgs) -> Result<ExitCode> {
    let run = workspace.paths().run(args.run.as_deref());
    runs::open(&run, "sample from", "the folder of a run with --run")?;
    build_and_run(workspace)
}

/// Trains the classifier; returns the exit code of `forger`.
pub fn train_classifier(workspace: &Workspace, args: &TrainClassifierArgs) -> Result<ExitCode> {
    ensure_data(workspace, args.data.as_deref())?;
    build_and_run(workspace)
}

/// Checks the data set in the folder that the user named, or fetches MNIST into the
/// default folder. Nothing is written into a folder of the user's.
fn ensure_data(workspace: &Workspace, named: Option<&Path>) -> Result<()> {
    match named {
        Some(dir) => data::check(dir)?,
        None => data::ensure(workspace, &workspace.paths().data(None))?,
    };
    Ok(())
}
