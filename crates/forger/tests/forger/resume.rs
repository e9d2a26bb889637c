//! `forger train --resume` of runs whose process was killed, as a user would.
//!
//! `KILLS=50 cargo test -p forger --test forger resume` kills 50 times, not 5.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use run_dir::RunDir;

use crate::{appears, bars, command, data, forger, refuses, signal, succeeds, text};

fn start(dir: &Path, line: &str) -> Child {
    command(dir, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The files of a run by path, without times and without the checkpoints before the
/// last.
fn outputs(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let run = RunDir::open(root).unwrap();
    let (_, last) = run.newest_checkpoint().unwrap().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("metrics.jsonl") {
                let mut rows = run.metrics().unwrap();
                rows.iter_mut().for_each(|row| row.seconds = 0.0);
                found.push((path, format!("{rows:?}").into_bytes()));
            } else if path == last {
                // The tensors, without the header, which holds the seconds.
                let mut bytes = fs::read(&path).unwrap();
                let header = u64::from_le_bytes(bytes[..8].try_into().unwrap());
                found.push((path, bytes.split_off(8 + header as usize)));
            } else if path.ends_with("report.json") {
                let mut data: serde_json::Value =
                    serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                for time in ["seconds", "evaluation_seconds"] {
                    if let Some(seconds) = data["evaluation"].get_mut(time) {
                        *seconds = 0.into();
                    }
                }
                found.push((path, data.to_string().into_bytes()));
            } else if path.ends_with("report.html") || path.ends_with("checksums.jsonl") {
                // The page shows the training time, and the hashes are those of files with
                // times; their other content comes from these files.
                found.push((path, Vec::new()));
            } else if !path.starts_with(run.checkpoints_dir()) {
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    for (path, _) in &mut found {
        *path = path.strip_prefix(root).unwrap().to_owned();
    }
    found.sort();
    found
}

#[track_caller]
fn same(a: &Path, b: &Path) {
    let (a, b) = (outputs(a), outputs(b));
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{} differs", name.display());
    }
}

/// Kills the process at moments from its start to its end, also while it writes
/// checkpoints and figures. A run that ends before it is killed is compared with the
/// uninterrupted one, and another run starts.
#[test]
fn killed_run_resumes_to_the_files_of_an_uninterrupted_run() {
    let kills: u64 = std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    // Checkpoints take about a tenth of the time.
    let train = "train --data data --preset golbin --batch 8 --steps 1000 --threads 1 \
                 --precision f32 --set train_images=0 --set report_every=7 \
                 --snapshot-every 90 --checkpoint-every 0.05 --run";
    let started = Instant::now();
    succeeds(&forger(dir, &format!("{train} straight/run")));
    let whole = started.elapsed();

    // Multiples of the golden ratio spread evenly over the time of a run.
    let mut fraction: f64 = 0.0;
    let (mut killed, mut compared) = (0, 0);
    let mut in_training = 0;
    let mut half = BTreeSet::new();
    while killed < kills || compared == 0 {
        let run = dir.join("killed/run");
        let line = if !run.join("config.toml").exists() {
            // Also in a folder of a process that was killed while it created the run.
            format!("{train} killed/run")
        } else {
            let saved = RunDir::open(&run).unwrap().newest_checkpoint().unwrap();
            let restart = if saved.is_none() { "--restart" } else { "" };
            format!("train --resume killed/run {restart} --checkpoint-every 0.05")
        };
        let mut child = start(dir, &line);
        fraction = (fraction + 0.618_034).fract();
        let moment = whole.mul_f64(fraction);
        let started = Instant::now();
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if killed < kills && started.elapsed() >= moment => break None,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        match ended {
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                in_training += u64::from(run.join("metrics.jsonl").exists());
                let left = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
                half.extend(
                    left(run.join("checkpoints"))
                        .map(|entry| entry.file_name())
                        .filter(|name| name.to_string_lossy().starts_with(".tmp-")),
                );
            }
            Some(status) => {
                assert!(status.success());
                same(&dir.join("straight/run"), &run);
                compared += 1;
                fs::remove_dir_all(&run).unwrap();
            }
        }
    }
    println!(
        "{killed} kills, {in_training} of them after the first step and {} within a checkpoint; \
         {compared} runs ended as the one that was not killed",
        half.len()
    );
}

#[test]
fn second_trainer_is_refused_and_a_stopped_run_resumes_with_its_own_data() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let train = "train --data data --batch 8 --steps 200 --threads 1 --precision f32 --run";
    succeeds(&forger(dir, &format!("{train} straight/run")));
    let mut child = start(dir, &format!("{train} stopped/run"));
    let run = dir.join("stopped/run");
    appears(&run.join("samples/000020.idx3"));
    refuses(&forger(dir, "train --resume stopped/run"), "another process trains in stopped/run");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(run.join("figures/progress.png").is_file());

    let other = "train --resume stopped/run --data other";
    bars(&dir.join("other"), 2, 60);
    refuses(&forger(dir, other), "other holds other images");
    refuses(&forger(dir, "train --resume stopped/run --seed 2"), "--seed");
    refuses(&forger(dir, "train --resume elsewhere"), "nothing to resume");
    // The same to train on, others to measure with.
    data(&dir.join("tested"));
    let test_images = "t10k-images-idx3-ubyte";
    fs::copy(dir.join("other").join(test_images), dir.join("tested").join(test_images)).unwrap();
    refuses(
        &forger(dir, "train --resume stopped/run --data tested"),
        "the SHA-256 of its test images is",
    );
    let evaluate = "evaluate --run stopped/run --count 9 --metrics duplicates --threads 1";
    let told = forger(dir, &format!("{evaluate} --against tested"));
    succeeds(&told);
    assert!(text(&told.stderr).contains("tested holds other images"));
    let told = forger(dir, evaluate);
    succeeds(&told);
    assert!(!text(&told.stderr).contains("other images"));
    let shown = run.join("originals.idx3");
    let whole = fs::read(&shown).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&shown, changed).unwrap();
    let refused = forger(dir, "train --resume stopped/run");
    refuses(&refused, "originals.idx3: it is damaged");
    fs::remove_file(&shown).unwrap();
    // The data may have been moved.
    fs::rename(dir.join("data"), dir.join("moved")).unwrap();
    refuses(&forger(dir, "train --resume stopped/run"), "--data");
    let told = succeeds(&forger(dir, "train --resume stopped/run --data moved"));
    assert!(told.contains("trained 200 steps"), "{told}");
    same(&dir.join("straight/run"), &run);

    // At its end there is nothing to train, and what is missing is drawn.
    fs::remove_dir_all(run.join("figures")).unwrap();
    let told = succeeds(&forger(dir, "train --resume stopped/run"));
    assert!(told.contains("finished after 200 steps"), "{told}");
    same(&dir.join("straight/run"), &run);
    // Both runs are outside --runs.
    assert!(!dir.join("runs").exists());
}

