//! `cargo xtask figures`: all figures of a run again, from its directory alone.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{progress, runs};

const EXAMPLES: &str = "\
Examples:
  cargo xtask figures                         the newest run
  cargo xtask figures --run runs/0003-modern  another one

Needs the run's directory and nothing else, no libtorch either.";

/// Draw all figures of a run again, from its directory alone.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run's directory [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

/// Draws the figures and lists their paths on standard output.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let dir = match &args.run {
        Some(dir) => dir.clone(),
        None => workspace.runs().join("latest"),
    };
    let run = runs::open(&dir, "draw", "a run's directory with --run")?;
    let bar = progress::spinner(format!("drawing the figures of {}", run.root().display()));
    let figures = gan_viz::figures::draw_all(&run);
    bar.finish_and_clear();
    for figure in figures? {
        progress::show(format_args!("{}  {}", figure.path.display(), figure.shows))?;
    }
    Ok(())
}
