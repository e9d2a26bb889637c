//! `cargo xtask train`, `sample` and `train-classifier`: fetch what they need, then
//! hand over to the trainer's own program.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::error::user_error;
use crate::forger::{build_and_run, help};
use crate::options::{asks_for, set_unless_given, value_of};
use crate::workspace::Workspace;
use crate::{data, runs};

const TRAIN: &str = "\
Options, which go to the trainer unchanged (`cargo xtask train --help` says more, once it is built):
  --preset NAME           the system to train: modern, oshea, oshea-channels, oshea-notebook,
                          golbin, golbin-conditional, goodfellow, gaussian, dcgan
  --conditional           tell modern's networks the digit, to choose it when sampling
  --list                  print the presets and end
  --resume [DIR]          go on with a run that was stopped or killed [default DIR: runs/latest]
  --checkpoint-every S    seconds between checkpoints, 0 for one at the end alone [default: 60]
  --steps N               stretch or shrink the schedule to so many steps
  --seconds S             stretch or shrink the schedule to so many seconds
  --seed N                what everything random follows from
  --batch N               originals per step
  --data DIR              folder of four IDX files of 28x28 images, named as MNIST's
                          [default: data/mnist, fetched]
  --run DIR               folder of this run [default: the next number under --runs]
  --runs DIR              folder of numbered runs [default: runs]
  --cache DIR             folder of what is known of data sets [default: data/cache]
  --device DEVICE         auto, cpu or cuda
  --precision PRECISION   auto, f32 or bf16
  --threads N             threads to compute with
  --snapshot-every N      steps between snapshots
  --set KEY=VALUE         override one setting of the preset; can be given many times

Examples:
  cargo xtask train                            the default preset on MNIST: minutes, two with bf16
  cargo xtask train --preset golbin --seed 3   another preset, another seed
  cargo xtask train --conditional              digits to order, with `sample --digit`
  cargo xtask train --seconds 600              five times as long, the schedule stretched to it
  cargo xtask train --data ../fashion          another data set
  cargo xtask train --resume                   go on with the newest run

Ctrl-C ends training cleanly and keeps what there is; --resume goes on from there.";

const SAMPLE: &str = "\
Options, which go to the trainer unchanged (`cargo xtask sample --help` says more, once it is built):
  --run DIR     the run to sample from [default: runs/latest]
  --count N     how many digits [default: 64]
  --seed N      what the latents follow from [default: 1]
  --digit D     the digit to forge, for conditional presets [default: 0 to 9 in turn]
  --out FILE    a picture (.png) or an IDX file (.idx3) [default: sample.png]
  --threads N   threads to compute with

Examples:
  cargo xtask sample                                    digits of the newest run
  cargo xtask sample --run runs/0003-modern --count 9   of another one";

const TRAIN_CLASSIFIER: &str = "\
The classifier that ships with the crate gan-models was made with this command; nothing else needs it.

Options, which go to the trainer unchanged:
  --out FILE    where to write the weights [default: classifier.safetensors]
  --seed N      what everything random follows from [default: 1]
  --epochs N    how often each image is seen [default: 6]
  --data DIR    folder of four IDX files [default: data/mnist, fetched]
  --threads N   threads to compute with";

