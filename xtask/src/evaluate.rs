//! `cargo xtask evaluate`: fetches what the evaluation needs, then hands over to
//! `forger`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use gan_cli::EvaluateArgs;
use mnist_io::known::{self, MNIST};
use mnist_io::{Dataset, Split};
use run_dir::DatasetInfo;

use crate::error::user_error;
use crate::forger::build_and_run;
use crate::workspace::Workspace;
use crate::{data, inception, open_run};

/// Evaluates; returns the exit code of `forger`.
pub fn run(workspace: &Workspace, args: &EvaluateArgs) -> Result<ExitCode> {
    let paths = workspace.paths();
    let set = match &args.samples {
        // Reported before minutes of fetching and building.
        Some(file) if file != Path::new("-") && !file.exists() => {
            return Err(user_error(
                format!("there is no file {}", file.display()),
                "correct the path after --samples",
            ));
        }
        Some(_) => None,
        None => {
            let alternative = "the folder of a run with --run, or a file of images with --samples";
            let run = open_run::open(&paths.run(args.run.as_deref()), "measure", alternative)?;
            Some(run.config()?.dataset)
        }
    };
    let trained_on = set.iter().flatten().next();
    let known = trained_on.and_then(|set| known::by_name(&set.name)).unwrap_or(&MNIST);
    let default = paths.dataset(known.name);
    match (&args.against, set) {
        (Some(dir), _) => drop(data::check(dir)?),
        (None, None) => drop(data::ensure(workspace, known, &default, true)?),
        // `forger` refuses a run without a data set.
        (None, Some(None)) => {}
        // `forger` finds the data where the run was trained on it.
        (None, Some(Some(set))) if has_other_folder(&set, &default) => {}
        (None, Some(Some(set))) => {
            // Do not fetch a known data set in place of another.
            if known::by_name(&set.name).is_some() {
                data::ensure(workspace, known, &default, true)?;
            } else if !default.is_dir() {
                return Err(missing_data(&set, None));
            }
            refuse_other_images(&set, &default)?;
        }
    }
    if args.inception && args.inception_file.is_none() {
        inception::ensure(workspace)?;
    }
    build_and_run(workspace)
}

/// Whether the folder or file of `set` exists and is not `default`.
fn has_other_folder(set: &DatasetInfo, default: &Path) -> bool {
    let path = Path::new(&set.path);
    path != default && path.exists()
}

/// Refuses `dir` if it holds other images than `set`, whose own folder is gone.
fn refuse_other_images(set: &DatasetInfo, dir: &Path) -> Result<()> {
    let images = |split| Ok::<_, anyhow::Error>(Dataset::open(dir, split)?.images_sha256());
    if set.has_images(&images(Split::Train)?, &images(Split::Test)?) {
        return Ok(());
    }
    Err(missing_data(set, Some(dir)))
}

/// The error for a data set whose folder is missing. `other` is a folder that holds other images.
fn missing_data(set: &DatasetInfo, other: Option<&Path>) -> anyhow::Error {
    let missing = format!("the run was trained on {}, which does not exist", set.path);
    let what = match other.map(|dir| (dir, dir.display())) {
        None => missing,
        Some((dir, name)) => {
            let missing =
                if Path::new(&set.path) == dir { "" } else { &format!("{missing}, and ") };
            format!("{missing}{name} holds other images than the run was trained on")
        }
    };
    user_error(what, "give the folder that holds its images now with --against")
}

#[cfg(test)]
mod tests {
    use mnist_io::{Idx, IdxData, Images};

    use super::*;

    #[test]
    fn data_in_the_default_folder_is_checked_and_data_elsewhere_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (default, other) = (dir.path().join("default"), dir.path().join("other"));
        std::fs::create_dir(&default).unwrap();
        std::fs::create_dir(&other).unwrap();
        let at = |path: &Path| has_other_folder(&named(path, String::new(), None), &default);
        assert!(at(&other) && !at(&default) && !at(&dir.path().join("gone")));
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
    fn images_that_the_run_was_not_trained_on_are_refused() {
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
            refuse_other_images(&set, dir.path()).is_err()
        };
        assert!(!refused(&training, Some(&test)) && !refused(&training, None));
        assert!(refused(&test, Some(&test)) && refused(&training, Some(&training)));
    }
}
