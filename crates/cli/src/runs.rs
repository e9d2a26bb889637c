//! The options of the commands that read runs: `figures`, `report`, `compare` and `runs`.

use std::path::PathBuf;

use clap::Args;

pub(crate) const FIGURES_EXAMPLES: &str = "\
Examples:
  cargo xtask figures                         the newest run
  cargo xtask figures --run runs/0003-modern  another run

The command reads the folder of the run and nothing else. It does not need libtorch.";

pub(crate) const REPORT_EXAMPLES: &str = "\
Examples:
  cargo xtask report                         the newest run
  cargo xtask report --run runs/0003-modern  another run

The page is report.html in the folder of the run. It contains everything that it shows, so you
can send it to a friend. The command reads the folder of the run and does not need libtorch.";

/// The run that a command reads.
#[derive(Debug, Args)]
pub struct RunArg {
    /// Folder of the run [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  cargo xtask compare runs/0001-modern runs/0002-modern
  cargo xtask compare runs/0* --out all.html";

/// Write one page with several runs side by side
#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// Folders of the runs
    #[arg(value_name = "RUN", required = true, num_args = 2..=24)]
    pub runs: Vec<PathBuf>,

    /// File to write
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    pub out: PathBuf,
}

/// List all runs: preset, data set, age, steps, FID, size and state
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Folder that holds the runs [default: runs]
    #[arg(long, value_name = "DIR")]
    pub runs: Option<PathBuf>,
}
