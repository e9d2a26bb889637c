//! `cargo xtask evaluate`: what forgeries are worth; fetches what that needs, then
//! hands over to the trainer's own program.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use mnist_io::{Dataset, Split};
use run_dir::{Config, DatasetInfo};

use crate::error::user_error;
use crate::forger::{build_and_run, help};
use crate::options::{asks_for, set_unless_given, value_of};
use crate::train::refuse_at_once;
use crate::workspace::Workspace;
use crate::{data, inception, runs};

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
  --seed N                what the forgeries of a run follow from [default: 1]
  --cache DIR             folder of what is known of data sets [default: data/cache]
  --threads N             threads to compute with

Examples:
  cargo xtask evaluate                             the newest run
  cargo xtask evaluate --samples theirs.npz        forgeries of any other program
  cargo xtask evaluate --metrics fid --json        one number, for a program
  cargo xtask evaluate --inception                 an hour on 2 cores; again, a third";

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
        None if run
            .as_ref()
            .is_some_and(|run| has_its_originals(run, &workspace.data())) => {}
        None => {
            let dir = workspace.data();
            data::ensure(workspace, &dir)?;
            if let Some(set) = run.and_then(|config| config.dataset) {
                refuse_others(&set, &dir)?;
            }
            set_unless_given(&mut options, "--against", dir);
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
    let otherwise = "a run's directory with --run, or a file of forgeries with --samples";
    Ok(runs::open(Path::new(&dir), "measure", otherwise)?.config()?)
}

/// Whether the trainer needs no other originals than those that the run names,
/// or will refuse the run for having none. What is in `ours` can be fetched.
fn has_its_originals(config: &Config, ours: &Path) -> bool {
    let set = config.dataset.as_ref();
    set.is_none_or(|set| is_elsewhere(set, ours))
}

/// Whether `set` has a folder that is not `ours`.
fn is_elsewhere(set: &DatasetInfo, ours: &Path) -> bool {
    let path = Path::new(&set.path);
    path != ours && path.is_dir()
}

/// An error where `dir` holds other images than `set`, which has no folder of its
/// own any more.
fn refuse_others(set: &DatasetInfo, dir: &Path) -> Result<()> {
    let images = |split| Ok::<_, anyhow::Error>(Dataset::open(dir, split)?.images_sha256());
    if set.has_images(&images(Split::Train)?, &images(Split::Test)?) {
        return Ok(());
    }
    let gone = match Path::new(&set.path) == dir {
        true => String::new(),
        false => format!(
            "the run was trained on {}, which is not there, and ",
            set.path
        ),
    };
    Err(user_error(
        format!(
            "{gone}{} holds other images than the run was trained on",
            dir.display()
        ),
        "name the folder where its images are now with --against",
    ))
}

#[cfg(test)]
mod tests {
    use mnist_io::{Idx, IdxData, Images};

    use super::*;

    #[test]
    fn a_folder_of_ours_is_looked_into_before_it_is_measured_against() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        std::fs::create_dir(&ours).unwrap();
        std::fs::create_dir(&theirs).unwrap();
        let at = |path: &Path| is_elsewhere(&named(path, String::new(), None), &ours);
        assert!(at(&theirs) && !at(&ours) && !at(&dir.path().join("gone")));
    }

    fn named(path: &Path, images: String, tested: Option<String>) -> DatasetInfo {
        DatasetInfo {
            name: "custom".to_owned(),
            path: path.display().to_string(),
            images: 3,
            images_sha256: images,
            labels_sha256: String::new(),
            test_images_sha256: tested,
        }
    }

    #[test]
    fn other_images_do_not_stand_in_for_a_runs_own() {
        let dir = tempfile::tempdir().unwrap();
        for (name, ink) in [("train", 1), ("t10k", 2)] {
            let path = |kind| dir.path().join(format!("{name}-{kind}-ubyte"));
            let images = Images::new(2, 2, vec![ink; 12]).unwrap();
            images.write_file(&path("images-idx3")).unwrap();
            let labels = Idx::new(vec![3], IdxData::U8(vec![ink; 3])).unwrap();
            labels.write_file(&path("labels-idx1")).unwrap();
        }
        let sha256 = |split| Dataset::open(dir.path(), split).unwrap().images_sha256();
        let (training, test) = (sha256(Split::Train), sha256(Split::Test));
        let refused = |images: &String, tested: Option<&String>| {
            let set = named(Path::new("/gone"), images.clone(), tested.cloned());
            refuse_others(&set, dir.path()).is_err()
        };
        assert!(!refused(&training, Some(&test)) && !refused(&training, None));
        assert!(refused(&test, Some(&test)) && refused(&training, Some(&training)));
    }
}