/// The bits of a run depend on its threads, as the help says.
#[test]
fn resuming_with_other_threads_is_allowed_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let mut child = start(dir, "train --data data --batch 8 --seconds 600 --threads 1 --run run");
    appears(&dir.join("run/samples/000020.idx3"));
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let mut child = command(dir, "train --resume run --threads 2")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        told += &line.unwrap();
        // The line after the one about threads.
        if told.contains("resuming from step") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("began with 1 threads and continues with 2"), "{told}");
}

/// A step of 2,000 images takes seconds, at the end of which one signal would
/// leave a checkpoint.
#[test]
fn second_signal_ends_the_process_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bars(&dir.join("data"), 3, 2000);
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let run = dir.join(name);
        let train = "train --data data --batch 2000 --steps 9 --threads 1 --precision f32 --run";
        let mut child = start(dir, &format!("{train} ./{name}"));
        appears(&run.join("samples/000000.idx3"));
        // The first step is under way.
        std::thread::sleep(Duration::from_millis(500));
        let mut sent = 0;
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None => signal(&child, name),
            }
            sent += 1;
            std::thread::sleep(Duration::from_millis(100));
        };
        assert!(sent >= 2, "one {name} ended it at once");
        assert_eq!(status.code(), Some(code));
        let saved = RunDir::open(&run).unwrap().checkpoints().unwrap();
        assert_eq!(saved, [], "{sent} times {name}");
    }
}

#[test]
fn a_run_killed_before_its_first_checkpoint_is_trained_again_only_with_restart() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let train = "train --data data --batch 8 --steps 200 --threads 1 --precision f32 \
                 --checkpoint-every 0";
    let mut child = start(dir, train);
    let run = dir.join("runs/0001-modern");
    appears(&run.join("samples/000000.idx3"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::symlink_metadata(dir.join("runs/latest")).is_err());

    let resume = "train --resume runs/0001-modern";
    let refused = forger(dir, resume);
    refuses(&refused, "no valid checkpoint in runs/0001-modern/checkpoints");
    refuses(&refused, "add --restart to delete the rows, snapshots");
    assert!(run.join("samples/000000.idx3").exists());
    refuses(&forger(dir, "train --restart"), "--resume");
    let told = succeeds(&forger(dir, &format!("{resume} --restart")));
    assert!(told.contains("trained 200 steps"), "{told}");
    // With its first checkpoint the run becomes the latest.
    assert_eq!(RunDir::open(&dir.join("runs/latest")).unwrap().root(), run);
    refuses(&forger(dir, &format!("{resume} --restart")), "a valid checkpoint of step 200");
}

