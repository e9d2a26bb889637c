//! `forger train`: trains, draws the figures, and prints their paths.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use gan_cli::{Paths, TrainArgs, preset_table};
use gan_metrics::{Evaluator, FULL_SAMPLES, parse_list};
use gan_trainer::{RunSampler, TrainData, TrainState, resize, train};
use gan_viz::figures::Figure;
use gan_viz::report::State;
use run_dir::{QualityRow, ReportData, RunDir};

use crate::evaluate::shared_images;
use crate::job::{TrainJob, quoted, with_resume_help};
use crate::observer::ProgressObserver;
use crate::preview::preview;
use crate::progress::{Bar, format_seconds};
use crate::resume::{ResumeState, resume};
use crate::signals::Signals;
use crate::{output, warnings};

/// The metrics of the evaluation after the last step.
const LAST_METRICS: &str = "duplicates,modes";

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        output::print_line(preset_table().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let run_job = |job: TrainJob| {
        let run = job.checkpointer.run_dir().clone();
        train_and_draw(job).map_err(|error| with_resume_help(&run, error))
    };
    let Some(dir) = args.run_to_resume(&Paths::from_env()) else {
        return run_job(TrainJob::new(args)?);
    };
    match resume(args, &dir)? {
        ResumeState::Unfinished(job) => run_job(*job),
        ResumeState::Complete(checkpointer, step) => {
            let run = checkpointer.run_dir();
            let root = run.root().display();
            output::print_line(format_args!("{root} is finished after {step} steps"))?;
            run.remove_temporary_files()?;
            let figures = gan_viz::figures::draw_all(run)?;
            list_files(&write_report(run)?, &figures)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Trains, draws the figures and lists them.
fn train_and_draw(mut job: TrainJob) -> Result<ExitCode> {
    let signals = Signals::listen().context("cannot listen for Ctrl-C")?;
    let (config, data) = (&job.config, &job.data);
    let (real, evaluator) = match data {
        TrainData::Images { training, evaluator, .. } => {
            let images = config.settings.epoch_size(training.len() as u64);
            let real = format!("{images} images of {}", job.data_path.display());
            (real, evaluator.as_deref())
        }
        TrainData::Gaussian => ("numbers from N(4, 0.5²)".to_owned(), None),
    };
    output::eprint_line(format_args!(
        "training {} on {real} ({}, {}, threads: {}, seed: {})",
        job.preset,
        gan_trainer::device_name(config.device),
        <&str>::from(job.precision),
        job.threads,
        config.seed,
    ));
    let run = job.checkpointer.run_dir().clone();
    output::eprint_line(format_args!("into {}", run.root().display()));
    output::eprint_line(
        "\"real a|b\": D classifies a of the real and b of the fake images as real",
    );
    if let Some(evaluator) = evaluator {
        prepare(evaluator, config.settings.evaluate_every.is_some())?;
    }
    let mut observer = ProgressObserver::new(&run, &job.runs, signals.clone());
    let state = train(config, data, &mut job.checkpointer, &mut observer);
    observer.finish();
    let state = state.inspect_err(|error| print_checkpoint(&run, error))?;
    finish(&run, &state, evaluator)?;
    Ok(if state.finished { ExitCode::SUCCESS } else { ExitCode::from(signals.exit_code()) })
}

/// Prints the newest checkpoint if training diverged.
fn print_checkpoint(run: &RunDir, error: &gan_trainer::Error) {
    if let (gan_trainer::Error::Diverged { .. }, Ok(Some((_, path)))) =
        (error, run.newest_checkpoint())
    {
        output::eprint_line(format_args!(
            "the last checkpoint before that is kept: {}",
            path.display()
        ));
    }
}

/// Computes the statistics of the data set. If `curve` is set, prints the reason why there
/// can be no quality curve, or what to know about its features.
fn prepare(evaluator: &Evaluator, curve: bool) -> Result<()> {
    if !evaluator.is_prepared() {
        output::eprint_line("computing statistics of the data set, once; the results are kept");
    }
    evaluator.prepare()?;
    if let Some(warning) = shared_images(evaluator) {
        output::eprint_line(warning);
    }
    if curve {
        match (evaluator.unreliable_reason()?, evaluator.features_note()) {
            (Some(reason), _) => output::eprint_line(format_args!("no quality curve: {reason}")),
            (None, Some(note)) => output::eprint_line(note),
            (None, None) => {}
        }
    }
    Ok(())
}

/// Draws all figures, and prints their paths and the next commands.
fn finish(run: &RunDir, state: &TrainState, evaluator: Option<&Evaluator>) -> Result<()> {
    // The figures come first: standard output may be closed.
    let checkpoint = run.newest_checkpoint()?;
    let drawn = checkpoint.map(|_| -> Result<_> {
        let figures = gan_viz::figures::draw_all(run)?;
        Ok((write_report(run)?, figures))
    });
    let drawn = drawn.transpose()?;
    output::print_line(format_args!(
        "{} {} steps, {} images, in {}",
        if state.finished { "trained" } else { "stopped after" },
        state.step,
        state.images_seen,
        format_seconds(state.seconds)
    ))?;
    for warning in warnings::of_run(run)? {
        output::print_line(format_args!("warning: {warning}"))?;
    }
    let root = quoted(run.root());
    if let Some(images) = preview(run) {
        output::colored(images.trim_end())?;
    }
    if let Some((report, figures)) = drawn {
        list_files(&report, &figures)?;
        if let Some(evaluator) = evaluator {
            // A user who stops a run does not wait for 10,000 samples.
            if state.finished {
                output::print_line(evaluate_final_samples(run, evaluator)?)?;
            }
            let class = run.config()?.class_option().map_or(String::new(), |o| format!(" {o}"));
            output::print_line(format_args!("next: cargo xtask sample --run {root}{class}"))?;
            output::print_line(format_args!("      cargo xtask evaluate --run {root}"))?;
        }
    }
    if !state.finished {
        output::print_line(format_args!("to resume: cargo xtask train --resume {root}"))?;
    }
    Ok(())
}

fn write_report(run: &RunDir) -> Result<PathBuf> {
    Ok(gan_viz::report::write(run, State::ended(run)?)?)
}

/// Prints what to look at: the report first.
fn list_files(report: &Path, figures: &[Figure]) -> Result<()> {
    output::print_line(format_args!("open {}", quoted(report)))?;
    let Some(folder) = figures.first().and_then(|figure| figure.path.parent()) else {
        return Ok(());
    };
    output::print_line(format_args!("figures in {}:", folder.display()))?;
    let width = figures.iter().map(|figure| figure.kind.file().len()).max().unwrap_or(0);
    for kind in figures.iter().map(|figure| figure.kind) {
        output::print_line(format_args!("  {:width$}  {}", kind.file(), kind.shows()))?;
    }
    Ok(())
}

/// Measures samples of the run's end for its report. Returns in one sentence whether they
/// are copies of training images.
fn evaluate_final_samples(run: &RunDir, evaluator: &Evaluator) -> Result<String> {
    let RunSampler { state, sampler, .. } = RunSampler::open(run)?;
    let mut bar = Bar::new();
    let samples = bar.sample(&sampler, 1, FULL_SAMPLES, None)?;
    bar.show_text("comparing them with every training image");
    let started = Instant::now();
    let metrics = parse_list(LAST_METRICS)?;
    let classes = sampler.default_classes(FULL_SAMPLES);
    let images = resize(&samples, evaluator.image_side())?;
    let row = evaluator.measure(&images, classes.as_deref(), &metrics, &mut |_| ())?.row;
    bar.finish();
    let copies = gan_viz::report::near_duplicates(&row).unwrap_or_default();
    if let Some(data) = run.report_data()? {
        let evaluation = Some(QualityRow {
            step: state.step,
            images_seen: state.images_seen,
            seconds: state.seconds,
            evaluation_seconds: started.elapsed().as_secs_f64(),
            ..row
        });
        run.write_report_data(&ReportData { evaluation, ..data })?;
        write_report(run)?;
    }
    Ok(copies)
}
