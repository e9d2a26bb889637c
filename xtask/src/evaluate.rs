//! `cargo xtask evaluate`: what forgeries are worth; fetches what that needs, then
//! hands over to the trainer's own program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use run_dir::{Config, RunDir};

use crate::fault::fault;
use crate::forger::{build_and_run, help};
use crate::options::{asks_for, set_unless_given, value_of};
use crate::train::refuse_at_once;
use crate::workspace::Workspace;
use crate::{data, inception};

/// The trainer's options, before it is built.
pub const EVALUATE: &str = "\
Options, which go to the trainer unchanged (`cargo xtask evaluate --help` says more, once it is built):
  --run DIR               the run whose forgeries are measured [default: runs/latest]
  --samples FILE          forgeries of any program: an IDX file, or NumPy's .npy or .npz
  --against DIR           folder of the originals [default: the run's, else data/mnist, fetched]
  --metrics LIST          what to measure, as in fid,recall [default: everything]
  --inception             the FID of published tables too; its network is fetched
  --inception-file FILE   that network, where you have it
  --json                  print one JSON object
  --count N               how many forgeries [default: 10000]
  --seed N                what the forgeries of a run follow from
  --cache DIR             folder of what is known of data sets [default: data/cache]
  --threads N             threads to compute with

Examples:
  cargo xtask evaluate                             the newest run
  cargo xtask evaluate --samples theirs.npz        forgeries of any other program
  cargo xtask evaluate --metrics fid --json        one number, for a program
  cargo xtask evaluate --inception                 half an hour on 2 cores";

/// Measure how good the forgeries of a run or of a file are, and whether they are new.
#[derive(clap::Args)]
#[command(disable_help_flag = true, after_help = EVALUATE)]
pub struct Args {
    /// The trainer's options, below
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Measures; returns the trainer's exit code.
pub fn run(workspace: &Workspace, args: Args) -> Result<ExitCode> {
    let mut options = args.options;
    if asks_for(&options, &["--help", "-h"]) {
        return help("evaluate");
    }
    refuse_at_once(&options)?;
    let run = match value_of(&options, "--samples") {
        Some(_) => None,
        None => {
            set_unless_given(&mut options, "--run", workspace.runs().join("latest"));
            value_of(&options, "--run")
                .map(run_to_measure)
                .transpose()?
        }
    };
    match value_of(&options, "--against") {
        // A folder that the user names is theirs: checked, never filled.
        Some(dir) => drop(data::check(Path::new(&dir))?),
        None if run.is_some_and(|config| has_its_originals(&config)) => {}
        None => {
            data::ensure(workspace, &workspace.data())?;
            set_unless_given(&mut options, "--against", workspace.data());
        }
    }
    if asks_for(&options, &["--inception"]) && value_of(&options, "--inception-file").is_none() {
        let place = inception::ensure(workspace)?;
        set_unless_given(&mut options, "--inception-file", place);
    }
    set_unless_given(&mut options, "--cache", workspace.cache());
    build_and_run(workspace, "evaluate", options)
}

/// The configuration of the run that is to be measured.
fn run_to_measure(dir: OsString) -> Result<Config> {
    let dir = PathBuf::from(dir);
    if !dir.exists() {
        return Err(fault(
            format!(
                "there is no run to measure: {} does not exist",
                dir.display()
            ),
            "train one with `cargo xtask train`, name a run's directory with --run, or a file of \
             forgeries with --samples",
        ));
    }
    Ok(RunDir::open(&dir)?.config()?)
}

/// Whether the trainer needs no other originals than those that the run names,
/// or will refuse the run for having none.
fn has_its_originals(config: &Config) -> bool {
    let set = config.dataset.as_ref();
    set.is_none_or(|set| Path::new(&set.path).is_dir())
}
