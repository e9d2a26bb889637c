//! A training job: the configuration, the data and the run directory that the
//! options of `train` describe.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use gan_cli::error::{message, user_error};
use gan_cli::{Paths, PrecisionChoice, Resolved, TrainArgs};
use gan_config::{Classes, Precision, Settings};
use gan_import::Set;
use gan_trainer::{Checkpointer, Error as Trainer, TrainConfig, TrainData, dtype};
use mnist_io::{Dataset, known};
use run_dir::{DatasetInfo, RunDir};

use crate::{check_data, errors, machine, output, real_images, threads};

/// The name of a data set that is not known.
const CUSTOM: &str = "custom";

/// A run to train, with everything it needs.
pub struct TrainJob {
    /// The configuration.
    pub config: TrainConfig,
    /// The data.
    pub data: TrainData,
    /// The run directory.
    pub checkpointer: Checkpointer,
    /// The folder of numbered runs.
    pub runs: PathBuf,
    /// The preset's name.
    pub preset: String,
    /// The folder of the data set.
    pub data_path: PathBuf,
    /// The precision of the networks.
    pub precision: Precision,
    /// Threads of libtorch.
    pub threads: u64,
}

impl TrainJob {
    /// A job in a new run directory.
    pub fn new(args: &TrainArgs) -> Result<TrainJob> {
        let paths = Paths::from_env();
        let Resolved { preset, networks, mut settings } = args.resolve()?;
        let data_path = args.data_dir(&paths);
        let cache = paths.cache(args.cache.as_deref());
        if data_path.as_os_str() == "-" {
            let help = "convert it first, with `cargo xtask import - --out DIR`";
            return Err(user_error(
                "training cannot read --data from standard input, because --resume reads the data again",
                help,
            ));
        }
        let source = (!preset.synthetic).then_some(data_path.as_path());
        let set = source.map(|path| real_images::open(path, "--data")).transpose()?;
        let dataset = source.zip(set.as_ref()).map(|(path, set)| dataset_info(path, set));
        let dataset = dataset.transpose()?;
        if let (Some(set), Some(info)) = (&set, &dataset) {
            // A known data set needs no check.
            if info.name == CUSTOM {
                check_data::before_training(set)?;
            }
            let batches = settings.batches();
            for note in settings.limit_to_data(set.train.len() as u64, &preset.settings) {
                output::eprint_line(note);
            }
            if args.steps.is_some() {
                settings.images = batches * settings.batch;
            }
        }
        if let Some(set) = set.as_ref().filter(|_| is_conditional(networks)) {
            warn_of_one_class(&set.train);
        }
        let data = train_data(set, &cache, &settings, networks, args.seed)?;
        let device = machine::device(args.device)?;
        let precision = match args.precision {
            // Near 4, bf16 numbers are 1/32 apart.
            PrecisionChoice::Auto if preset.synthetic => Precision::F32,
            choice => machine::precision(choice, device)?,
        };
        let config = TrainConfig {
            seed: args.seed,
            time_limit_seconds: args.seconds,
            device,
            dtype: dtype(precision),
            ..TrainConfig::by_name(settings, networks, &data)?
        };
        config.validate(&data)?;
        let threads = threads::set_for_training(args.threads, &config)?;
        let run_config = config.to_run_config(&preset.name, preset.figures.clone(), dataset);
        let runs = paths.runs(args.runs.as_deref());
        let real = data.figure_images(config.networks.generator.image_side())?;
        let run = match &args.run {
            None => RunDir::create_next(&runs, &preset.name, &run_config, real.as_ref())?,
            Some(root) => RunDir::create(root, &run_config, real.as_ref())?,
        };
        let checkpointer = Checkpointer::new(run.clone(), checkpoint_every(args))
            .map_err(|error| with_resume_help(&run, error.into()))?;
        Ok(TrainJob {
            config,
            data,
            checkpointer,
            runs,
            preset: preset.name.to_owned(),
            data_path,
            precision,
            threads,
        })
    }
}

/// Adds the command that continues `run` to an error after its folder was created.
pub fn with_resume_help(run: &RunDir, error: Error) -> Error {
    if let Some(Trainer::Diverged { .. }) = error.downcast_ref() {
        return error;
    }
    let restart = match (run.newest_checkpoint(), run.has_results()) {
        (Ok(None), Ok(true)) => " --restart",
        _ => "",
    };
    let command = format!("`cargo xtask train --resume {}{restart}`", quoted(run.root()));
    let help = match errors::hint(&error) {
        None => format!("to continue the run: {command}"),
        Some(hint) => match hint.strip_suffix("run the same command again") {
            // The run has a folder, so "name another" does not apply.
            Some(remedy) => {
                format!("{}continue with {command}", remedy.replace(" or name another", ""))
            }
            None => return error,
        },
    };
    user_error(message(&error), help)
}

