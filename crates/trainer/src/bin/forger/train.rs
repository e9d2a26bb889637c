//! `forger train`: resolves what was asked for, trains, draws, and says where
//! everything is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gan_trainer::data::resized;
use gan_trainer::presets;
use gan_trainer::seeds::{Stream, stream_seed};
use gan_trainer::settings::Settings;
use gan_trainer::train::{Outcome, Plan, SNAPSHOT_IMAGES, Watch, train};
use mnist_io::{Dataset, Images, Split, known};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use run_dir::{Config, DatasetInfo, MetricsRow, RunDir, Software};

use crate::args::TrainArgs;
use crate::machine;
use crate::progress::{Progress, clock};

/// The exit status of a program ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// The libtorch that this version of tch binds to; torch-sys refuses others.
const LIBTORCH: &str = "2.13.0";

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result<ExitCode> {
    if args.list {
        print!("{}", list());
        return Ok(ExitCode::SUCCESS);
    }
    let settings = settings(args)?;
    let dataset = Dataset::open(&args.data, Split::Train)
        .with_context(|| format!("--data {}", args.data.display()))?;
    let threads = machine::set_threads(args.threads)?;
    let device = machine::device(args.device)?;
    let kind = machine::kind(args.precision, device);
    let plan = Plan {
        settings,
        seed: args.seed,
        seconds: args.seconds,
        device,
        kind,
    };
    plan.check(&dataset)?;
    let run = create_run(args, &plan, &dataset, threads)?;

    let stop = stop_on_interrupt()?;
    eprintln!(
        "training {} on {} images of {} ({}, {}, threads: {threads}, seed: {})",
        args.preset,
        plan.settings.pool(dataset.len() as u64),
        args.data.display(),
        machine::device_name(device),
        machine::kind_name(kind),
        args.seed,
    );
    eprintln!("into {}", run.root().display());
    eprintln!("\"real a|b\": D takes a of the originals and b of the forgeries for real");
    let mut studio = Studio::new(&run, stop);
    let outcome = train(&plan, &dataset, &run, &mut studio);
    studio.progress.finish();
    let outcome = outcome?;
    close(&run, &outcome)
}

/// The preset's settings with what the command line overrides.
fn settings(args: &TrainArgs) -> Result<Settings> {
    let Some(preset) = presets::find(&args.preset) else {
        let names: Vec<_> = presets::all().iter().map(|p| p.name).collect();
        bail!(
            "there is no preset {:?}; the presets are {}",
            args.preset,
            names.join(", ")
        );
    };
    let mut settings = preset.settings;
    for pair in &args.set {
        settings = settings.with(pair)?;
    }
    if let Some(batch) = args.batch {
        settings.batch = batch;
    }
    if let Some(every) = args.snapshot_every {
        settings.snapshot_every = every;
    }
    if let Some(steps) = args.steps {
        if steps == 0 {
            bail!("--steps 0: at least 1 step is needed");
        }
        settings.images = steps
            .checked_mul(settings.batch)
            .filter(|images| i64::try_from(*images).is_ok())
            .with_context(|| format!("--steps {steps}: more images than can be counted"))?;
    }
    Ok(settings)
}

fn create_run(args: &TrainArgs, plan: &Plan, dataset: &Dataset, threads: u64) -> Result<RunDir> {
    let images_sha256 = dataset.images().idx_sha256();
    let labels_sha256 = dataset.labels_sha256();
    let config = Config {
        preset: args.preset.clone(),
        seed: plan.seed,
        batch: plan.settings.batch,
        seconds: plan.seconds,
        device: machine::device_name(plan.device),
        precision: machine::kind_name(plan.kind).to_owned(),
        threads,
        dataset: DatasetInfo {
            name: known::identify(&images_sha256, &labels_sha256)
                .map_or("custom", |set| set.name)
                .to_owned(),
            path: std::path::absolute(&args.data)?.display().to_string(),
            images: dataset.len() as u64,
            images_sha256,
            labels_sha256,
        },
        software: Software {
            trainer: env!("CARGO_PKG_VERSION").to_owned(),
            libtorch: LIBTORCH.to_owned(),
        },
        train: toml::Table::try_from(&plan.settings)?,
    };
    let originals = some_originals(dataset.images(), plan.seed)?;
    let originals = resized(&originals, plan.settings.network.side())?;
    let Some(root) = &args.run else {
        return Ok(RunDir::create_next(
            &args.runs,
            &args.preset,
            &config,
            &originals,
        )?);
    };
    let run = RunDir::create(root, &config, &originals)?;
    run.set_latest(&args.runs)?;
    Ok(run)
}

/// As many originals as a snapshot has forgeries, picked by the seed.
fn some_originals(images: &Images, seed: u64) -> Result<Images> {
    let mut rng = ChaCha8Rng::seed_from_u64(stream_seed(seed, Stream::Originals, 0));
    let count = SNAPSHOT_IMAGES.min(images.len());
    let picked = index::sample(&mut rng, images.len(), count).into_vec();
    images
        .select(&picked)
        .context("originals picked outside the set")
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
struct Studio<'a> {
    run: &'a RunDir,
    stop: Arc<AtomicBool>,
    progress: Progress,
    next_drawing: Instant,
}

impl Studio<'_> {
    fn new(run: &RunDir, stop: Arc<AtomicBool>) -> Studio<'_> {
        Studio {
            run,
            stop,
            progress: Progress::new(),
            next_drawing: Instant::now(),
        }
    }
}

impl Watch for Studio<'_> {
    fn pretraining(&mut self, update: u64, updates: u64) {
        self.progress.show_pretraining(update, updates);
    }

    fn pretrained(&mut self, accuracy: f64) {
        let percent = accuracy * 100.0;
        self.progress.say(&format!(
            "D alone tells {percent:.1}% apart before the first step"
        ));
    }

    fn reported(&mut self, row: &MetricsRow, done: f64) {
        self.progress.show(row, done);
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

/// Draws everything and says what there is to open and to try.
fn close(run: &RunDir, outcome: &Outcome) -> Result<ExitCode> {
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
    println!("next: cargo xtask sample --run {}", quoted(run.root()));
    Ok(code)
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

/// The table of presets.
fn list() -> String {
    let mut table = String::new();
    for preset in presets::all() {
        let pair = preset.settings.network.build();
        table.push_str(&format!(
            "{:<10} {}\n{:<10} G {} and D {} parameters, {} steps of batch {}\n{:<10} from: {}\n",
            preset.name,
            preset.summary,
            "",
            pair.generator.layout().numel(),
            pair.discriminator.layout().numel(),
            preset.settings.steps(),
            preset.settings.batch,
            "",
            preset.source,
        ));
    }
    table
}
