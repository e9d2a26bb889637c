//! `forger train`: trains what was asked for, draws, and says where everything
//! is.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gan_metrics::{Evaluator, FULL};
use gan_trainer::data::resized;
use gan_trainer::forging::Forger;
use gan_trainer::train::{Outcome, Watch, train};
use gan_viz::figures::Figure;
use run_dir::{MetricsRow, QualityRow, RunDir};

use crate::args::TrainArgs;
use crate::order::{self, Order};
use crate::progress::{Bar, Progress, clock, show_forging};
use crate::resume::{Standing, standing};
use crate::signals::Signals;
use crate::{list, machine, output};

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        output::line(list::table().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(dir) = &args.resume else {
        return carry_out(order::new(args)?);
    };
    match standing(args, dir)? {
        Standing::Open(order) => carry_out(*order),
        Standing::Complete(keeper, step) => {
            let run = keeper.run();
            let root = run.root().display();
            output::line(format_args!("{root} is finished after {step} steps"))?;
            run.tidy()?;
            list_figures(&gan_viz::figures::draw_all(run)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Trains, draws, and says what there is.
fn carry_out(mut order: Order) -> Result<ExitCode> {
    let signals = Signals::listen().context("cannot listen for Ctrl-C")?;
    let (plan, exhibits) = (&order.plan, order.exhibits.as_ref());
    let originals = match exhibits {
        Some(exhibits) => format!(
            "{} images of {}",
            plan.settings.pool(exhibits.training.len() as u64),
            order.data.display()
        ),
        None => "numbers drawn from N(4, 0.5)".to_owned(),
    };
    output::note(format_args!(
        "training {} on {originals} ({}, {}, threads: {}, seed: {})",
        order.preset,
        machine::device_name(plan.device),
        machine::kind_name(plan.kind),
        order.threads,
        plan.seed,
    ));
    let run = order.keeper.run().clone();
    output::note(format_args!("into {}", run.root().display()));
    output::note("\"real a|b\": D takes a of the originals and b of the forgeries for real");
    let evaluator = exhibits.and_then(|e| e.evaluator.as_ref());
    if let Some(evaluator) = evaluator {
        prepare(evaluator, plan.settings.evaluate_every > 0)?;
    }
    let mut studio = Onlooker::new(&run, signals.clone());
    let outcome = train(plan, exhibits, &mut order.keeper, &mut studio);
    studio.progress.finish();
    let outcome = outcome.inspect_err(|error| tell_what_is_left(&run, error))?;
    close(&run, &outcome, evaluator)?;
    Ok(if outcome.finished {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(signals.exit_code())
    })
}

/// Where a run that failed can be found, and gone on with if that helps.
fn tell_what_is_left(run: &RunDir, error: &gan_trainer::Error) {
    let Ok(Some((step, path))) = run.newest_checkpoint() else {
        return;
    };
    if matches!(error, gan_trainer::Error::Diverged { .. }) {
        output::note(format_args!(
            "the last checkpoint before is kept: {}",
            path.display()
        ));
    } else {
        let root = quoted(run.root());
        output::note(format_args!(
            "to go on from step {step}: cargo xtask train --resume {root}"
        ));
    }
}

/// Finds out what evaluations have to know of the originals, and says where
/// there will be no quality curve that was to be.
fn prepare(evaluator: &Evaluator, curve: bool) -> Result<()> {
    if !evaluator.is_prepared() {
        output::note("measuring the originals, once; the results are kept");
    }
    evaluator.prepare()?;
    if let Some(reason) = evaluator.no_quality_curve()?.filter(|_| curve) {
        output::note(format_args!("no quality curve: {reason}"));
    }
    Ok(())
}

/// Watches the loop: shows rows, draws pictures now and then.
struct Onlooker<'a> {
    run: &'a RunDir,
    signals: Signals,
    progress: Progress,
    next_drawing: Instant,
}

impl Onlooker<'_> {
    fn new(run: &RunDir, signals: Signals) -> Onlooker<'_> {
        Onlooker {
            run,
            signals,
            progress: Progress::new(),
            next_drawing: Instant::now(),
        }
    }
}

impl Watch for Onlooker<'_> {
    fn pretraining(&mut self, update: u64, updates: u64) {
        self.progress.show_pretraining(update, updates);
    }

    fn pretrained(&mut self, accuracy: f64, images: u64) {
        let percent = accuracy * 100.0;
        self.progress.say(&format!(
            "D alone is right on {percent:.1}% of {images} images before the first step"
        ));
    }

    fn reported(&mut self, row: &MetricsRow, done: f64) {
        self.progress.show(row, done);
    }

    fn evaluated(&mut self, row: &QualityRow) {
        self.progress
            .say(&format!("step {}: {}", row.step, quality(row)));
    }

    fn one_sided(&mut self, step: u64) {
        self.progress.say(&format!(
            "step {step}: D has not erred for long, and G may learn nothing from it; \
             try a lower lr_d, or --set spectral_norm=true"
        ));
    }

    fn snapped(&mut self, _step: u64) {
        let started = Instant::now();
        if started < self.next_drawing {
            return;
        }
        if let Err(error) = gan_viz::figures::draw_progress(self.run) {
            // Pictures can be drawn again; hours of training cannot.
            self.progress.say(&format!("no pictures for now: {error}"));
        }
        // At most a thirtieth of the time goes into pictures.
        let pause = (started.elapsed() * 30).max(Duration::from_secs(5));
        self.next_drawing = Instant::now() + pause;
    }

    fn stop(&mut self) -> bool {
        self.signals.came()
    }
}

