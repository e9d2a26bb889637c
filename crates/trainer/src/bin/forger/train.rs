//! `forger train`: trains what was asked for, draws, and says where everything
//! is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gan_trainer::data::resized;
use gan_trainer::evaluator::{CLOSING, Evaluator};
use gan_trainer::forging::Forger;
use gan_trainer::plan::Plan;
use gan_trainer::train::{Outcome, Watch, train};
use run_dir::{MetricsRow, QualityRow, RunDir};
use tch::Kind;

use crate::args::{PrecisionChoice, TrainArgs};
use crate::order::{create_run, data, exhibits, preset, settings};
use crate::progress::{Progress, clock};
use crate::{list, machine};

/// The exit status of a program ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        print!("{}", list::table());
        return Ok(ExitCode::SUCCESS);
    }
    let preset = preset(args)?;
    let settings = settings(args, &preset)?;
    let exhibits = exhibits(args, &settings)?;
    let threads = machine::set_threads(args.threads)?;
    let device = machine::device(args.device)?;
    let kind = match args.precision {
        // Numbers near 4 that differ in the third digit are all one in bf16.
        PrecisionChoice::Auto if settings.network.draws_originals() => Kind::Float,
        choice => machine::kind(choice, device),
    };
    let plan = Plan {
        settings,
        seed: args.seed,
        seconds: args.seconds,
        device,
        kind,
    };
    plan.check(exhibits.as_ref())?;
    let run = create_run(args, &preset, &plan, exhibits.as_ref(), threads)?;

    let stop = stop_on_interrupt()?;
    let originals = match &exhibits {
        Some(exhibits) => format!(
            "{} images of {}",
            plan.settings.pool(exhibits.training.len() as u64),
            data(args).display()
        ),
        None => "numbers drawn from N(4, 0.5)".to_owned(),
    };
    eprintln!(
        "training {} on {originals} ({}, {}, threads: {threads}, seed: {})",
        args.preset,
        machine::device_name(device),
        machine::kind_name(kind),
        args.seed,
    );
    eprintln!("into {}", run.root().display());
    eprintln!("\"real a|b\": D takes a of the originals and b of the forgeries for real");
    let evaluator = exhibits.as_ref().and_then(|e| e.evaluator.as_ref());
    if let Some(evaluator) = evaluator {
        prepare(evaluator, plan.settings.evaluate_every > 0)?;
    }
    let mut studio = Onlooker::new(&run, stop);
    let outcome = train(&plan, exhibits.as_ref(), &run, &mut studio);
    studio.progress.finish();
    let outcome = outcome?;
    close(&run, &outcome, evaluator)
}

/// Finds out what evaluations have to know of the originals, and says where
/// there will be no quality curve that was to be.
fn prepare(evaluator: &Evaluator, curve: bool) -> Result<()> {
    if !evaluator.is_prepared() {
        eprintln!("measuring the originals, once; the results are kept");
    }
    evaluator.prepare()?;
    if let Some(unfit) = evaluator.unfit()?.filter(|_| curve) {
        eprintln!("no quality curve: {unfit}");
    }
    Ok(())
}

/// A flag that the first Ctrl-C sets; a second one ends the program at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// Watches the loop: shows rows, draws pictures now and then.
struct Onlooker<'a> {
    run: &'a RunDir,
    stop: Arc<AtomicBool>,
    progress: Progress,
    next_drawing: Instant,
}

impl Onlooker<'_> {
    fn new(run: &RunDir, stop: Arc<AtomicBool>) -> Onlooker<'_> {
        Onlooker {
            run,
            stop,
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
        self.stop.load(Ordering::SeqCst)
    }
}

/// A point of the quality curve in one line.
fn quality(row: &QualityRow) -> String {
    let floor = |v: Option<f64>| v.map_or(String::new(), |v| format!(" (floor {v:.1})"));
    let percent = |v: Option<f64>| v.unwrap_or(0.0) * 100.0;
    format!(
        "FID {:.1}{}, precision {:.0}%, recall {:.0}%",
        row.fid,
        floor(row.fid_floor),
        percent(row.precision),
        percent(row.recall)
    )
}

/// Draws everything and says what there is to open and, where forgeries are
/// images, how new they are and what to try.
fn close(run: &RunDir, outcome: &Outcome, evaluator: Option<&Evaluator>) -> Result<ExitCode> {
    let (verb, code) = if outcome.finished {
        ("trained", ExitCode::SUCCESS)
    } else {
        ("stopped after", ExitCode::from(INTERRUPTED))
    };
    println!(
        "{verb} {} steps, {} images, in {}",
        outcome.steps,
        outcome.images_seen,
        clock(outcome.seconds)
    );
    for figure in gan_viz::figures::draw_all(run)? {
        println!("  {}", figure.path.display());
    }
    if let Some(evaluator) = evaluator {
        println!("{}", novelty(run, evaluator)?);
        println!("next: cargo xtask sample --run {}", quoted(run.root()));
        println!("      cargo xtask evaluate --run {}", quoted(run.root()));
    }
    Ok(code)
}

/// Whether the run's forgeries are copies, for people.
fn novelty(run: &RunDir, evaluator: &Evaluator) -> Result<String> {
    let forgeries = Forger::open(run)?.forge(1, CLOSING, None)?;
    let found = evaluator.duplicates(&resized(&forgeries, evaluator.side())?)?;
    Ok(format!(
        "{} of {} forgeries lie closer to a training image than the closest 0.1% of unseen test \
         images do;\n  of new handwriting, about {} would",
        found.count,
        gan_viz::thousands(found.of as u64),
        CLOSING / 1000
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
