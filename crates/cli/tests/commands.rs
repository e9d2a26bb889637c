//! The commands: their help, completions, options and default paths.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use gan_cli::{Cli, Command, Paths, TrainArgs, completions, preset_table};
use gan_config::{KEYS, LOSS_INFOS, OptimizerConfig, presets};

/// Parses a line of words after `cargo xtask`.
fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = ["xtask"].into_iter().chain(line.split_whitespace());
    Cli::try_parse_from(words).map(|cli| cli.command)
}

fn train(line: &str) -> TrainArgs {
    match parse(&format!("train {line}")).unwrap() {
        Command::Train(args) => args,
        other => panic!("{other:?} is not train"),
    }
}

/// The reason why a line is refused, by the parser or later by `resolve`.
#[track_caller]
fn refusal(line: &str) -> String {
    match parse(&format!("train {line}")) {
        Err(error) => error.to_string(),
        Ok(Command::Train(args)) => args.resolve().unwrap_err().to_string(),
        Ok(other) => panic!("{other:?} is not train"),
    }
}

fn help(command: &str) -> String {
    parse(&format!("{command} --help")).unwrap_err().to_string()
}

#[test]
fn command_definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_help_that_names_it_as_typed() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = help(name);
        assert!(help.contains(&format!("Usage: cargo xtask {name}")), "{help}");
        let about = command.get_about().unwrap().to_string();
        assert!(help.starts_with(&about), "{help}");
    }
}

#[test]
fn help_of_train_lists_every_preset_key_and_loss() {
    let help = help("train");
    let lists = |name: &str, text: &str| {
        let mut lines = help.lines().map(str::trim);
        assert!(
            lines.any(|line| line.contains(name) && line.ends_with(text)),
            "no {name} in {help}"
        );
    };
    for preset in presets() {
        lists(&format!("- {}:", preset.name), &preset.summary);
    }
    for key in KEYS {
        lists(&format!("{} ", key.name), key.help);
    }
    for loss in LOSS_INFOS {
        lists(&format!("{} ", loss.name), loss.summary);
    }
}

#[test]
fn help_of_evaluate_lists_every_metric() {
    let help = help("evaluate");
    for metric in gan_metrics::METRICS.iter().flat_map(|m| m.values) {
        assert!(help.contains(metric.title), "no {} in {help}", metric.title);
    }
}

#[test]
fn help_fits_into_a_hundred_columns() {
    for command in Cli::command().get_subcommands() {
        for line in help(command.get_name()).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn completions_name_every_command_and_preset() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = String::from_utf8(completions(shell)).unwrap();
        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}");
        }
        for preset in presets() {
            assert!(script.contains(&preset.name), "{shell}: {}", preset.name);
        }
    }
}

