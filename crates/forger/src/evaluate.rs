//! `forger evaluate`: what forgeries are worth.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use gan_cli::Paths;
use gan_trainer::evaluator::{Cache, Evaluator, Metric, Quality};
use gan_trainer::inception::Inception;
use gan_trainer::{RunSampler, resize};
use mnist_io::{Dataset, Split};
use run_dir::{QualityRow, RunDir};
use serde_json::{Value, json};

use crate::args::EvaluateArgs;
use crate::progress::{Bar, clock, left};
use crate::subject::Subject;
use crate::{machine, output, table};

/// The most forgeries that are measured at once.
const MOST: u64 = 100_000;

/// Runs the command.
pub fn run(args: &EvaluateArgs) -> Result<ExitCode> {
    let named = args.metrics.as_deref().map(named_metrics).transpose()?;
    if args.count < 2 || args.count > MOST {
        bail!("--count {}: it must be between 2 and 100,000", args.count);
    }
    machine::set_threads(args.threads)?;
    let network = args.inception.then(|| {
        Inception::load(&Paths::from_env().inception(args.inception_file.as_deref()))
            .context("no network to measure with; `cargo xtask evaluate --inception` fetches it")
    });
    let network = network.transpose()?;
    let started = Instant::now();
    let mut bar = Bar::new();
    bar.note("reading what is to be measured");
    let subject = Subject::find(args, &mut bar)?;
    bar.show(0.0, "reading the originals");
    let originals = Against::find(args, &subject)?;
    let evaluator = &originals.evaluator;

    // What the classifier cannot read is left out, unless it was asked for.
    let mut metrics = named.clone().unwrap_or(Metric::ALL.to_vec());
    if named.is_none()
        && let Some(unfit) = evaluator.illegible()?
    {
        bar.say(&format!("left out what needs the classifier: {unfit}"));
        metrics.retain(|metric| !metric.needs_classifier());
    }

    let images = resize(&subject.images, evaluator.side())?;
    let asked = subject.asked.as_deref();
    let mut done = 0.0;
    let measured = evaluator.measure(&images, asked, &metrics, &mut |metric| {
        let share = done / metrics.len() as f64;
        bar.show(share, &format!("measuring {}", metric.name()));
        done += 1.0;
    });
    let mut quality = measured.with_context(|| match named {
        Some(_) => "not everything that --metrics names can be measured",
        None => "not everything can be measured; --metrics says what to measure",
    })?;
    if let Some(network) = &network {
        let mut show = show_inception(&mut bar);
        let (found, floor) = evaluator.inception(network, &images, &mut show)?;
        quality.inception_fid = Some(found);
        quality.inception_fid_floor = floor;
    }
    bar.finish();

    let seconds = started.elapsed().as_secs_f64();
    let size = (subject.images.rows(), subject.images.cols());
    let resized_from = (size != (images.rows(), images.cols())).then_some(size);
    let against = originals.path.display().to_string();
    let text = if args.json {
        let mut answer = subject.source;
        merge(
            &mut answer,
            json!({ "against": against, "seconds": seconds }),
        );
        merge(&mut answer, json!({ "resized_from": resized_from }));
        merge(&mut answer, serde_json::to_value(&quality)?);
        answer.to_string()
    } else {
        let table = table::table(&subject.title, &against, resized_from, &quality);
        format!("{table}measured in {}", clock(seconds))
    };
    // Whether or not this can be printed, the run keeps its row.
    let printed = output::line(text);
    if let Some((run, forger)) = &subject.run
        && originals.are_the_runs
    {
        keep(run, forger, seconds, &quality)?;
    }
    printed?;
    Ok(ExitCode::SUCCESS)
}

/// What `--metrics` names.
fn named_metrics(list: &str) -> Result<Vec<Metric>> {
    Metric::parse_list(list).map_err(|name| {
        let names: Vec<_> = Metric::names().collect();
        anyhow!(
            "--metrics {list}: there is no metric {name:?}; there are {}, and --inception adds the \
             FID of published tables",
            names.join(", ")
        )
    })
}

/// The originals that forgeries are measured against.
struct Against {
    path: PathBuf,
    evaluator: Evaluator,
    /// Whether the run, if the forgeries are one's, was trained on them.
    are_the_runs: bool,
}

impl Against {
    /// The folder that the user names, else that of the run, else the usual one.
    fn find(args: &EvaluateArgs, subject: &Subject) -> Result<Against> {
        let trained_on = subject
            .run
            .as_ref()
            .and_then(|(_, forger)| forger.config.dataset.as_ref());
        let path = match (&args.against, trained_on) {
            (Some(path), _) => path.clone(),
            (None, Some(set)) if PathBuf::from(&set.path).is_dir() => PathBuf::from(&set.path),
            (None, _) => Paths::from_env().data(None),
        };
        let open = |split| {
            Dataset::open(&path, split).with_context(|| {
                format!(
                    "no originals in {}; name them with --against",
                    path.display()
                )
            })
        };
        let (training, test) = (open(Split::Train)?, open(Split::Test)?);
        let are_the_runs = trained_on
            .is_none_or(|set| set.has_images(&training.images_sha256(), &test.images_sha256()));
        if !are_the_runs {
            let path = path.display();
            if args.against.is_none() {
                bail!(
                    "{path} holds other images than the run was trained on and measured with; name \
                     their folder with --against"
                );
            }
            output::note(format_args!(
                "{path} holds other images than the run was trained on and measured with; its \
                 quality.jsonl gets no row"
            ));
        }
        let cache = Cache::new(
            Some(Paths::from_env().cache(args.cache.as_deref())),
            training.images(),
            test.images(),
        );
        Ok(Against {
            evaluator: Evaluator::new(training, test, cache)?,
            path,
            are_the_runs,
        })
    }
}

/// Shows how far the network is with one set of images, and how long that set
/// will still take.
fn show_inception(bar: &mut Bar) -> impl FnMut(&str, usize, usize) {
    let mut started = Instant::now();
    move |whose, done, of| {
        if done == 0 {
            started = Instant::now();
        }
        let share = done as f64 / of as f64;
        let left = left(started.elapsed().as_secs_f64(), share);
        let text = format!("{left} left  InceptionV3 looks at {whose}: {done} of {of}");
        bar.show(share, &text);
    }
}

/// Adds a row to the run's own record, where there is an FID.
fn keep(
    run: &RunDir,
    forger: &RunSampler,
    evaluation_seconds: f64,
    quality: &Quality,
) -> Result<()> {
    let Some(row) = quality.row() else {
        return Ok(());
    };
    run.append_quality(&QualityRow {
        step: forger.state.step,
        images_seen: forger.state.images_seen,
        seconds: forger.state.seconds,
        evaluation_seconds,
        ..row
    })?;
    Ok(())
}

/// Adds the members of `more` that are there.
fn merge(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
}
