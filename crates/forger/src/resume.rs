//! `train --resume`: continues a run that was stopped.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gan_cli::error::user_error;
use gan_cli::{Paths, TrainArgs};
use gan_trainer::{Checkpointer, TrainConfig, TrainData, dtype, software};
use run_dir::{DatasetInfo, RunConfig, RunDir};

use crate::job::{TrainJob, checkpoint_every, dataset_info, train_data};
use crate::{machine, output, real_images, threads};

/// The state of a run to resume.
pub enum ResumeState {
    /// Training, or the files of its end, are not complete.
    Unfinished(Box<TrainJob>),
    /// The run is complete after so many steps.
    Complete(Box<Checkpointer>, u64),
}

/// Locks the run in `dir` and finds where it continues.
pub fn resume(args: &TrainArgs, dir: &Path) -> Result<ResumeState> {
    let run = RunDir::open(dir).context("nothing to resume")?;
    let config = run.config()?;
    let mut skipped = |error: &gan_trainer::Error| {
        output::eprint_line(format_args!("skipped an invalid checkpoint: {error}"));
    };
    let every = checkpoint_every(args);
    let checkpointer = match Checkpointer::resume(run.clone(), every, &mut skipped) {
        Err(gan_trainer::Error::NoValidCheckpoint { .. }) if args.restart => {
            Checkpointer::restart(run.clone(), every)?
        }
        resumed => resumed?,
    };
    if args.restart
        && let Some(state) = checkpointer.resume_state()
    {
        bail!(
            "--restart: {} has a valid checkpoint of step {}; leave --restart out to resume from it",
            run.root().display(),
            state.step
        );
    }
    let networks = gan_models::by_name(&config.networks, 1, None).with_context(|| {
        let name = &config.networks;
        format!(
            "this version has no networks {name}; resume the run with the program that started it"
        )
    })?;
    // The evaluation at the end comes after the last files of the trainer.
    let evaluated = run.report_data().is_ok_and(|data| data.is_none_or(|d| d.evaluation.is_some()));
    if checkpointer.is_complete(networks.generator.conditional())?
        && evaluated
        && let Some(state) = checkpointer.resume_state()
    {
        return Ok(ResumeState::Complete(Box::new(checkpointer), state.step));
    }

    let paths = Paths::from_env();
    let dataset = config.dataset.as_ref();
    let data_path =
        dataset.map(|set| args.data.clone().unwrap_or_else(|| PathBuf::from(&set.path)));
    let (path, cache) = (data_path.as_deref(), paths.cache(args.cache.as_deref()));
    let set = path.map(|path| real_images::open(path, "--data")).transpose()?;
    let (settings, networks_name) = (&config.settings, &config.networks);
    let found = path.zip(set.as_ref()).map(|(path, set)| dataset_info(path, set)).transpose()?;
    let data = train_data(set, &cache, settings, networks_name, config.seed)?;
    let train_config = TrainConfig {
        seed: config.seed,
        time_limit_seconds: config.seconds,
        device: machine::device_named(&config.device)?,
        dtype: dtype(config.precision),
        ..TrainConfig::by_name(config.settings.clone(), &config.networks, &data)?
    };
    if let (Some(path), Some(wanted), Some(found)) = (path, dataset, found) {
        let images = check_images(wanted, &found);
        images.and_then(|()| check_classes(&config, &train_config)).with_context(|| {
            format!(
                "{} holds other images than the run was trained on; name their folder with --data",
                path.display()
            )
        })?;
        check_figure_images(&run, &data, &train_config)?;
    }
    train_config.validate(&data)?;
    let threads = threads::set(args.threads.or(Some(config.threads)))?;
    if threads != config.threads {
        output::eprint_line(format_args!(
            "the run began with {} threads and continues with {threads}: its files will differ from \
             those of an uninterrupted run",
            config.threads
        ));
    }
    if config.software != software() {
        let (then, now) = (&config.software, software());
        output::eprint_line(format_args!(
            "trainer {} with libtorch {} began the run, and {} with {} continues it: the result \
             may differ from that of an uninterrupted run",
            then.trainer, then.libtorch, now.trainer, now.libtorch
        ));
    }
    match checkpointer.resume_state() {
        Some(state) => output::eprint_line(format_args!("resuming from step {}", state.step)),
        None => output::eprint_line("there is no valid checkpoint: training begins again"),
    }
    Ok(ResumeState::Unfinished(Box::new(TrainJob {
        config: train_config,
        data,
        checkpointer,
        runs: paths.runs(None),
        preset: config.preset,
        data_path: data_path.unwrap_or_default(),
        precision: config.precision,
        threads,
    })))
}

/// Refuses other images or labels than those of the configuration.
fn check_images(wanted: &DatasetInfo, found: &DatasetInfo) -> Result<()> {
    let found_test = found.test_images_sha256.clone().unwrap_or_default();
    let wanted_test = wanted.test_images_sha256.as_ref();
    for (what, wanted, found) in [
        ("training images", &wanted.images_sha256, &found.images_sha256),
        ("training labels", &wanted.labels_sha256, &found.labels_sha256),
        ("test images", wanted_test.unwrap_or(&found_test), &found_test),
    ] {
        if wanted != found {
            bail!("the SHA-256 of its {what} is {found}, not {wanted}");
        }
    }
    Ok(())
}

/// Refuses other classes than those of the configuration.
fn check_classes(config: &RunConfig, found: &TrainConfig) -> Result<()> {
    if !config.classes.is_empty() && config.classes != found.classes {
        bail!("its classes are {}, not {}", found.classes, config.classes);
    }
    Ok(())
}

/// Refuses a run whose real images for the figures have changed. If the file was
/// removed, it is written again: it depends on the data and the seed only.
fn check_figure_images(run: &RunDir, data: &TrainData, config: &TrainConfig) -> Result<()> {
    let path = run.real_images_path();
    let Some(shown) = data.figure_images(config.networks.generator.image_side())? else {
        return Ok(());
    };
    if !run.has_file(&path)? {
        run.write_images(&path, &shown)?;
        return Ok(());
    }
    let again = "remove it and resume again to replace it";
    match run.read_images(&path) {
        Ok(found) if found == shown => Ok(()),
        Ok(_) => bail!("{}: it changed, or another version wrote it; {again}", path.display()),
        Err(error) => Err(user_error(error.to_string(), again)),
    }
}
