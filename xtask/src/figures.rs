//! `cargo xtask figures`: draws all figures of a run from its folder.

use anyhow::Result;
use gan_cli::FiguresArgs;

use crate::workspace::Workspace;
use crate::{progress, runs};

/// Draws the figures and lists their paths on standard output.
pub fn run(workspace: &Workspace, args: &FiguresArgs) -> Result<()> {
    let dir = workspace.paths().run(args.run.as_deref());
    let run = runs::open(&dir, "draw", "the folder of a run with --run")?;
    let bar = progress::spinner(format!("drawing the figures of {}", run.root().display()));
    let figures = gan_viz::figures::draw_all(&run);
    bar.finish_and_clear();
    for figure in figures? {
        progress::show(format_args!("{}  {}", figure.path.display(), figure.shows))?;
    }
    Ok(())
}
