//! Training and sampling, from the command line to the files.

use std::fs;
use std::process::Stdio;

use mnist_io::Images;

#[cfg(unix)]
use crate::{appears, signal};
use crate::{command, data, forger, refuses, succeeds, text};

#[test]
fn train_draws_figures_and_sample_writes_images() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let train = "train --data data --steps 30 --batch 8 --threads 1";
    let output = forger(dir.path(), train);
    let told = succeeds(&output);
    assert!(text(&output.stderr).contains("100%"));
    let run = dir.path().join("runs/latest");
    for figure in [
        "progress.png",
        "progress.gif",
        "originals_vs_forgeries.png",
        "originals.png",
        "losses.svg",
        "nearest.png",
        "latent_walk.png",
        "samples/000030.png",
    ] {
        assert!(run.join("figures").join(figure).is_file(), "{figure}");
    }
    // Each figure is listed with what it shows.
    assert!(told.contains("figures in runs/0001-modern/figures:\n"), "{told}");
    let shows = "  progress.png                images of the same latents";
    assert!(told.contains(shows), "{told}");
    assert!(told.contains("generated images, 0 are unusually close"), "{told}");
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(config.contains("batch = 8") && config.contains("\"custom\""), "{config}");

    for out in ["digits.png", "digits.idx3"] {
        let sample = format!("sample --count 600 --out {out}");
        succeeds(&forger(dir.path(), &sample));
    }
    let digits = Images::read_file(&dir.path().join("digits.idx3")).unwrap();
    assert_eq!((digits.len(), digits.rows(), digits.cols()), (600, 28, 28));
}

#[test]
fn closed_output_does_not_stop_training() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let train = "train --data data --steps 2 --batch 8 --threads 1";
    let mut unread = command(dir.path(), train);
    unread.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut unread = unread.spawn().unwrap();
    drop((unread.stdout.take(), unread.stderr.take()));
    assert!(unread.wait().unwrap().success());
    let figures = dir.path().join("runs/latest/figures");
    assert!(figures.join("progress.gif").is_file());
}

/// Batch norm over one image would make it a constant.
#[test]
fn single_sample_with_batch_norm_equals_the_first_of_many() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let run = |line: &str| succeeds(&forger(dir.path(), line));
    run("train --data data --preset dcgan --steps 2 --batch 4 --threads 1");
    run("sample --count 1 --out one.idx3 --threads 1");
    run("sample --count 6 --out six.idx3 --threads 1");
    let read = |name: &str| Images::read_file(&dir.path().join(name)).unwrap();
    let (one, six) = (read("one.idx3"), read("six.idx3"));
    assert_eq!((one.len(), six.len()), (1, 6));
    assert_eq!(one.get(0), six.get(0));
}

#[test]
fn sample_accepts_a_digit_for_conditional_presets_only() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let set = "--set train_images=0 --set pretrain_images=0 --batch 8 --steps 2 --threads 1";
    for (preset, digit, hint) in [
        ("golbin-conditional", "7", None),
        ("golbin-conditional", "10", Some("0..=9")),
        ("golbin", "7", Some("golbin-conditional")),
        ("modern --conditional", "0", None),
        ("modern", "0", Some("--conditional")),
    ] {
        let train = format!("train --data data --preset {preset} {set}");
        let told = preset.contains("conditional");
        let ends = succeeds(&forger(dir.path(), &train));
        let next = ends.lines().find(|line| line.starts_with("next: cargo xtask sample")).unwrap();
        assert_eq!(next.ends_with(" --class 7"), told, "{next}");
        let digits = dir.path().join("runs/latest/figures/digits.png");
        assert_eq!(digits.is_file(), told, "{preset}");
        let output = forger(dir.path(), &format!("sample --threads 1 --digit {digit}"));
        match hint {
            None => drop(succeeds(&output)),
            Some(hint) => refuses(&output, hint),
        }
    }
}

#[test]
fn gaussian_preset_needs_no_data_and_draws_densities() {
    let dir = tempfile::tempdir().unwrap();
    let train = "train --preset gaussian --steps 30 --snapshot-every 10 --threads 1";
    succeeds(&forger(dir.path(), train));
    let figures = dir.path().join("runs/latest/figures");
    for figure in ["densities.svg", "densities.gif"] {
        assert!(figures.join(figure).is_file(), "{figure}");
    }
    let config = fs::read_to_string(dir.path().join("runs/latest/config.toml")).unwrap();
    assert!(config.contains("precision = \"f32\"") && !config.contains("[dataset]"));
    refuses(&forger(dir.path(), "sample"), "generates numbers");
}

#[test]
fn divergence_is_an_error_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let args =
        "train --data data --batch 8 --threads 1 --steps 500 --set lr_d=1e30 --set lr_g=1e30";
    let output = forger(dir.path(), args);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("diverged") && message.contains("lr_d"), "{message}");
}

#[test]
fn sample_error_names_the_missing_input() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (line, hint) in [
        ("sample", "train first"),
        ("sample --out digits.jpg", "must end in .png, .idx3"),
        ("sample --count 0", "'0' for '--count"),
    ] {
        refuses(&forger(dir, line), hint);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
    }
}

#[test]
fn preset_list_needs_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let list = succeeds(&forger(dir.path(), "train --list"));
    assert!(list.contains("golbin") && list.contains("234,512") && list.contains("201,217"));
}

#[cfg(unix)]
#[test]
fn interrupt_saves_the_run_and_draws_its_figures() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let child = command(dir.path(), "train --data data --seconds 600 --threads 1")
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Snapshot 20 says that the loop is running.
    appears(&dir.path().join("runs/0001-modern/samples/000020.idx3"));
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stdout).contains("stopped after"));
    let run = dir.path().join("runs/latest");
    assert!(run.join("figures/progress.gif").is_file());
    assert_eq!(fs::read_dir(run.join("checkpoints")).unwrap().count(), 2);
}

#[test]
fn default_folders_are_below_the_root_that_xtask_passes() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = dir.path().join("workspace");
    let rooted = |line: &str| {
        let mut command = command(dir.path(), line);
        command.env("FORGER_ROOT", &workspace).output().unwrap()
    };
    succeeds(&rooted("train --preset gaussian --steps 2 --threads 1"));
    assert!(workspace.join("runs/latest/config.toml").is_file());
    succeeds(&rooted("train --resume"));
    let typed = "train --preset gaussian --steps 2 --threads 1 --runs runs";
    succeeds(&rooted(typed));
    assert!(dir.path().join("runs/latest/config.toml").is_file());
}
