//! The training loop.

use std::time::Instant;

use gan_metrics::Evaluator;
use run_dir::QualityRow;

use crate::Error;
use crate::checkpointer::Checkpointer;
use crate::config::TrainConfig;
use crate::data::{TrainData, resize};
use crate::dominance::DominanceMonitor;
use crate::observer::Observer;
use crate::seeds::Stream;
use crate::snapshots::Snapshots;
use crate::trainer::Trainer;

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Steps finished.
    pub steps: u64,
    /// Real images shown to D.
    pub images_seen: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// The schedule is finished; otherwise the observer stopped the run.
    pub finished: bool,
}

/// Trains `config` on `data`, from where `checkpointer` begins, and leaves samples,
/// rows and checkpoints in its run.
///
/// A run that is stopped during pretraining leaves no checkpoint and begins again.
///
/// # Errors
/// What [`TrainConfig::validate`] refuses; [`Error::Run`] if the run directory
/// cannot be written; [`Error::Checkpoint`] if the checkpoint does not fit;
/// [`Error::Diverged`].
pub fn train(
    config: &TrainConfig,
    data: &TrainData,
    checkpointer: &mut Checkpointer,
    observer: &mut dyn Observer,
) -> Result<Outcome, Error> {
    // Load the data, build the networks, and fix the latents of the snapshots.
    config.validate(data)?;
    let run = checkpointer.run().clone();
    let mut trainer = Trainer::new(config, data)?;
    let snapshots = Snapshots::new(&trainer.gan, config.seed, data);
    let evaluator = evaluator(config, data)?;

    // Resume from the checkpoint, or pretrain D and take the first snapshot.
    if let Some(state) = checkpointer.begin(&mut trainer.gan)? {
        trainer.resume(state);
    } else {
        if !trainer.pretrain(observer) {
            return Ok(Outcome::default());
        }
        snapshots.write(&trainer.gan, &run, 0)?;
        observer.snapshot_written(0);
    }

    let mut dominance = DominanceMonitor::default();
    while !trainer.state.done && !observer.should_stop() {
        let stats = trainer.step();
        let step = trainer.state.step;

        // Write a row of losses, and stop if training diverged.
        if trainer.should_report() {
            let row = trainer.report(&stats);
            run.append_metrics(&row)?;
            observer.reported(&row, trainer.done());
            trainer.check_finite(&row)?;
            if dominance.detects(&row) {
                observer.discriminator_dominates(step);
            }
        }

        // Write a row of the quality curve.
        if trainer.should_evaluate()
            && let Some(evaluator) = evaluator
        {
            let row = evaluate(&trainer, evaluator)?;
            run.append_quality(&row)?;
            observer.evaluated(&row);
        }

        // Write samples from the fixed latents.
        if trainer.should_snapshot() {
            snapshots.write(&trainer.gan, &run, step)?;
            trainer.state.last_snapshot = step;
            observer.snapshot_written(step);
        }

        // Save a checkpoint.
        if checkpointer.is_due() && !trainer.state.done {
            checkpointer.save(&trainer.gan, trainer.state)?;
        }
    }

    // Save the last checkpoint, and write the last samples.
    let state = trainer.state;
    checkpointer.save(&trainer.gan, state)?;
    if state.last_snapshot != state.step {
        snapshots.write(&trainer.gan, &run, state.step)?;
        observer.snapshot_written(state.step);
    }
    if let TrainData::Images { training, .. } = data {
        snapshots.write_final(&trainer.gan, &run, training, trainer.loader.pool())?;
    }
    Ok(Outcome {
        steps: state.step,
        images_seen: state.images_seen,
        seconds: state.seconds,
        finished: state.done,
    })
}

/// The evaluator of the quality curve, if there is to be one and its features are
/// reliable on this data set.
fn evaluator<'a>(
    config: &TrainConfig,
    data: &'a TrainData,
) -> Result<Option<&'a Evaluator>, Error> {
    match data {
        TrainData::Images { evaluator: Some(evaluator), .. }
            if config.settings.evaluate_every.is_some()
                && evaluator.no_quality_curve()?.is_none() =>
        {
            Ok(Some(evaluator))
        }
        _ => Ok(None),
    }
}

/// Measures samples of the present generator. Training does not depend on it,
/// because each step seeds its own random numbers.
fn evaluate(trainer: &Trainer, evaluator: &Evaluator) -> Result<QualityRow, Error> {
    let started = Instant::now();
    let seed = (trainer.config.seed, Stream::Quality);
    let count = gan_metrics::QUICK;
    let samples = trainer.gan.sampler().sample(seed, count, None, &mut |_| ())?;
    let row = evaluator.quick(&resize(&samples, evaluator.side())?)?;
    Ok(QualityRow {
        step: trainer.state.step,
        images_seen: trainer.state.images_seen,
        seconds: trainer.state.seconds,
        evaluation_seconds: started.elapsed().as_secs_f64(),
        ..row
    })
}
