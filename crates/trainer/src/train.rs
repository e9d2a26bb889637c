//! The training loop.

use std::time::Instant;

use gan_metrics::Evaluator;
use run_dir::QualityRow;

use crate::Error;
use crate::checkpoint::TrainState;
use crate::checkpointer::Checkpointer;
use crate::config::TrainConfig;
use crate::data::{TrainData, resize};
use crate::dominance::DominanceMonitor;
use crate::observer::Observer;
use crate::onnx::OnnxWriter;
use crate::seeds::RandomStream;
use crate::snapshots::SnapshotWriter;
use crate::trainer::Trainer;

/// Trains the GAN that `config` describes on `data`. Starts at the checkpoint that
/// `checkpointer` resumes from, or at step 0. Writes samples, metrics and
/// checkpoints to the run directory.
///
/// Returns the state at the end. It is not finished if the observer stopped the run. If the
/// observer stops pretraining, no checkpoint is saved, and the run restarts at step 0 when it
/// resumes.
///
/// # Errors
/// Those of [`TrainConfig::validate`]; [`Error::Run`] if the run directory cannot be
/// written; [`Error::Checkpoint`] if the checkpoint does not belong to these
/// networks; [`Error::Diverged`] if a loss, a weight or an optimizer state is not
/// finite; [`Error::Metrics`], [`Error::Export`] and [`Error::Torch`].
pub fn train(
    config: &TrainConfig,
    data: &TrainData,
    checkpointer: &mut Checkpointer,
    observer: &mut dyn Observer,
) -> Result<TrainState, Error> {
    // Load the data onto the device, initialize the parameters, and draw the fixed latents.
    config.validate(data)?;
    let run = checkpointer.run_dir().clone();
    let mut trainer = Trainer::new(config, data)?;
    let snapshots = SnapshotWriter::new(&trainer.gan, config.seed, data);
    let evaluator = quality_evaluator(config, data)?;
    let mut onnx = OnnxWriter::new(run.config()?.preset, config.seed);

    // Resume from the checkpoint and delete what the run wrote after it. Without a checkpoint,
    // pretrain D if the settings ask for it, and write the first snapshot.
    if let Some(state) = checkpointer.restore_and_rewind(&mut trainer.gan)? {
        trainer.resume(state);
    } else {
        if !trainer.pretrain(observer) {
            // The observer stopped the run.
            return Ok(TrainState::default());
        }
        onnx.write_throttled(&trainer.gan, &run, 0)?;
        snapshots.write(&trainer.gan, &run, 0)?;
        observer.snapshot_written(0);
    }

    let mut dominance = DominanceMonitor::default();
    while !trainer.state.finished && !observer.should_stop() {
        let stats = trainer.step();
        let step = trainer.state.step;
        // If the lock file was removed, another process may train this run. Check before writing.
        if trainer.metrics_due() || trainer.evaluation_due() || trainer.snapshot_due() {
            checkpointer.check_lock()?;
        }

        // Write a row of losses. Stop if training diverged.
        if trainer.metrics_due() {
            let row = trainer.metrics_row(&stats);
            run.append_metrics(&row)?;
            observer.metrics_written(&row, trainer.fraction_done());
            trainer.check_finite(&row)?;
            if dominance.update(&row) {
                observer.discriminator_dominates(step);
            }
        }

        // Write a row of the quality curve.
        if trainer.evaluation_due()
            && let Some(evaluator) = evaluator
        {
            let row = evaluate(&trainer, evaluator)?;
            run.append_quality(&row)?;
            observer.evaluated(&row);
        }

        // Write samples from the fixed latents. Also write both networks as ONNX files, if these
        // exports take at most a fiftieth of the run's time.
        if trainer.snapshot_due() {
            onnx.write_throttled(&trainer.gan, &run, step)?;
            snapshots.write(&trainer.gan, &run, step)?;
            // Resuming deletes snapshots after this step. The one written after the loop does not
            // count: an uninterrupted run may have no snapshot at that step.
            trainer.state.last_snapshot = step;
            observer.snapshot_written(step);
        }

        // Save a checkpoint.
        if checkpointer.save_due() && !trainer.state.finished {
            checkpointer.save(&trainer.gan, trainer.state, observer)?;
        }
    }

    // Save the last checkpoint, and write the last ONNX files and samples.
    let state = trainer.state;
    checkpointer.save(&trainer.gan, state, observer)?;
    onnx.write(&trainer.gan, &run, state.step)?;
    if !snapshots.exists(&run, state.step)? {
        snapshots.write(&trainer.gan, &run, state.step)?;
        // For synthetic data, a snapshot is a row of densities.jsonl. The save above may have
        // recorded the checksums of the row files without this row. Record them again.
        checkpointer.record_row_checksums()?;
        observer.snapshot_written(state.step);
    }
    // Write the nearest images (among the first `epoch_size` training images), the walks, the
    // class grid and the data of the report.
    if let TrainData::Images { training, evaluator, .. } = data {
        let test = evaluator.as_ref().map(|evaluator| evaluator.test_set());
        let epoch_size = trainer.loader.epoch_size();
        snapshots.write_final_data(&trainer.gan, &run, state.step, (training, test), epoch_size)?;
    }
    Ok(state)
}

/// The evaluator of the quality curve. `None` if `evaluate_every` is not set, if `data` has no
/// evaluator, or if the classifier's features are unreliable on this data set.
fn quality_evaluator<'a>(
    config: &TrainConfig,
    data: &'a TrainData,
) -> Result<Option<&'a Evaluator>, Error> {
    match data {
        TrainData::Images { evaluator: Some(evaluator), .. }
            if config.settings.evaluate_every.is_some()
                && evaluator.unreliable_reason()?.is_none() =>
        {
            Ok(Some(evaluator))
        }
        _ => Ok(None),
    }
}

/// Measures samples of G. Training is unaffected, because each step seeds the random number
/// generator.
fn evaluate(trainer: &Trainer, evaluator: &Evaluator) -> Result<QualityRow, Error> {
    let started = Instant::now();
    let stream = (trainer.config.seed, RandomStream::Evaluation);
    let count = gan_metrics::QUICK_SAMPLES;
    let (class, mut on_progress) = (None, |_| ());
    let samples = trainer.gan.sampler().sample(stream, count, class, &mut on_progress)?;
    let row = evaluator.measure_curve_point(&resize(&samples, evaluator.image_side())?)?;
    Ok(QualityRow {
        step: trainer.state.step,
        images_seen: trainer.state.images_seen,
        seconds: trainer.state.seconds,
        evaluation_seconds: started.elapsed().as_secs_f64(),
        ..row
    })
}
