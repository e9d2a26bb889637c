//! The command of a report trains the same run again.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

use clap::Parser;
use gan_cli::{DeviceChoice, PrecisionChoice, Resolved, TrainArgs};
use gan_config::{Classes, Precision};
use gan_viz::report::train_command;
use run_dir::{CONFIG_FORMAT, DatasetInfo, RunConfig, Software};

/// The options of `train` alone.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    train: TrainArgs,
}

/// The options in a command line, as a shell splits it.
fn parse(line: &str) -> TrainArgs {
    let print = format!("printf '%s\\0' {}", line.strip_prefix("cargo xtask ").unwrap());
    let output = Command::new("sh").args(["-c", &print]).output().unwrap();
    assert!(output.status.success(), "{line}");
    let words = String::from_utf8(output.stdout).unwrap();
    Line::try_parse_from(words.split_terminator('\0')).unwrap().train
}

/// The configuration that `train` writes for these options on a machine with f32.
fn config(args: &TrainArgs) -> RunConfig {
    let Resolved { preset, networks, settings } = args.resolve().unwrap();
    let custom = args.data.as_ref().map(|path| ("custom", path.to_str().unwrap()));
    let known = args.dataset.map_or("mnist", |set| set.name);
    let (name, path) = custom.unwrap_or((known, "/somewhere/else"));
    RunConfig {
        format: CONFIG_FORMAT,
        preset: preset.name.clone(),
        networks: networks.to_owned(),
        seed: args.seed,
        seconds: args.seconds,
        device: if args.device == DeviceChoice::Cuda { "cuda:0" } else { "cpu" }.to_owned(),
        precision: match args.precision {
            PrecisionChoice::Bf16 => Precision::Bf16,
            PrecisionChoice::Auto | PrecisionChoice::F32 => Precision::F32,
        },
        threads: args.threads.unwrap_or(2),
        dataset: (!preset.synthetic).then(|| DatasetInfo {
            name: name.to_owned(),
            path: path.to_owned(),
            images: 60_000,
            images_sha256: String::new(),
            labels_sha256: String::new(),
            test_images_sha256: None,
        }),
        classes: Classes::default(),
        figures: preset.figures.clone(),
        software: Software { trainer: String::new(), libtorch: String::new() },
        settings,
    }
}

#[test]
fn the_command_of_every_preset_and_change_gives_the_same_configuration_again() {
    let presets = gan_config::presets().iter();
    let presets = presets.map(|preset| format!("train --preset {}", preset.name));
    let changes = [
        "train --conditional --seed 18446744073709551615 --threads 7 --precision bf16",
        "train --steps 1 --batch 100 --snapshot-every 3 --dataset fashion-mnist --device cuda",
        "train --seconds 0.30000000000000004 --set lr_d=1e-300 --set ema_images=0",
        "train --set loss=wasserstein --set r1=0 --set r2=0 --set gradient_penalty=10",
        "train --set optimizer=sgd --set momentum.first=0.1 --set penalty_every=3 --set r2=0.7",
        "train --set images=12345 --set train_images=77 --set schedule=cosine",
        "train --preset goodfellow --set optimizer=adam --set adam.beta2=0.99 --set clip=0.01",
        "train --preset goodfellow --set pretrain_images=500 --set pretrain_batch=9",
        "train --preset oshea --set pretrain_images=0 --set adam.epsilon_hat=false",
        "train --preset oshea --set loss=hinge --set logit_limit=0 --set with_replacement=false",
        "train --preset oshea-notebook --steps 17 --set evaluate_every=0 --batch 3",
        "train --preset golbin-conditional --set update=simultaneous --set report_every=1",
        "train --preset gaussian --steps 7 --set spectral_norm=true",
        "train --preset golbin --data",
    ];
    for line in presets.chain(changes.map(str::to_owned)) {
        let words =
            line.split(' ').chain(line.ends_with("--data").then_some("/it's a \"folder\" $x"));
        let first = config(&Line::try_parse_from(words).unwrap().train);
        let command = train_command(&first).unwrap();
        assert_eq!(command.lines().count(), 1);
        let again = parse(&command);
        assert_eq!(config(&again), first, "{line} became {command}");
        // The defaults of another machine must not matter.
        assert!(again.threads.is_some() && again.device != DeviceChoice::Auto, "{command}");
        assert_ne!(again.precision, PrecisionChoice::Auto, "{command}");
        let data = first.dataset.as_ref().map(|set| set.name.as_str());
        assert_eq!(again.dataset.map(|set| set.name), data.filter(|name| *name != "custom"));
        let path = first.dataset.filter(|set| set.name == "custom").map(|set| set.path.into());
        assert_eq!(again.data, path as Option<PathBuf>);
    }
}

#[test]
fn a_configuration_of_another_program_has_no_command() {
    let first = config(&Line::try_parse_from(["train"]).unwrap().train);
    let changed = |change: fn(&mut RunConfig)| {
        let mut config = first.clone();
        change(&mut config);
        train_command(&config)
    };
    assert_eq!(changed(|config| config.preset = "mine".to_owned()), None);
    assert_eq!(changed(|config| config.networks = "mine".to_owned()), None);
    assert_eq!(changed(|config| config.settings.loss = "mine".to_owned()), None);
}