#[test]
fn training_stops_when_its_lock_is_removed_and_names_the_next_command() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let train = "train --data data --batch 8 --seconds 600 --threads 1 --precision f32 \
                 --checkpoint-every 0.01 --run run";
    let child = command(dir, train).stderr(Stdio::piped()).spawn().unwrap();
    appears(&dir.join("run/samples/000020.idx3"));
    fs::remove_file(dir.join("run/lock")).unwrap();
    let output = child.wait_with_output().unwrap();
    refuses(&output, "the file lock in run was removed or replaced");
    refuses(&output, "to continue the run: `cargo xtask train --resume run`");
}

#[test]
fn resume_and_sample_name_the_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    succeeds(&forger(dir, "train --data data --batch 8 --steps 30 --threads 1 --run run"));
    let checkpoint = dir.join("run/checkpoints/000030.safetensors");
    let mut bytes = fs::read(&checkpoint).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&checkpoint, bytes).unwrap();
    for line in ["sample --run run", "train --resume run"] {
        refuses(&forger(dir, line), "000030.safetensors: it is damaged");
    }
    let config = dir.join("run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let other = text.replace("precision = \"", "precision = \"x");
    fs::write(&config, other).unwrap();
    fs::remove_file(dir.join("run/checksums.jsonl")).unwrap();
    let refused = forger(dir, "sample --run run");
    refuses(&refused, "run/config.toml: ");
    refuses(&refused, "precision = \"x");
    assert!(!dir.join("run/samples-0001.png").exists());
}

/// The remedy of the message, for each file that a resumed run can write again.
#[test]
fn a_damaged_image_of_a_finished_run_is_named_and_written_again_after_it_was_removed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let train = "train --data data --batch 8 --steps 30 --threads 1 --precision f32 --run";
    for run in ["straight/run", "damaged/run"] {
        succeeds(&forger(dir, &format!("{train} {run}")));
    }
    for name in ["originals.idx3", "samples/000030.idx3", "nearest.idx3", "latent_walk.idx4"] {
        let path = dir.join("damaged/run").join(name);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        let refused = forger(dir, "train --resume damaged/run");
        let file = path.file_name().unwrap().to_str().unwrap();
        refuses(&refused, &format!("{file}: it is damaged"));
        refuses(&refused, &format!("remove {file} and resume the run"));
        fs::remove_file(&path).unwrap();
        succeeds(&forger(dir, "train --resume damaged/run"));
        same(&dir.join("straight/run"), &dir.join("damaged/run"));
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a small disk, for which it must be root or have user namespaces; run \
            `cargo test -p forger --test forger full_disk -- --ignored`"]
fn full_disk_is_reported_and_the_run_continues() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    fs::create_dir(dir.join("disk")).unwrap();
    fs::create_dir(dir.join("resumed")).unwrap();
    let train = "train --data data --preset golbin --batch 8 --steps 300 --threads 1 \
                 --precision f32 --set train_images=0 --checkpoint-every 0.01 --run";
    succeeds(&forger(dir, &format!("{train} straight/run")));
    // Two checkpoints fit on the disk, three do not. It goes with the last
    // process that sees it.
    let script = format!(
        "mount -t tmpfs -o size=15m tmpfs disk || exit 1
         \"$0\" {train} disk/run --runs disk; echo full: $?
         mount -o remount,size=99m disk
         \"$0\" train --resume disk/run || exit 1
         mount -o remount,ro disk
         \"$0\" train --resume disk/run; echo read-only: $?
         cp -r disk/run resumed/run"
    );
    let told = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script])
        .arg(env!("CARGO_BIN_EXE_forger"))
        .current_dir(dir)
        .output()
        .unwrap();
    let out = succeeds(&told);
    assert!(out.contains("full: 1") && out.contains("read-only: 1"), "{out}");
    let errors = text(&told.stderr);
    let next = "help: free some space on that disk, then continue with `cargo xtask train --resume \
                disk/run`";
    for part in ["No space left", next, "disk/run/lock: Read-only"] {
        assert!(errors.contains(part), "no {part:?} in {errors}");
    }
    same(&dir.join("straight/run"), &dir.join("resumed/run"));
}
