//! `sample` and `evaluate` of a run: formats, sizes, and files that they refuse.

use std::fs;
use std::path::{Path, PathBuf};

use mnist_io::Images;

use crate::{data, digits, forger, refuses, succeeds, text};

/// A folder with the data and a short run of golbin, `runs/0001-golbin`, with the options
/// `more`.
fn trained(dir: &Path, more: &str) -> PathBuf {
    data(&dir.join("data/mnist"));
    let train = "train --preset golbin --set train_images=0 --batch 8 --steps 3 --threads 1";
    succeeds(&forger(dir, &format!("{train} {more}")));
    dir.join("runs/0001-golbin")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Commands that load the weights of the newest run.
const LOADING: [&str; 2] = ["sample --out x.idx3", "evaluate --count 9 --metrics duplicates"];

#[test]
fn weights_without_their_hash_are_never_used() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let run = trained(dir, "");
    let weights = "000003.safetensors";
    let hash = run.join("checkpoints/000003.safetensors.sha256");
    let right = fs::read_to_string(&hash).unwrap();
    let of_another_name = right.replace(weights, "000004.safetensors");
    let of_nothing = format!("{}{}", "0".repeat(64), &right[64..]);
    let before = names(dir);
    for (written, hint) in [
        (None, "it is missing"),
        (Some(""), "it is damaged"),
        (Some(of_another_name.as_str()), "it is damaged"),
        (Some(of_nothing.as_str()), "it is damaged: its SHA-256 is"),
    ] {
        match written {
            None => fs::remove_file(&hash).unwrap(),
            Some(text) => fs::write(&hash, text).unwrap(),
        }
        for line in LOADING {
            let output = forger(dir, line);
            refuses(&output, hint);
            assert!(output.stdout.is_empty(), "{line} printed a result");
        }
        assert_eq!(names(dir), before);
    }
    fs::write(&hash, &right).unwrap();
    for line in LOADING {
        succeeds(&forger(dir, line));
    }
}

#[test]
fn a_config_that_changed_after_the_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let run = trained(dir, "--precision f32");
    let path = run.join("config.toml");
    let right = fs::read_to_string(&path).unwrap();
    for (old, new) in
        [("batch = 8", "batch = 9"), ("\"f32\"", "\"bf16\""), ("seed = 1", "seed = 2")]
    {
        let changed = right.replace(old, new);
        assert_ne!(changed, right, "no {old} in {right}");
        fs::write(&path, changed).unwrap();
        for line in LOADING {
            refuses(&forger(dir, line), "config.toml: it is damaged");
            // Without its SHA-256, that in the checkpoint counts.
            fs::rename(run.join("checksums.jsonl"), dir.join("kept")).unwrap();
            refuses(&forger(dir, line), "config.toml: it changed after");
            fs::rename(dir.join("kept"), run.join("checksums.jsonl")).unwrap();
        }
    }
    assert!(!dir.join("x.idx3").exists());
}

#[test]
fn pictures_without_a_name_are_numbered_in_the_folder_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let run = trained(dir, "");
    let before = names(dir);
    for number in ["0001", "0002"] {
        let printed = succeeds(&forger(dir, "sample --count 3 --threads 1"));
        assert_eq!(printed.trim(), format!("runs/0001-golbin/samples-{number}.png"));
        assert!(run.join(format!("samples-{number}.png")).is_file());
    }
    assert_eq!(names(dir), before);
}

#[test]
fn the_name_of_the_file_chooses_the_format_in_any_case() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    trained(dir, "");
    for out in ["a.idx3", "b.IDX3.gz", "c.PNG"] {
        succeeds(&forger(dir, &format!("sample --count 600 --threads 1 --out {out}")));
    }
    let [plain, packed] =
        ["a.idx3", "b.IDX3.gz"].map(|name| Images::read_file(&dir.join(name)).unwrap());
    assert_eq!((plain.len(), &plain), (600, &packed));
    assert!(fs::read(dir.join("b.IDX3.gz")).unwrap().starts_with(b"\x1f\x8b"));
    assert!(fs::read(dir.join("c.PNG")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn grid_and_scale_set_the_size_of_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    trained(dir, "");
    succeeds(&forger(dir, "sample --grid 2x5 --scale 3 --out x.png --threads 1"));
    let png = fs::read(dir.join("x.png")).unwrap();
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    // Tiles of 84 pixels with gaps and a margin of 4.
    assert_eq!((side(16), side(20)), (5 * 84 + 4 * 4 + 8, 2 * 84 + 4 + 8));
}

#[test]
fn a_picture_that_would_be_too_large_is_refused_before_images_are_generated() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    trained(dir, "");
    for (line, hint) in [
        ("--count 10000000 --out x.png", "--out x.idx3"),
        ("--count 200000 --out x.png", "--scale 1, --count 73984 or less"),
        ("--grid 10000x9 --scale 64 --out x.png", "a smaller --grid"),
    ] {
        let output = forger(dir, &format!("sample {line}"));
        refuses(&output, hint);
        let told = text(&output.stderr);
        assert!(!told.contains("generating") && told.lines().count() <= 3, "{told}");
        assert!(!dir.join("x.png").exists());
    }
    succeeds(&forger(dir, "sample --grid 10x1 --scale 64 --out x.png --threads 1"));
}

#[test]
fn evaluate_of_a_run_that_cannot_be_written_succeeds_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let run = trained(dir, "");
    fs::remove_dir_all(dir.join("data/mnist")).unwrap();
    digits(&dir.join("data/mnist"), 300);
    let train = "train --preset golbin --set train_images=0 --batch 8 --steps 10 --threads 1";
    let printed = succeeds(&forger(dir, &format!("{train} --set evaluate_every=10")));
    // Ten steps are noise, which covers nothing.
    assert!(printed.contains("warning: step 10: ") && printed.contains("lr_g"), "{printed}");
    let run = run.with_file_name("0002-golbin");
    // Also root cannot append to a folder.
    fs::remove_file(run.join("quality.jsonl")).unwrap();
    fs::create_dir(run.join("quality.jsonl")).unwrap();
    let output = forger(dir, "evaluate --count 50 --metrics fid --threads 1");
    let told = text(&output.stderr);
    assert!(succeeds(&output).contains("FID"), "{told}");
    assert!(
        told.contains("cannot add the evaluation to the run") && told.contains("quality.jsonl"),
        "{told}"
    );
}

#[test]
fn a_discriminator_that_always_wins_is_named_at_the_end_of_a_short_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    digits(&dir.join("data"), 300);
    let train = "train --data data --preset golbin --set train_images=0 --threads 1 \
                 --precision f32 --steps 60 --set report_every=5 --set evaluate_every=0";
    let printed = succeeds(&forger(dir, &format!("{train} --set lr_d=10")));
    assert!(printed.contains("trained 60 steps"), "{printed}");
    assert!(printed.contains("\nwarning: ") && printed.contains("--set lr_d=1e-4"), "{printed}");
}
