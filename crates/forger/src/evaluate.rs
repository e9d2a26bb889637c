//! `forger evaluate`: measures the quality and novelty of samples.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use gan_cli::{EvaluateArgs, Paths};
use gan_import::{Set, range_warning};
use gan_metrics::{Evaluator, Inception, METRICS, Measured, Metric, Needs, Progress, parse_list};
use gan_models::Classifier;
use gan_trainer::resize;
use mnist_io::{known, read_regular, sha256_hex};
use run_dir::QualityRow;
use serde_json::{Value, json};

use crate::progress::{Bar, format_seconds, remaining};
use crate::samples::EvaluatedSamples;
use crate::{output, real_images, table, threads};

/// More bytes than the weights of a classifier of 256 classes have.
const MAX_CLASSIFIER: u64 = 4 << 20;

/// Runs the command.
pub fn run(args: &EvaluateArgs) -> Result<ExitCode> {
    let metrics = selected_metrics(args)?;
    threads::set(args.threads)?;
    let inception = metrics.iter().any(|m| m.needs == Needs::Inception);
    let network = inception.then(|| {
        Inception::load(&Paths::from_env().inception(args.inception_file.as_deref()))
            .context("InceptionV3 is missing; `cargo xtask evaluate --inception` fetches it")
    });
    let network = network.transpose()?;
    let classifier = args.classifier.as_deref().map(read_classifier).transpose()?;
    let started = Instant::now();
    let mut bar = Bar::new();
    bar.show_text("reading the samples");
    let samples = EvaluatedSamples::load(args, &mut bar)?;
    bar.show(0.0, "reading the real images");
    let (path, mut evaluator, trained_on) = open_reference(args, &samples)?;
    if let Some(network) = network {
        evaluator = evaluator.with_inception(network);
    }
    // `quality.jsonl` holds values of one classifier only.
    let kept = classifier.is_none() || evaluator.unreliable_features()?.is_some();
    if let Some((classifier, sha256)) = classifier {
        evaluator = evaluator.with_classifier(classifier, &sha256);
        if let Some(accuracy) = evaluator.accuracy()? {
            let percent = 100.0 * accuracy;
            bar.print_line(&format!("the classifier recognizes {percent:.1}% of the test images"));
        }
    }
    if let Some(warning) = shared_images(&evaluator) {
        bar.print_line(&warning);
    }
    let uses_features = metrics.iter().any(|metric| metric.needs == Needs::Features);
    if let Some(note) = evaluator.features_note().filter(|_| uses_features) {
        bar.print_line(note);
    }

    let images = resize(&samples.images, evaluator.image_side())?;
    let requested = samples.requested.as_deref();
    let mut show = show_progress(&mut bar, metrics.len());
    let measured = evaluator.measure(&images, requested, &metrics, &mut show);
    drop(show);
    bar.finish();
    let Measured { row, skipped } = measured?;
    for same in skipped.chunk_by(|(_, a), (_, b)| a.to_string() == b.to_string()) {
        let names: Vec<&str> = same.iter().map(|(name, _)| *name).collect();
        output::eprint_line(format_args!("skipped {}: {}", names.join(", "), same[0].1));
    }
    let reasons: serde_json::Map<String, Value> = skipped
        .iter()
        .map(|(name, reason)| ((*name).to_owned(), reason.to_string().into()))
        .collect();
    if row.metrics.is_empty()
        && let Some((_, reason)) = skipped.into_iter().next()
    {
        return Err(reason).context("none of the metrics can be measured");
    }

    let seconds = started.elapsed().as_secs_f64();
    let size = (samples.images.rows(), samples.images.cols());
    let resized_from = (size != (images.rows(), images.cols())).then_some(size);
    let against = path.display().to_string();
    let text = if args.json {
        let mut object = json!({
            "source": samples.source,
            "against": against,
            "samples": row.samples,
            "test_images": row.test_images,
            "seconds": seconds,
            "metrics": row.metrics,
            "left_out": reasons,
        });
        if let Some(size) = resized_from {
            object["resized_from"] = json!(size);
        }
        if let Some(path) = &args.classifier {
            object["classifier"] = json!(path.display().to_string());
        }
        object.to_string()
    } else {
        let table = table::table(&samples.title, &against, resized_from, &row);
        format!("{table}measured in {}", format_seconds(seconds))
    };
    // The run keeps its row even if printing fails.
    let printed = output::print_line(text);
    if let Some((run, sampler)) = &samples.run
        && trained_on
        && kept
        && row.value("fid").is_some()
    {
        let row = QualityRow {
            step: sampler.state.step,
            images_seen: sampler.state.images_seen,
            seconds: sampler.state.seconds,
            evaluation_seconds: seconds,
            ..row
        };
        // The run may be read-only, or damaged. The numbers are printed in any case.
        let kept = run.record_rows().and_then(|()| run.append_quality(&row));
        if let Err(error) = kept.and_then(|()| run.record_rows()) {
            output::eprint_line(format_args!("cannot add the evaluation to the run: {error}"));
        }
    }
    printed?;
    Ok(ExitCode::SUCCESS)
}