/// Train a generator against a discriminator.
#[derive(clap::Args)]
#[command(disable_help_flag = true, after_help = TRAIN)]
pub struct TrainArgs {
    /// The trainer's options, below
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Draw forgeries from a trained generator.
#[derive(clap::Args)]
#[command(disable_help_flag = true, after_help = SAMPLE)]
pub struct SampleArgs {
    /// The trainer's options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Train the classifier that the metrics classifier forgeries with, once more.
#[derive(clap::Args)]
#[command(disable_help_flag = true, after_help = TRAIN_CLASSIFIER)]
pub struct TrainClassifierArgs {
    /// The trainer's options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Trains; returns the trainer's exit code.
pub fn train(workspace: &Workspace, args: TrainArgs) -> Result<ExitCode> {
    let mut options = args.options;
    if asks_for(&options, &["--help", "-h"]) {
        return help("train");
    }
    if name_the_run_to_resume(&mut options, workspace) {
        if let Some(dir) = value_of(&options, "--resume") {
            runs::open(Path::new(&dir), "resume", "a run's directory with --resume")?;
        }
        // The trainer knows from the run what it needs.
        if let Some(dir) = value_of(&options, "--data") {
            data::check(Path::new(&dir))?;
        }
        set_unless_given(&mut options, "--cache", workspace.cache());
        return build_and_run(workspace, "train", options);
    }
    if !asks_for(&options, &["--list"]) {
        refuse_at_once(&options)?;
        ensure_data(workspace, &options)?;
    }
    // The trainer's own defaults are relative to where it runs.
    if !draws_originals(&options) {
        set_unless_given(&mut options, "--data", workspace.data());
    }
    set_unless_given(&mut options, "--runs", workspace.runs());
    set_unless_given(&mut options, "--cache", workspace.cache());
    build_and_run(workspace, "train", options)
}

/// Whether a run is to be resumed; where the options do not say which, they do
/// now: the newest.
fn name_the_run_to_resume(options: &mut Vec<OsString>, workspace: &Workspace) -> bool {
    if let Some(at) = options.iter().position(|option| option == "--resume") {
        let next = options.get(at + 1);
        if next.is_none_or(|next| next.to_string_lossy().starts_with('-')) {
            options.insert(at + 1, workspace.runs().join("latest").into());
        }
        return true;
    }
    value_of(options, "--resume").is_some()
}

/// Whether the preset needs no images.
fn draws_originals(options: &[OsString]) -> bool {
    value_of(options, "--preset").is_some_and(|name| name == run_dir::GAUSSIAN)
}

/// The data that the options name, or MNIST where they name none and need it.
fn ensure_data(workspace: &Workspace, options: &[OsString]) -> Result<()> {
    match value_of(options, "--data") {
        // A folder that the user names is theirs: checked, never filled.
        Some(dir) => data::check(Path::new(&dir)).map(drop),
        None if draws_originals(options) => Ok(()),
        None => data::ensure(workspace, &workspace.data()).map(drop),
    }
}

/// Refuses what the trainer would refuse, before minutes of fetching and
/// building.
pub fn refuse_at_once(options: &[OsString]) -> Result<()> {
    let presets = run_dir::PRESETS;
    if let Some(name) = value_of(options, "--preset")
        && !presets.iter().any(|preset| name == *preset)
    {
        return Err(user_error(
            format!("there is no preset {}", name.display()),
            format!("the presets are {}", presets.join(", ")),
        ));
    }
    for option in [
        "--batch",
        "--steps",
        "--epochs",
        "--threads",
        "--snapshot-every",
    ] {
        if value_of(options, option).is_some_and(|value| value == "0") {
            return Err(user_error(
                format!("{option} 0 is impossible"),
                "give a number of at least 1, or leave the option out",
            ));
        }
    }
    Ok(())
}

/// Samples; returns the trainer's exit code.
pub fn sample(workspace: &Workspace, args: SampleArgs) -> Result<ExitCode> {
    let mut options = args.options;
    if asks_for(&options, &["--help", "-h"]) {
        return help("sample");
    }
    set_unless_given(&mut options, "--run", workspace.runs().join("latest"));
    if let Some(dir) = value_of(&options, "--run") {
        let otherwise = "a run's directory with --run";
        runs::open(Path::new(&dir), "sample from", otherwise)?;
    }
    build_and_run(workspace, "sample", options)
}

/// Trains the classifier; returns the trainer's exit code.
pub fn train_classifier(workspace: &Workspace, args: TrainClassifierArgs) -> Result<ExitCode> {
    let mut options = args.options;
    if asks_for(&options, &["--help", "-h"]) {
        return help("train-classifier");
    }
    refuse_at_once(&options)?;
    ensure_data(workspace, &options)?;
    set_unless_given(&mut options, "--data", workspace.data());
    build_and_run(workspace, "train-classifier", options)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command as Task};