/// A point of the quality curve in one line.
fn quality(row: &QualityRow) -> String {
    let reference = row.reference("fid");
    let reference = reference.map_or(String::new(), |v| format!(" (reference {v:.1})"));
    let percent = |name| row.value(name).unwrap_or(0.0) * 100.0;
    format!(
        "FID {:.1}{reference}, precision {:.0}%, recall {:.0}%",
        row.value("fid").unwrap_or(f64::NAN),
        percent("precision"),
        percent("recall")
    )
}

/// Draws everything and says what there is to open and to do next.
fn close(run: &RunDir, outcome: &Outcome, evaluator: Option<&Evaluator>) -> Result<()> {
    let verb = if outcome.finished {
        "trained"
    } else {
        "stopped after"
    };
    // First what lasts: standard output may be closed.
    let figures = match run.newest_checkpoint()? {
        Some(_) => Some(gan_viz::figures::draw_all(run)?),
        None => None,
    };
    output::line(format_args!(
        "{verb} {} steps, {} images, in {}",
        outcome.steps,
        outcome.images_seen,
        clock(outcome.seconds)
    ))?;
    let root = quoted(run.root());
    if let Some(figures) = figures {
        list_figures(&figures)?;
        if let Some(evaluator) = evaluator {
            // Who stops a run does not wait for 10,000 forgeries.
            if outcome.finished {
                output::line(novelty(run, evaluator)?)?;
            }
            output::line(format_args!("next: cargo xtask sample --run {root}"))?;
            output::line(format_args!("      cargo xtask evaluate --run {root}"))?;
        }
    }
    if !outcome.finished {
        output::line(format_args!("to go on: cargo xtask train --resume {root}"))?;
    }
    Ok(())
}

fn list_figures(figures: &[Figure]) -> Result<()> {
    for figure in figures {
        output::line(format_args!("  {}", figure.path.display()))?;
    }
    Ok(())
}

/// Whether the run's forgeries are copies, for people.
fn novelty(run: &RunDir, evaluator: &Evaluator) -> Result<String> {
    let forger = Forger::open(run)?;
    let mut bar = Bar::new();
    let forgeries = forger.forge(1, FULL, None, &mut show_forging(&mut bar, FULL))?;
    bar.note("comparing them with every training image");
    let found = evaluator.duplicates(&resized(&forgeries, evaluator.side())?)?;
    bar.finish();
    Ok(format!(
        "{} of {} forgeries lie closer to a training image than the closest 0.1% of unseen test \
         images do;\n  of new handwriting, about {:.0} would",
        found.count,
        gan_viz::thousands(found.of as u64),
        found.expected
    ))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