#[test]
fn the_table_of_presets_has_every_preset() {
    let table = preset_table();
    for preset in presets() {
        let row = table.lines().find(|row| row.starts_with(&preset.name));
        assert!(row.unwrap().contains(&preset.duration), "{table}");
        assert!(table.contains(&preset.summary) && table.contains(&preset.source));
    }
    for number in ["234,512", "201,217", "164,804", "167,339", "6,400 x 32"] {
        assert!(table.contains(number), "no {number} in {table}");
    }
    for line in table.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn options_change_the_settings_of_the_preset() {
    let resolved = train("--batch 16 --set lr_d=1e-3 --set r1=0 --snapshot-every 7 --steps 50")
        .resolve()
        .unwrap();
    assert_eq!(resolved.preset.name, "modern");
    assert_eq!(resolved.networks, "modern");
    let settings = &resolved.settings;
    assert_eq!((settings.batch, settings.snapshot_every), (16, 7));
    assert_eq!((settings.images, settings.lr_d), (800, 1e-3));
    assert!(matches!(settings.optimizer, OptimizerConfig::Adam(_)));
    let unchanged = train("").resolve().unwrap();
    assert_eq!(unchanged.settings, unchanged.preset.settings);
    let conditional = train("--conditional").resolve().unwrap();
    assert_eq!(conditional.networks, "modern-conditional");
    let notebook = train("--preset oshea-notebook --steps 45").resolve().unwrap();
    let settings = notebook.settings;
    assert_eq!(settings.schedule.steps(settings.batches()), 45);
}

#[test]
fn resolve_accepts_every_preset() {
    for preset in presets() {
        let resolved = train(&format!("--preset {}", preset.name)).resolve().unwrap();
        assert_eq!(resolved.preset, preset);
    }
}

#[test]
fn impossible_options_are_refused_with_the_reason() {
    for (line, reasons) in [
        ("--preset best", &["\"best\"", "modern", "golbin"][..]),
        ("--preset moden", &["did you mean modern?"]),
        ("--preset=golbim", &["did you mean golbin?"]),
        ("--set lr=1", &["did you mean lr_", "lr_d"]),
        ("--set lr_d", &["KEY=VALUE"]),
        ("--set loss=hing", &["did you mean hinge?"]),
        ("--set lr_d=fast", &["lr_d=fast", "number"]),
        ("--set clip=0.1 --set spectral_norm=true", &["clip"]),
        ("--conditional --preset dcgan", &["dcgan", "golbin-conditional"]),
        ("--conditional --preset golbin", &["--preset golbin-conditional"]),
        ("--preset gaussian --data x", &["--data", "leave --data out"]),
        ("--steps 0", &["'0' for '--steps <N>'", "at least 1"]),
        ("--batch 0", &["'0' for '--batch <N>'", "at least 1"]),
        ("--batch many", &["'many' for '--batch <N>'"]),
        ("--threads=0", &["'0' for '--threads <N>'", "from 1 to 1024"]),
        ("--threads 1025", &["'1025' for '--threads <N>'"]),
        ("--snapshot-every 0", &["'--snapshot-every <N>'", "at least 1"]),
        ("--steps 18446744073709551615", &["--steps", "more than"]),
        ("--seconds -1", &["'-1' for '--seconds <S>'", "above 0"]),
        ("--seconds 0", &["'0' for '--seconds <S>'", "above 0"]),
        ("--seconds NaN", &["'NaN' for '--seconds <S>'"]),
        ("--seconds inf", &["'inf' for '--seconds <S>'"]),
        ("--checkpoint-every -1", &["'-1' for '--checkpoint-every <S>'"]),
        ("--steps 5 --seconds 5", &["--steps", "--seconds"]),
        ("--resume --seed 2", &["--resume", "--seed"]),
        ("--sed 2", &["'--seed'"]),
    ] {
        let refusal = refusal(line);
        for reason in reasons {
            assert!(refusal.contains(reason), "{line}: no {reason} in {refusal}");
        }
    }
}

#[test]
fn impossible_options_of_other_commands_are_refused() {
    for line in [
        "sample --count 0",
        "sample --count 10000001",
        "sample --grid 4",
        "sample --grid 0x4",
        "walk --images 0",
        "walk --seeds 1,two",
        "export --format pt",
        "export --network both",
        "sample --digit 10",
        "evaluate --count 1",
        "evaluate --count 100001",
        "evaluate --metrics fid,fud",
        "evaluate --samples a --run b",
        "evaluate --inception-file x",
        "train-classifier --epochs 0",
        "bench --only speed",
        "bench --pairs 0",
        "bench --seconds 0",
        "bench --seconds -1",
        "bench --seconds nan",
        "completions tcsh",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    let refused = parse("evaluate --metrics fid,recal").unwrap_err().to_string();
    assert!(refused.contains("did you mean recall?"), "{refused}");
    assert!(parse("evaluate --metrics fid,recall").is_ok());
}

#[test]
fn only_defaults_lie_in_the_root() {
    let paths = Paths::new("/workspace");
    assert_eq!(paths.data(None), Path::new("/workspace/data/mnist"));
    let fashion = train("--dataset fashion-mnist");
    assert_eq!(fashion.data_dir(&paths), Path::new("/workspace/data/fashion-mnist"));
    assert_eq!(train("").data_dir(&paths), Path::new("/workspace/data/mnist"));
    let named = train("--dataset fashion-mnist --data own");
    assert_eq!(named.data_dir(&paths), Path::new("own"));
    assert_eq!(paths.cache(None), Path::new("/workspace/data/cache"));
    assert_eq!(paths.inception(None), Path::new("/workspace/data/inception.pt"));
    assert_eq!(paths.runs(None), Path::new("/workspace/runs"));
    assert_eq!(paths.run(None), Path::new("/workspace/runs/latest"));
    assert_eq!(paths.runs(Some(Path::new("runs"))), Path::new("runs"));
    assert_eq!(Paths::default().runs(None), Path::new("runs"));
}

#[test]
fn resume_continues_the_newest_run_unless_another_is_named() {
    let paths = Paths::new("/workspace");
    let newest = PathBuf::from("/workspace/runs/latest");
    for (line, run) in [
        ("--resume", Some(newest.clone())),
        ("--resume --data x", Some(newest)),
        ("--data x --resume y", Some("y".into())),
        ("--resume=y", Some("y".into())),
        ("--seed 1", None),
    ] {
        assert_eq!(train(line).run_to_resume(&paths), run, "{line}");
    }
}
