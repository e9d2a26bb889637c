//! Training that cannot work is refused with the reason and leaves nothing behind.

use std::fs;
use std::path::Path;

use mnist_io::Images;

use crate::{command, data, forger, refuses, text};

/// Runs `forger train` and expects a refusal that names each of `hints`, in one
/// message, with nothing left behind.
#[track_caller]
fn refused(dir: &Path, args: &str, hints: &[&str]) {
    let output = forger(dir, &format!("train --data data {args}"));
    let message = text(&output.stderr);
    assert!(!output.status.success(), "{args:?} was accepted");
    for hint in hints {
        assert!(message.contains(hint), "{args:?}: no {hint:?} in {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
    assert!(!dir.join("runs").exists(), "{args:?} left a run behind");
}

#[test]
fn impossible_options_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    refused(dir, "--preset best", &["best", "modern", "golbin"]);
    refused(dir, "--batch 0", &["'0' for '--batch", "at least 1"]);
    refused(dir, "--batch 61", &["batch = 61"]);
    refused(dir, "--batch many", &["--batch"]);
    refused(dir, "--steps 0", &["'0' for '--steps", "at least 1"]);
    refused(dir, "--steps 18446744073709551615", &["--steps"]);
    refused(dir, "--seconds -1", &["'-1' for '--seconds"]);
    refused(dir, "--seconds NaN", &["'NaN' for '--seconds"]);
    refused(dir, "--steps 5 --seconds 5", &["--seconds"]);
    refused(dir, "--threads 0", &["'0' for '--threads"]);
    refused(dir, "--snapshot-every 0", &["'0' for '--snapshot-every"]);
    refused(dir, "--set lr=1", &["lr=1", "lr_d"]);
    refused(dir, "--set lr_d=fast", &["lr_d=fast"]);
    let golbin = "--preset golbin --batch 10 --set train_images=61";
    refused(dir, golbin, &["only 60 images", "--set train_images=0"]);
    refused(dir, "--data elsewhere", &["--data"]);
    refused(dir, "--preset golbin --conditional", &["golbin-conditional"]);
    refused(dir, "--preset dcgan --conditional", &["take no class"]);
    refused(dir, "--preset gaussian", &["leave --data out"]);
    refused(dir, "--set clip=0.1 --set spectral_norm=true --batch 8", &["clip"]);
    refused(dir, "--preset dcgan --batch 8 --set r1=1", &["batch norm"]);
}

#[test]
fn broken_data_is_refused_with_the_name_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let images = dir.join("data/train-images-idx3-ubyte");
    let whole = fs::read(&images).unwrap();
    for broken in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat(), &whole[1..], &[]] {
        fs::write(&images, broken).unwrap();
        refused(dir, "", &["train-images-idx3-ubyte"]);
    }
    fs::remove_file(&images).unwrap();
    fs::write(dir.join("data/train-images-idx3-ubyte.gz"), b"not gzip").unwrap();
    refused(dir, "", &["train-images-idx3-ubyte.gz"]);
}

#[test]
fn images_of_another_size_leave_no_run_behind() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let small = Images::new(8, 8, vec![0; 60 * 64]).unwrap();
    small.write_file(&dir.join("data/train-images-idx3-ubyte")).unwrap();
    refused(dir, "", &["8x8", "28x28"]);
}

#[test]
fn a_link_to_the_latest_run_that_cannot_be_set_does_not_stop_training() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // A folder in the place of the link.
    fs::create_dir_all(dir.join("mine/latest/kept")).unwrap();
    let train = "train --preset gaussian --steps 2 --threads 1 --runs";
    let output = forger(dir, &format!("{train} mine"));
    let message = text(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("warning: cannot link mine/latest"), "{message}");
    assert!(dir.join("mine/latest/kept").exists());
    // A run elsewhere needs no folder of numbered runs.
    fs::write(dir.join("file"), "").unwrap();
    let output = forger(dir, &format!("{train} file --run elsewhere"));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// config.toml is UTF-8.
#[cfg(target_os = "linux")]
#[test]
fn a_data_folder_that_the_configuration_cannot_name_is_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let name = OsStr::from_bytes(b"data\xff");
    data(&dir.join(name));
    let output = command(dir, "train --steps 2 --threads 1 --batch 8 --data").arg(name).output();
    refuses(&output.unwrap(), "which is not UTF-8");
    assert!(!dir.join("runs").exists());
}

#[test]
fn training_refuses_a_folder_that_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    refused(dir, "--run data", &["data is not empty"]);
    assert_eq!(fs::read_dir(dir.join("data")).unwrap().count(), 4);
}
