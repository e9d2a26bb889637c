//! Wrong command lines: typos, wrong types and contradictions. Each answer has at most three
//! lines and names the nearest right line.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsString;

use clap::CommandFactory;
use gan_cli::error::{message, user_help};
use gan_cli::{Cli, Command, parse_from};

/// The answer to a line after `cargo xtask`; the line must be wrong.
#[track_caller]
fn answer(line: &str) -> String {
    let words = ["xtask"].into_iter().chain(line.split_whitespace()).map(OsString::from);
    let error = match parse_from::<Cli>(Cli::command(), words) {
        Err(error) => return error.to_string(),
        Ok(cli) => match cli.command {
            Command::Train(args) => anyhow::Error::new(args.resolve().unwrap_err()),
            Command::Sample(args) => args.check().unwrap_err(),
            other => panic!("{line} is accepted as {other:?}"),
        },
    };
    let help = user_help(&error).map_or(String::new(), |help| format!("\n  help: {help}"));
    format!("error: {}{help}", message(&error))
}

#[test]
fn each_wrong_line_is_answered_in_three_lines_with_the_nearest_right_one() {
    let mut wrong = Vec::new();
    for (line, words) in [
        // Typos.
        ("tain", &["'tain'", "'train'"][..]),
        ("trian --steps 5", &["'trian'", "'train'"]),
        ("generate", &["'generate'", "`sample`", "`cargo xtask --help`"]),
        ("resume", &["`train --resume`"]),
        ("train --sed 3", &["'--sed'", "'--seed'", "`cargo xtask train --help`"]),
        ("train --lr 1e-3", &["'--lr'", "`--set lr_d=1e-3 --set lr_g=1e-3`"]),
        ("train --learning-rate=0.1", &["`--set lr_d=0.1 --set lr_g=0.1`"]),
        ("train --loss hinge", &["`--set loss=hinge`"]),
        ("train --beta1 0.5", &["`--set adam.beta1=0.5`"]),
        ("train --epochs 10", &["'--epochs'", "`--steps N`"]),
        ("train --batch-size 8", &["--batch"]),
        ("train --gpu", &["`--device cuda`"]),
        ("train golbin", &["'golbin'", "`--preset golbin`"]),
        ("train --preset golbim", &["\"golbim\"", "did you mean golbin?"]),
        ("train --set lr_d 1e-3", &["`--set lr_d=1e-3`"]),
        ("train --set lr_d=1e-3 lr_g=1e-3", &["`--set lr_g=1e-3`"]),
        ("train --set lrd=1", &["\"lrd\"", "did you mean lr_d?"]),
        ("train --set loss=wgan", &["\"wgan\"", "wasserstein"]),
        ("sample --output x.png", &["'--output'", "`--out FILE`"]),
        ("sample --label 7", &["`--class N`"]),
        ("evaluate --metric fid", &["'--metrics'"]),
        ("evaluate --metrics fid,recal", &["\"recal\"", "did you mean recall?"]),
        // Wrong types and values.
        ("train --seed -1", &["'-1' for '--seed <N>'", "a whole number of at least 0"]),
        ("train --steps 1e3", &["'1e3' for '--steps <N>'", "a whole number of at least 1"]),
        ("train --batch -8", &["'-8' for '--batch <N>'", "at least 1"]),
        ("train --device gpu", &["'gpu' for '--device <DEVICE>'", "cpu, cuda"]),
        ("train --precision fp16", &["'fp16' for '--precision <PRECISION>'", "f32, bf16"]),
        ("train --set lr_d=1e400", &["lr_d=1e400", "a finite number"]),
        ("train --set lr_g=inf", &["lr_g=inf", "a finite number"]),
        ("train --set batch=many", &["batch=many", "a whole number"]),
        ("sample --count 0", &["'0' for '--count <N>'", "from 1 to 10000000"]),
        ("sample --count -5", &["'-5' for '--count <N>'", "from 1 to 10000000"]),
        ("sample --digit 12", &["'12' for '--digit <D>'", "0..=9"]),
        ("sample --grid 8", &["'8' for '--grid <RxC>'", "as in 4x16"]),
        (
            "sample --out digits.jpg",
            &["'digits.jpg' for '--out <FILE>'", "must end in .png, .idx3"],
        ),
        ("train --steps", &["'--steps <N>'", "none was supplied"]),
        // Contradictions, and what changes nothing.
        ("train --steps 5 --seconds 5", &["'--steps <N>'", "'--seconds <S>'"]),
        ("train --resume --seed 2", &["'--resume [<DIR>]'", "--seed"]),
        ("train --batch 8 --set batch=9", &["--set batch=9", "--batch", "leave one"]),
        ("train --steps 9 --set images=99", &["--set images=99", "--steps", "leave one"]),
        ("train --seconds 9 --set images=99", &["--set images=99", "--seconds"]),
        ("train --set lr_d=1 --set lr_d=2", &["--set lr_d=2", "--set lr_d=1", "leave one"]),
        ("train --set momentum.first=0.5", &["momentum.first=0.5", "optimizer=sgd"]),
        ("train --set adam.beta1=0 --set optimizer=sgd", &["adam.beta1=0", "optimizer=adam"]),
        (
            "train --set r1=0 --set r2=0 --set penalty_every=4",
            &["--set penalty_every=4", "no penalty", "gradient_penalty"],
        ),
        ("train --set loss=hinge --set logit_limit=9", &["logit_limit=9", "hinge"]),
        ("train --preset gaussian --set train_images=9", &["train_images=9", "its own data"]),
        ("train --preset gaussian --data x", &["--data", "leave --data out"]),
        ("train --conditional --preset dcgan", &["dcgan", "golbin-conditional"]),
        ("evaluate --samples a --run b", &["'--samples <FILE>'", "'--run <DIR>'"]),
        ("sample --grid 2x3 --count 7", &["--grid 2x3", "--count 7", "--grid 3x3"]),
        ("sample --out x.idx3 --scale 4", &["--scale", "x.idx3", ".png"]),
    ] {
        let answer = answer(line);
        let missing: Vec<_> = words.iter().filter(|word| !answer.contains(**word)).collect();
        let short = answer.trim_end().lines().count() <= 3;
        if !missing.is_empty() || !short || !answer.starts_with("error: ") {
            wrong.push(format!("{line}: no {missing:?} in {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn right_lines_are_accepted() {
    for line in [
        "train --set momentum.first=0.5 --set optimizer=sgd",
        "train --batch 8 --set lr_d=1e-3",
        "train --resume --threads 1",
        "sample --out x.PNG --scale 4 --grid 2x3",
        "sample --out x.IDX3.gz --count 10000000",
    ] {
        let words = ["xtask"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        match parse_from::<Cli>(Cli::command(), words).unwrap().command {
            Command::Train(args) => drop(args.resolve().unwrap()),
            Command::Sample(args) => args.check().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}
