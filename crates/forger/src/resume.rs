//! `forger train --resume`: a run that was stopped, as its configuration says it
//! is to be trained.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gan_metrics::Evaluator;
use gan_trainer::data::resized;
use gan_trainer::keeper::Keeper;
use gan_trainer::plan::{Exhibits, Plan};
use gan_trainer::precision::kind_of;
use gan_trainer::settings::Settings;
use mnist_io::Images;
use run_dir::{Config, RunDir};

use crate::args::TrainArgs;
use crate::order::{Order, checkpoint_every, exhibits, software};
use crate::{machine, output};

/// How a run stands.
pub enum Standing {
    /// There is something left to train, or a last look to be taken.
    Open(Box<Order>),
    /// It is at its end, after so many steps.
    Complete(Box<Keeper>, u64),
}

/// The run in `dir`, locked. Says what it goes on from.
pub fn standing(args: &TrainArgs, dir: &Path) -> Result<Standing> {
    let every = checkpoint_every(args)?;
    let run = RunDir::open(dir).context("nothing to resume")?;
    let config = run.config()?;
    let settings = Settings::of(&run, &config)?;
    let mut skipped = |error: &gan_trainer::Error| output::note(format_args!("left out: {error}"));
    let keeper = Keeper::resume(run.clone(), every, &mut skipped)?;
    if keeper.is_complete(&settings)?
        && let Some(progress) = keeper.progress()
    {
        return Ok(Standing::Complete(Box::new(keeper), progress.step));
    }

    let data = args
        .data
        .clone()
        .or_else(|| Some(PathBuf::from(&config.dataset.as_ref()?.path)));
    // As if it were typed again: what shows originals follows from the seed.
    let as_typed = TrainArgs {
        preset: config.preset.clone(),
        seed: config.seed,
        data: data.clone(),
        ..args.clone()
    };
    let exhibits = exhibits(&as_typed, &settings)?;
    if let Some(exhibits) = &exhibits {
        let data = data.as_deref().unwrap_or(Path::new(""));
        same_originals(&config, exhibits).with_context(|| {
            format!(
                "{} holds other images than the run was trained on; name their folder with --data",
                data.display()
            )
        })?;
        same_shown(&run, &settings, exhibits)?;
    }
    let plan = Plan {
        settings,
        seed: config.seed,
        seconds: config.seconds,
        device: machine::device_named(&config.device)?,
        kind: kind_of(&run, &config)?,
    };
    plan.check(exhibits.as_ref())?;
    let threads = machine::set_threads(Some(config.threads))?;
    if config.software != software() {
        let (then, now) = (&config.software, software());
        output::note(format_args!(
            "the run was begun by trainer {} with libtorch {}, this is {} with {}: \
             it may not end as it would have",
            then.trainer, then.libtorch, now.trainer, now.libtorch
        ));
    }
    match keeper.progress() {
        Some(progress) => output::note(format_args!("going on from step {}", progress.step)),
        None => output::note("there is no checkpoint yet: beginning again"),
    }
    Ok(Standing::Open(Box::new(Order {
        plan,
        exhibits,
        keeper,
        preset: config.preset,
        data: data.unwrap_or_default(),
        threads,
    })))
}

/// Refuses other originals than those of the configuration.
fn same_originals(config: &Config, exhibits: &Exhibits) -> Result<()> {
    let Some(dataset) = &config.dataset else {
        bail!("the configuration names no data set");
    };
    let training = &exhibits.training;
    let test = exhibits
        .evaluator
        .as_ref()
        .map(Evaluator::test_images_sha256);
    for (what, wanted, found) in [
        (
            "training images",
            Some(&dataset.images_sha256),
            training.images_sha256(),
        ),
        (
            "training labels",
            Some(&dataset.labels_sha256),
            training.labels_sha256(),
        ),
        (
            "test images",
            dataset.test_images_sha256.as_ref(),
            test.unwrap_or_default(),
        ),
    ] {
        if let Some(wanted) = wanted
            && *wanted != found
        {
            bail!("the SHA-256 of its {what} is {found}, not {wanted}");
        }
    }
    Ok(())
}

/// Refuses a run that shows other originals than it would now. Where they were
/// taken away they are written anew: they follow from the data and the seed.
fn same_shown(run: &RunDir, settings: &Settings, exhibits: &Exhibits) -> Result<()> {
    let path = run.originals_path();
    let shown = resized(exhibits.shown.images(), settings.network.side())?;
    if !path.exists() {
        shown.write_file(&path)?;
    } else if !Images::read_file(&path).is_ok_and(|there| there == shown) {
        bail!(
            "{}: it was changed, or drawn by another version; take it away to have it written anew",
            path.display()
        );
    }
    Ok(())
}
