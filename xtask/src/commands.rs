//! The commands of `cargo xtask` that need little preparation.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use gan_cli::{CompareArgs, FetchArgs, RunArg, TrainArgs, preset_table};
use gan_viz::report::{self, State};
use mnist_io::known::MNIST;
use run_dir::RunDir;

use crate::forger::build_and_run;
use crate::progress::{self, eprint_line, print_line};
use crate::workspace::Workspace;
use crate::{data, inception, libtorch, open_run};

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
    eprint_line(format_args!("libtorch  {torch}"));
    eprint_line(format_args!("data      {set} in {}", dir.display()));
    Ok(())
}

/// Runs a command of `forger` that reads a data set; returns its exit code.
pub fn with_data(workspace: &Workspace, data: Option<&Path>) -> Result<ExitCode> {
    data::check_or_fetch(workspace, &MNIST, data)?;
    build_and_run(workspace)
}

/// Runs a command of `forger` that reads a run, to `purpose`, a verb; returns its exit code.
pub fn with_run(workspace: &Workspace, run: Option<&Path>, purpose: &str) -> Result<ExitCode> {
    open_run(workspace, run, purpose)?;
    build_and_run(workspace)
}

/// Trains; returns the exit code of `forger`.
pub fn train(workspace: &Workspace, args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        print_line(preset_table())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(run) = args.run_to_resume(&workspace.paths()) {
        open_run::open(&run, "resume", "the folder of a run with --resume")?;
        // Without --data, `forger` reads the folder of the data from the run.
        if let Some(dir) = &args.data {
            data::check(dir)?;
        }
    } else if !args.resolve()?.preset.synthetic {
        data::check_or_fetch(workspace, args.dataset.unwrap_or(&MNIST), args.data.as_deref())?;
    }
    build_and_run(workspace)
}

/// Draws all figures of a run and lists their paths on standard output.
pub fn figures(workspace: &Workspace, args: &RunArg) -> Result<()> {
    let run = open_run(workspace, args.run.as_deref(), "draw")?;
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
        print_line(format_args!("{}  {}", figure.path.display(), figure.kind.shows()))?;
    }
    Ok(())
}

/// Writes the report of a run and prints its path.
pub fn report(workspace: &Workspace, args: &RunArg) -> Result<()> {
    let run = open_run(workspace, args.run.as_deref(), "report")?;
    let path = report::write(&run, State::read(&run)?)?;
    print_line(format_args!("open {}", path.display()))?;
    Ok(())
}

/// Writes the page that compares runs and prints its path.
pub fn compare(args: &CompareArgs) -> Result<()> {
    let open = |dir: &PathBuf| open_run::open(dir, "compare", "other folders of runs");
    let runs = args.runs.iter().map(open).collect::<Result<Vec<_>>>()?;
    report::write_comparison(&runs, &args.out)?;
    print_line(format_args!("open {}", args.out.display()))?;
    Ok(())
}

/// Opens the run that a command reads.
fn open_run(workspace: &Workspace, run: Option<&Path>, purpose: &str) -> Result<RunDir> {
    open_run::open(&workspace.paths().run(run), purpose, "the folder of a run with --run")
}
