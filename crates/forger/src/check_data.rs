//! `forger check-data`, and the same checks before training.

use std::fmt::Display;
use std::process::ExitCode;

use anyhow::Result;
use gan_cli::{CheckDataArgs, Paths};
use gan_import::{Duplicates, Set, Subset, duplicates, pixel_warnings};
use gan_models::Classifier;
use gan_trainer::resize;
use mnist_io::{Dataset, known};
use tch::{Kind, Tensor};

use crate::{output, real_images};

/// Images that the classifier checks.
const CHECKED: usize = 1000;

/// The images look transposed if transposition raises the score by more than this. The score is
/// the accuracy on labeled digits, else the mean probability of the predicted digit.
const MIN_GAIN: f64 = 0.15;

/// Runs the command.
pub fn run(args: &CheckDataArgs) -> Result<ExitCode> {
    let path = Paths::from_env().data(args.data.as_deref());
    let set = real_images::open(&path, "data set")?;
    let mut printed = Ok(());
    print(&set, &mut |line| {
        if printed.is_ok() {
            printed = output::print_line(line);
        }
    })?;
    printed?;
    let Duplicates { train, test, across } = duplicates(set.train.images(), set.test.images());
    output::print_line(format_args!(
        "{train} training and {test} test images repeat others of their split"
    ))?;
    let level = if across > 0 { "warning: " } else { "" };
    output::print_line(format_args!("{level}{across} test images are training images"))?;
    let known = known::identify(&set.train.images_sha256(), &set.train.labels_sha256());
    output::print_line(match known {
        Some(known) => format!("its training images are those of {}", known.title),
        None => "it is no published data set that this program knows".to_owned(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints warnings about a data set that is not published, before training.
pub fn before_training(set: &Set) -> Result<()> {
    print(set, &mut |line| output::eprint_line(line))?;
    let Duplicates { train, .. } = duplicates(set.train.images(), set.test.images());
    if train > 0 {
        output::eprint_line(format_args!("data: {train} training images repeat others"));
    }
    Ok(())
}

/// Prints the summary and the notes of the import, and warnings about the pixels.
pub fn print(set: &Set, show: &mut dyn FnMut(&dyn Display)) -> Result<()> {
    show(&format_args!("data: {}", set.summary));
    for note in &set.notes {
        show(&format_args!("data: {note}"));
    }
    let splits = [("the training images", &set.train), ("the test images", &set.test)];
    for (what, split) in splits {
        for warning in pixel_warnings(what, split.images()) {
            show(&format_args!("warning: {warning}"));
        }
    }
    if let Some(warning) = transposition_warning(&set.train)? {
        show(&format_args!("warning: {warning}"));
    }
    Ok(())
}

/// Whether the classifier recognizes transposed images better.
fn transposition_warning(set: &Dataset) -> Result<Option<String>> {
    let subset = Subset { most: CHECKED, seed: 0 }.choose(set.len());
    let chosen = subset.and_then(|indices| set.select(&indices));
    let chosen = chosen.as_ref().unwrap_or(set);
    let images = resize(chosen.images(), 28)?;
    let images = Tensor::from_slice(images.pixels()).view([-1, 28, 28]);
    let digits = chosen.is_labeled() && chosen.labels().iter().all(|&label| label <= 9);
    let labels = digits.then(|| Tensor::from_slice(chosen.labels()).to_kind(Kind::Int64));
    let classifier = Classifier::trained()?;
    let score = |images: &Tensor| -> Result<f64> {
        let (_, logits) = classifier.features_and_logits(images)?;
        let score = match &labels {
            Some(labels) => logits.argmax(1, false).eq_tensor(labels).to_kind(Kind::Float),
            None => logits.softmax(1, Kind::Float).amax([1i64], false),
        };
        Ok(score.mean(Kind::Float).double_value(&[]))
    };
    let (upright, transposed) = (score(&images)?, score(&images.transpose(1, 2).contiguous())?);
    Ok((transposed > upright + MIN_GAIN).then(|| {
        format!(
            "the images look transposed: the classifier of digits scores {:.0}% as they are and \
             {:.0}% transposed; convert them with `cargo xtask import SOURCE --transpose --out DIR`",
            100.0 * upright,
            100.0 * transposed
        )
    }))
}