/// The path as a shell reads it.
pub fn quoted(path: &Path) -> String {
    gan_viz::shell_quoted(&path.display().to_string())
}

/// The time between checkpoints; `None` for one at the end only.
pub fn checkpoint_every(args: &TrainArgs) -> Option<Duration> {
    Some(args.checkpoint_every).filter(|every| !every.is_zero())
}

/// The data set with its evaluator; without a data set numbers. `cache` is the folder for
/// statistics of data sets.
pub fn train_data(
    set: Option<Set>,
    cache: &Path,
    settings: &Settings,
    networks: &str,
    seed: u64,
) -> Result<TrainData> {
    let Some(Set { train, test, .. }) = set else {
        return Ok(TrainData::Gaussian);
    };
    let training = Arc::new(train);
    let evaluator = real_images::evaluator(training.clone(), &test, cache)?;
    let pool = settings.epoch_size(training.len() as u64);
    let conditional = is_conditional(networks);
    let data = TrainData::with_evaluator(training, &test, evaluator, pool, conditional, seed)?;
    Ok(data)
}

fn is_conditional(networks: &str) -> bool {
    // The number of classes does not matter here.
    let networks = gan_models::by_name(networks, 1, None);
    networks.is_some_and(|networks| networks.generator.conditional())
}

/// Prints that conditional networks learn nothing from the classes, if there is only one.
fn warn_of_one_class(training: &Dataset) {
    let classes = Classes::from_labels(training.labels());
    if training.is_labeled() && classes.len() == 1 {
        output::eprint_line(format_args!(
            "warning: all training images have one class, {classes}, so there is none to choose; \
             leave --conditional out, or train on images of several classes"
        ));
    }
}

/// The data set at `path` as a run's configuration describes it.
pub fn dataset_info(path: &Path, Set { train, test, .. }: &Set) -> Result<DatasetInfo> {
    let images_sha256 = train.images_sha256();
    let labels_sha256 = train.labels_sha256();
    let known = known::identify(&images_sha256, &labels_sha256);
    Ok(DatasetInfo {
        name: known.map_or(CUSTOM, |set| set.name).to_owned(),
        path: std::path::absolute(path)?.into_os_string().into_string().map_err(|path| {
            anyhow!(
                "config.toml cannot hold the path {}, which is not UTF-8; rename the folder of the \
                 data set, or give --data a link to it",
                path.display()
            )
        })?,
        images: train.len() as u64,
        images_sha256,
        labels_sha256,
        test_images_sha256: Some(test.images_sha256()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// The message of a run in the folder `run`, which another process may have filled.
    fn help(run: &RunDir, kind: ErrorKind) -> String {
        let path = run.metrics_path();
        let error = run_dir::Error::Io { action: "write", path, reason: kind.into() };
        let error = with_resume_help(run, Trainer::from(error).into());
        gan_cli::error::user_help(&error).unwrap().to_owned()
    }

    #[test]
    fn an_error_after_the_run_exists_names_the_command_that_continues_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), "").unwrap();
        let run = RunDir::open(dir.path()).unwrap();
        std::fs::create_dir(run.checkpoints_dir()).unwrap();
        let command = format!("continue with `cargo xtask train --resume {}", dir.path().display());
        for (kind, word) in [
            (ErrorKind::StorageFull, "free some space"),
            (ErrorKind::ReadOnlyFilesystem, "make that folder writable"),
        ] {
            let help = help(&run, kind);
            assert!(help.starts_with(word) && help.contains(&command), "{help}");
            assert!(help.ends_with('`') && !help.contains("--restart"), "{help}");
        }
        // Without a checkpoint, rows are deleted only on request.
        std::fs::write(run.metrics_path(), "{}\n").unwrap();
        let without = help(&run, ErrorKind::StorageFull);
        assert!(without.ends_with(" --restart`"), "{without}");
        std::fs::write(run.checkpoint_path(1), "").unwrap();
        assert!(!help(&run, ErrorKind::StorageFull).contains("--restart"));
    }
}