/// The classifier in the file at `path`, and the SHA-256 of the file.
fn read_classifier(path: &Path) -> Result<(Classifier, String)> {
    let read = || -> Result<(Classifier, String)> {
        let bytes = read_regular(path, MAX_CLASSIFIER)?;
        Ok((Classifier::from_safetensors(&bytes)?, sha256_hex(&bytes)))
    };
    read().with_context(|| format!("--classifier {}", path.display()))
}

/// The metrics of `--metrics`, by default all but the slow one of `--inception`.
fn selected_metrics(args: &EvaluateArgs) -> Result<Vec<&'static Metric>> {
    let named = match &args.metrics {
        Some(list) => parse_list(list).with_context(|| format!("--metrics {list}"))?,
        None => METRICS.iter().filter(|m| m.needs != Needs::Inception).collect(),
    };
    let added = |m: &&Metric| args.inception && m.needs == Needs::Inception;
    // Before any image is generated.
    if let (Some(list), Some(metric)) =
        (&args.metrics, named.iter().find(|metric| args.count < metric.min_samples as u64))
    {
        bail!(
            "--metrics {list} --count {}: {} needs at least {} samples",
            args.count,
            metric.name(),
            metric.min_samples
        );
    }
    let is_named = |m: &&Metric| named.iter().any(|n| n.name() == m.name());
    Ok(METRICS.iter().filter(|m| is_named(m) || added(m)).collect())
}

/// The folder of `--against`, or that of the run, or the default one, with an evaluator of its
/// real images. The last value is false if the samples are of a run that was trained on other
/// images.
fn open_reference(
    args: &EvaluateArgs,
    samples: &EvaluatedSamples,
) -> Result<(PathBuf, Evaluator, bool)> {
    let of_run = samples.run.as_ref().and_then(|(_, sampler)| sampler.config.dataset.as_ref());
    let path = match (&args.against, of_run) {
        (Some(path), _) => path.clone(),
        (None, Some(set)) if PathBuf::from(&set.path).exists() => PathBuf::from(&set.path),
        (None, set) => {
            let known = set.and_then(|set| known::by_name(&set.name)).unwrap_or(&known::MNIST);
            Paths::from_env().dataset(known.name)
        }
    };
    let Set { train: training, test, .. } = real_images::open(&path, "--against")?;
    if args.samples.is_some()
        && let Some(warning) = range_warning(&samples.images, test.images())
    {
        output::eprint_line(format_args!("warning: {warning}"));
    }
    let trained_on =
        of_run.is_none_or(|set| set.has_images(&training.images_sha256(), &test.images_sha256()));
    if !trained_on {
        let path = path.display();
        if args.against.is_none() {
            bail!(
                "{path} holds other images than the run was trained on; name their folder with \
                 --against"
            );
        }
        output::eprint_line(format_args!(
            "{path} holds other images than the run was trained on; quality.jsonl of the run \
             is not added"
        ));
    }
    let cache = Paths::from_env().cache(args.cache.as_deref());
    let evaluator = real_images::evaluator(training.into(), &test, &cache)?;
    Ok((path, evaluator, trained_on))
}

/// A warning if test images are also training images.
pub fn shared_images(evaluator: &Evaluator) -> Option<String> {
    let shared = evaluator.test_in_training();
    (shared > 0).then(|| {
        format!(
            "warning: {shared} of the test images are also training images; near-duplicates and \
             novelty leave them out, and the other numbers may look too good"
        )
    })
}

/// Shows which of `count` metrics is measured, and how long InceptionV3 will take for a set
/// of images.
fn show_progress(bar: &mut Bar, count: usize) -> impl FnMut(Progress<'_>) {
    let mut done = 0.0;
    let mut started = Instant::now();
    move |progress| match progress {
        Progress::Metric(name) => {
            bar.show(done / count as f64, &format!("measuring {name}"));
            done += 1.0;
        }
        Progress::Inception { images, done, total } => {
            if done == 0 {
                started = Instant::now();
            }
            let share = done as f64 / total as f64;
            let remaining = remaining(started.elapsed().as_secs_f64(), share);
            let text = format!("{remaining} left  InceptionV3: {done} of {total} {images}");
            bar.show(share, &text);
        }
    }
}
