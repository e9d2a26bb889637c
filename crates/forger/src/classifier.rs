//! `forger train-classifier`: trains the classifier and prints its accuracy.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use gan_cli::{Paths, PrecisionChoice, TrainClassifierArgs};
use gan_trainer::classifier::{ClassifierConfig, accuracy, check, train_classifier};
use mnist_io::{Dataset, Split, sha256_hex};
use run_dir::write_atomic;
use tch::Device;

use crate::job::quoted;
use crate::progress::{Bar, format_seconds, remaining};
use crate::{machine, output, threads};

/// Runs the command.
pub fn run(args: &TrainClassifierArgs) -> Result<ExitCode> {
    let folder = Paths::from_env().data(args.data.as_deref());
    let open = |split| -> Result<Dataset> {
        let data = || format!("--data {}", folder.display());
        let set = Dataset::open(&folder, split).with_context(data)?;
        check(&set).with_context(data)?;
        Ok(set)
    };
    let (train, test) = (open(Split::Train)?, open(Split::Test)?);
    let threads = threads::set(args.threads)?;
    let precision = machine::precision(PrecisionChoice::Auto, Device::Cpu)?;
    let config = ClassifierConfig {
        seed: args.seed,
        epochs: args.epochs,
        dtype: gan_trainer::dtype(precision),
    };
    output::eprint_line(format_args!(
        "training the classifier on {} images of {} ({}, threads: {threads}, seed: {}, epochs: {})",
        train.len(),
        folder.display(),
        <&str>::from(precision),
        args.seed,
        args.epochs,
    ));
    let start = Instant::now();
    let mut bar = Bar::new();
    let classifier = train_classifier(&config, &train, &mut |report| {
        let done = report.step as f64 / report.steps as f64;
        let remaining = remaining(start.elapsed().as_secs_f64(), done);
        let (step, loss) = (report.step, report.loss);
        bar.show(done, &format!("{remaining} left  step {step}  loss {loss:.3}"));
    });
    bar.finish();
    let classifier = classifier?;
    let seconds = start.elapsed().as_secs_f64();
    let right = accuracy(&classifier, &test)?;
    let bytes = classifier.to_safetensors()?;
    write_atomic(&args.out, |w| w.write_all(&bytes))?;
    output::print_line(format_args!(
        "trained in {}
  accuracy  {:.2}% of {} test images
  file      {}, {} bytes
  sha256    {}
{}",
        format_seconds(seconds),
        right * 100.0,
        test.len(),
        args.out.display(),
        bytes.len(),
        sha256_hex(&bytes),
        advice(&args.out)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// How to use the classifier, and how to replace the built-in one.
fn advice(file: &Path) -> String {
    format!(
        "Metrics still use the built-in classifier, of MNIST. To measure with this one, write
`cargo xtask evaluate --classifier {}`; values of two classifiers cannot be compared. To replace the
built-in one, copy the file to crates/models/weights/classifier.safetensors, put the sha256 into
crates/models/src/classifier.rs and the README beside the weights, and measure again",
        quoted(file)
    )
}
