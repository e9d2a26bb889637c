//! The commands of `cargo xtask` that need little preparation.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use gan_cli::{
    CheckDataArgs, CompareArgs, ExportArgs, FetchArgs, FiguresArgs, ReportArgs, SampleArgs,
    TrainArgs, TrainClassifierArgs, WalkArgs, preset_table,
};
use gan_viz::report::{self, State};
use mnist_io::known::MNIST;

use crate::forger::build_and_run;
use crate::progress::{self, line, note};
use crate::workspace::Workspace;
use crate::{data, inception, libtorch, runs};

/// Fetches libtorch and a data set if they are missing or damaged, and prints what is there.
pub fn fetch(workspace: &Workspace, args: &FetchArgs) -> Result<()> {
    let set = args.dataset.unwrap_or(&MNIST);
    let default = workspace.paths().dataset(set.name);
    let dir = args.data.as_ref().unwrap_or(&default);
    let set = data::ensure(workspace, set, dir, args.data.is_none())?;
    let torch = libtorch::ensure(workspace, args.cuda, args.verify)?;
    if args.verify && workspace.paths().inception(None).exists() {
        inception::ensure(workspace)?;
    }
    workspace.remove_staging()?;
    note(format_args!("libtorch  {torch}"));
    note(format_args!("data      {set} in {}", dir.display()));
    Ok(())
}

/// Checks a data set; returns the exit code of `forger`.
pub fn check_data(workspace: &Workspace, args: &CheckDataArgs) -> Result<ExitCode> {
    data::find(workspace, &MNIST, args.data.as_deref())?;
    build_and_run(workspace)
}

/// Trains; returns the exit code of `forger`.
pub fn train(workspace: &Workspace, args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        line(preset_table())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(run) = args.run_to_resume(&workspace.paths()) {
        runs::open(&run, "resume", "the folder of a run with --resume")?;
        // Without --data, `forger` reads the folder of the data from the run.
        if let Some(dir) = &args.data {
            data::check(dir)?;
        }
    } else if !args.resolve()?.preset.synthetic {
        data::find(workspace, args.dataset.unwrap_or(&MNIST), args.data.as_deref())?;
    }
    build_and_run(workspace)
}

/// Generates images; returns the exit code of `forger`.
pub fn sample(workspace: &Workspace, args: &SampleArgs) -> Result<ExitCode> {
    args.check()?;
    let run = workspace.paths().run(args.run.as_deref());
    runs::open(&run, "sample from", "the folder of a run with --run")?;
    build_and_run(workspace)
}

/// Draws an animation; returns the exit code of `forger`.
pub fn walk(workspace: &Workspace, args: &WalkArgs) -> Result<ExitCode> {
    let run = workspace.paths().run(args.run.as_deref());
    runs::open(&run, "animate", "the folder of a run with --run")?;
    build_and_run(workspace)
}

/// Exports a network; returns the exit code of `forger`.
pub fn export(workspace: &Workspace, args: &ExportArgs) -> Result<ExitCode> {
    let run = workspace.paths().run(args.run.as_deref());
    runs::open(&run, "export", "the folder of a run with --run")?;
    build_and_run(workspace)
}

/// Trains the classifier; returns the exit code of `forger`.
pub fn train_classifier(workspace: &Workspace, args: &TrainClassifierArgs) -> Result<ExitCode> {
    data::find(workspace, &MNIST, args.data.as_deref())?;
    build_and_run(workspace)
}

/// Draws all figures of a run and lists their paths on standard output.
pub fn figures(workspace: &Workspace, args: &FiguresArgs) -> Result<()> {
    let dir = workspace.paths().run(args.run.as_deref());
    let run = runs::open(&dir, "draw", "the folder of a run with --run")?;
    // A killed process may have left temporary files. While another process holds the
    // lock, they may be its own.
    let lock = run.lock();
    if lock.is_ok() {
        run.remove_temporary_files()?;
    }
    let bar = progress::spinner(format!("drawing the figures of {}", run.root().display()));
    let figures = gan_viz::figures::draw_all(&run);
    bar.finish_and_clear();
    for figure in figures? {
        line(format_args!("{}  {}", figure.path.display(), figure.kind.shows()))?;
    }
    Ok(())
}

/// Writes the report of a run and prints its path.
pub fn report(workspace: &Workspace, args: &ReportArgs) -> Result<()> {
    let dir = workspace.paths().run(args.run.as_deref());
    let run = runs::open(&dir, "report", "the folder of a run with --run")?;
    let path = report::write(&run, State::read(&run)?)?;
    line(format_args!("open {}", path.display()))?;
    Ok(())
}

/// Writes the page that compares runs and prints its path.
pub fn compare(args: &CompareArgs) -> Result<()> {
    let open = |dir: &PathBuf| runs::open(dir, "compare", "other folders of runs");
    let runs = args.runs.iter().map(open).collect::<Result<Vec<_>>>()?;
    report::write_comparison(&runs, &args.out)?;
    line(format_args!("open {}", args.out.display()))?;
    Ok(())
}