    fn options(line: &[&str]) -> Vec<OsString> {
        let words = ["xtask", "train"].iter().chain(line);
        match Cli::try_parse_from(words).unwrap().command {
            Task::Train(args) => args.options,
            _ => panic!("not train"),
        }
    }

    #[test]
    fn options_reach_the_trainer_as_they_were_typed() {
        let line = [
            "--steps", "5", "--set", "a=-1", "b=2", "--help", "-h", "--seed=3",
        ];
        assert_eq!(options(&line), line);
        assert_eq!(options(&[]), [""; 0]);
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_fetched() {
        let refused = |line: &[&str]| refuse_at_once(&options(line)).is_err();
        assert!(refused(&["--preset", "best"]) && refused(&["--preset=best"]));
        assert!(refused(&["--batch", "0"]) && refused(&["--threads=0"]));
        assert!(!refused(&["--preset", "golbin", "--batch", "10"]) && !refused(&[]));
    }

    #[test]
    fn the_summary_names_the_presets() {
        let (_, told) = TRAIN.split_once("to train: ").unwrap();
        let (told, _) = told.split_once("  --").unwrap();
        let mut told: Vec<&str> = told.split(',').map(str::trim).collect();
        let mut presets = run_dir::PRESETS.to_vec();
        told.sort_unstable();
        presets.sort_unstable();
        assert_eq!(told, presets);
    }

    #[test]
    fn the_newest_run_is_resumed_unless_another_is_named() {
        let workspace = Workspace::find().unwrap();
        let newest = workspace.runs().join("latest");
        let newest = newest.to_str().unwrap();
        for (line, named) in [
            (&["--resume"][..], &["--resume", newest][..]),
            (
                &["--resume", "--data", "x"],
                &["--resume", newest, "--data", "x"],
            ),
            (
                &["--data", "x", "--resume", "y"],
                &["--data", "x", "--resume", "y"],
            ),
            (&["--resume=y"], &["--resume=y"]),
        ] {
            let mut options = options(line);
            assert!(name_the_run_to_resume(&mut options, &workspace));
            assert_eq!(options, named);
        }
        assert!(!name_the_run_to_resume(
            &mut options(&["--seed", "1"]),
            &workspace
        ));
    }

    #[test]
    fn only_the_preset_that_draws_its_originals_needs_no_images() {
        assert!(draws_originals(&options(&["--preset=gaussian"])));
        assert!(!draws_originals(&options(&["--preset", "golbin"])) && !draws_originals(&[]));
    }

    #[test]
    fn the_summary_names_the_options_that_the_trainer_has() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/forger/src/args.rs");
        let source = std::fs::read_to_string(source).unwrap();
        for (part, summary) in [
            ("struct TrainArgs", TRAIN),
            ("struct SampleArgs", SAMPLE),
            ("struct EvaluateArgs", crate::evaluate::EVALUATE),
            ("struct TrainClassifierArgs", TRAIN_CLASSIFIER),
        ] {
            let (_, part) = source.split_once(part).unwrap();
            let (part, _) = part.split_once("\n}").unwrap();
            let has: Vec<String> = part
                .lines()
                .filter_map(|l| l.trim().strip_prefix("pub ")?.split_once(':'))
                .map(|(name, _)| name.replace('_', "-"))
                .collect();
            let told: Vec<&str> = summary
                .lines()
                .filter_map(|l| l.strip_prefix("  --"))
                .filter_map(|l| l.split_whitespace().next())
                .collect();
            assert_eq!(told, has);
        }
    }
}
