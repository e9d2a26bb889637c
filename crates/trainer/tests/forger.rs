//! The program `forger`, run as a user would.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use mnist_io::{Idx, IdxData, Images};

/// A folder of four IDX files with a few bars to learn.
fn data(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for (split, n) in [("train", 60), ("t10k", 10)] {
        let pixels = (0..n * 784)
            .map(|i| {
                if (i % 28_usize).abs_diff(i / 784 % 28) < 3 {
                    255
                } else {
                    0
                }
            })
            .collect();
        let images = Images::new(28, 28, pixels).unwrap();
        images
            .write_file(&dir.join(format!("{split}-images-idx3-ubyte")))
            .unwrap();
        let labels = Idx::new(vec![n], IdxData::U8(vec![3; n])).unwrap();
        labels
            .write_file(&dir.join(format!("{split}-labels-idx1-ubyte")))
            .unwrap();
    }
}

fn forger(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forger"))
        .args(args)
        .current_dir(dir)
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `forger train` and expects a refusal that names each of `hints`, in one
/// message, with nothing left behind.
#[track_caller]
fn refused(dir: &Path, args: &[&str], hints: &[&str]) {
    let args: Vec<&str> = ["train", "--data", "data"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let output = forger(dir, &args);
    let message = text(&output.stderr);
    assert!(!output.status.success(), "{args:?} was accepted");
    for hint in hints {
        assert!(message.contains(hint), "{args:?}: no {hint:?} in {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
    assert!(!dir.join("runs").exists(), "{args:?} left a run behind");
}

#[test]
fn train_then_sample() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let args = [
        "train",
        "--data",
        "data",
        "--steps",
        "30",
        "--batch",
        "8",
        "--threads",
        "1",
    ];
    let output = forger(dir.path(), &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("100%"));
    let run = dir.path().join("runs/latest");
    for figure in [
        "progress.png",
        "progress.gif",
        "progress-animated.png",
        "originals_vs_forgeries.png",
        "originals.png",
        "losses.svg",
        "nearest.png",
        "latent_walk.png",
        "samples/000030.png",
    ] {
        assert!(run.join("figures").join(figure).is_file(), "{figure}");
    }
    assert!(text(&output.stdout).contains("progress.png"));
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(
        config.contains("batch = 8") && config.contains("\"custom\""),
        "{config}"
    );

    for out in ["digits.png", "digits.idx3"] {
        let args = ["sample", "--count", "600", "--out", out];
        let output = forger(dir.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let digits = Images::read_file(&dir.path().join("digits.idx3")).unwrap();
    assert_eq!((digits.len(), digits.rows(), digits.cols()), (600, 28, 28));
}

/// Batch norm over one image would make it a constant.
#[test]
fn one_digit_of_a_network_that_mixes_its_batch_is_the_first_of_many() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let run = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        let output = forger(dir.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    run("train --data data --preset dcgan --steps 2 --batch 4 --threads 1");
    run("sample --count 1 --out one.idx3 --threads 1");
    run("sample --count 6 --out six.idx3 --threads 1");
    let read = |name: &str| Images::read_file(&dir.path().join(name)).unwrap();
    let (one, six) = (read("one.idx3"), read("six.idx3"));
    assert_eq!((one.len(), six.len()), (1, 6));
    assert_eq!(one.get(0), six.get(0));
}

#[test]
fn a_digit_can_be_asked_of_a_conditional_preset_alone() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let set = "--set train_images=0 --set pretrain_images=0 --batch 8 --steps 2 --threads 1";
    let sample = "sample --threads 1 --digit";
    for (preset, digit, hint) in [
        ("golbin-conditional", "7", None),
        ("golbin-conditional", "10", Some("0..=9")),
        ("golbin", "7", Some("golbin-conditional")),
        ("modern --conditional", "0", None),
        ("modern", "0", Some("--conditional")),
    ] {
        let train = format!("train --data data --preset {preset} {set}");
        let told = preset.contains("conditional");
        let trained = forger(dir.path(), &train.split(' ').collect::<Vec<_>>());
        assert!(trained.status.success(), "{}", text(&trained.stderr));
        let digits = dir.path().join("runs/latest/figures/digits.png");
        assert_eq!(digits.is_file(), told, "{preset}");
        let asked = format!("{sample} {digit}");
        let output = forger(dir.path(), &asked.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.success(), hint.is_none());
        let message = text(&output.stderr);
        assert!(hint.is_none_or(|hint| message.contains(hint)), "{message}");
    }
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    refused(dir, &["--preset", "best"], &["best", "modern", "golbin"]);
    refused(dir, &["--batch", "0"], &["batch = 0", "at least 1"]);
    refused(dir, &["--batch", "61"], &["batch = 61"]);
    refused(dir, &["--batch", "many"], &["--batch"]);
    refused(dir, &["--steps", "0"], &["--steps 0"]);
    refused(dir, &["--steps", "18446744073709551615"], &["--steps"]);
    refused(dir, &["--seconds", "-1"], &["seconds = -1"]);
    refused(dir, &["--seconds", "NaN"], &["seconds = NaN"]);
    refused(dir, &["--steps", "5", "--seconds", "5"], &["--seconds"]);
    refused(dir, &["--threads", "0"], &["--threads 0"]);
    refused(dir, &["--snapshot-every", "0"], &["snapshot_every"]);
    refused(dir, &["--set", "lr=1"], &["lr=1", "lr_d"]);
    refused(dir, &["--set", "lr_d=fast"], &["lr_d=fast"]);
    refused(
        dir,
        &["--preset", "golbin", "--batch", "10"],
        &["train_images", "fewer"],
    );
    refused(dir, &["--data", "elsewhere"], &["--data"]);
    refused(
        dir,
        &["--preset", "golbin", "--conditional"],
        &["golbin-conditional"],
    );
    refused(
        dir,
        &["--preset", "dcgan", "--conditional"],
        &["no place for a digit"],
    );
    refused(dir, &["--preset", "gaussian"], &["leave --data out"]);
    refused(
        dir,
        &[
            "--set",
            "clip=0.1",
            "--set",
            "spectral_norm=true",
            "--batch",
            "8",
        ],
        &["clip"],
    );
    refused(
        dir,
        &["--preset", "dcgan", "--batch", "8", "--set", "r1=1"],
        &["batch norm"],
    );
}

/// Labels that are no digits, which only networks that are told them notice.
#[test]
fn labels_above_nine_are_refused_where_digits_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let labels = Idx::new(vec![60], IdxData::U8(vec![10; 60])).unwrap();
    labels
        .write_file(&dir.join("data/train-labels-idx1-ubyte"))
        .unwrap();
    refused(dir, &["--conditional", "--batch", "8"], &["label 10"]);
}

#[test]
fn the_one_dimensional_game_needs_no_data_and_draws_its_densities() {
    let dir = tempfile::tempdir().unwrap();
    let command = |line: &str| forger(dir.path(), &line.split(' ').collect::<Vec<_>>());
    let output = command("train --preset gaussian --steps 30 --snapshot-every 10 --threads 1");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let figures = dir.path().join("runs/latest/figures");
    for figure in ["densities.svg", "densities.gif", "densities-animated.png"] {
        assert!(figures.join(figure).is_file(), "{figure}");
    }
    let config = fs::read_to_string(dir.path().join("runs/latest/config.toml")).unwrap();
    assert!(config.contains("precision = \"f32\"") && !config.contains("[dataset]"));
    let output = command("sample");
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("forges numbers"));
}

#[test]
fn train_judge_writes_weights_that_make_a_judge() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let command = |line: &str| forger(dir, &line.split(' ').collect::<Vec<_>>());
    let output = command("train-judge --data data --epochs 2 --threads 1 --out new/judge");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("100%"));
    let bytes = fs::read(dir.join("new/judge")).unwrap();
    gan_models::Judge::from_safetensors(&bytes).unwrap();
    let told = text(&output.stdout);
    for part in ["of 10 test images", &mnist_io::sha256_hex(&bytes)] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }

    Images::new(8, 8, vec![0; 60 * 64])
        .unwrap()
        .write_file(&dir.join("data/train-images-idx3-ubyte"))
        .unwrap();
    for (line, hint) in [
        ("train-judge --data data", "8x8"),
        ("train-judge --data elsewhere", "--data elsewhere"),
        ("train-judge --data data --epochs 0", "--epochs"),
    ] {
        let output = command(line);
        let message = text(&output.stderr);
        assert!(
            !output.status.success() && message.contains(hint),
            "{message}"
        );
        assert!(!dir.join("judge.safetensors").exists());
    }
}

#[test]
fn data_that_is_broken_is_refused_by_file() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let images = dir.join("data/train-images-idx3-ubyte");
    let whole = fs::read(&images).unwrap();
    for broken in [
        &whole[..whole.len() - 1],
        &[&whole[..], &[0]].concat(),
        &whole[1..],
        &[],
    ] {
        fs::write(&images, broken).unwrap();
        refused(dir, &[], &["train-images-idx3-ubyte"]);
    }
    fs::remove_file(&images).unwrap();
    fs::write(dir.join("data/train-images-idx3-ubyte.gz"), b"not gzip").unwrap();
    refused(dir, &[], &["train-images-idx3-ubyte.gz"]);
}

#[test]
fn images_of_another_size_leave_no_run_behind() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let small = Images::new(8, 8, vec![0; 60 * 64]).unwrap();
    small
        .write_file(&dir.join("data/train-images-idx3-ubyte"))
        .unwrap();
    refused(dir, &[], &["8x8", "28x28"]);
}

#[test]
fn a_run_that_cannot_be_made_is_taken_back_and_the_remedy_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    // A folder where the link should go: refused after the run was made.
    fs::create_dir_all(dir.join("mine/latest/kept")).unwrap();
    refused(dir, &["--runs", "mine"], &["latest"]);
    assert_eq!(fs::read_dir(dir.join("mine")).unwrap().count(), 1);
}

#[test]
fn divergence_is_an_error_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let args =
        "train --data data --batch 8 --threads 1 --steps 500 --set lr_d=1e30 --set lr_g=1e30";
    let output = forger(dir.path(), &args.split(' ').collect::<Vec<_>>());
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("diverged") && message.contains("lr_d"),
        "{message}"
    );
}

#[test]
fn a_folder_with_something_in_it_is_not_trained_into() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    refused(dir, &["--run", "data"], &["data is not empty"]);
    assert_eq!(fs::read_dir(dir.join("data")).unwrap().count(), 4);
}

#[test]
fn sample_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let refused = |args: &[&str], hint: &str| {
        let args: Vec<&str> = ["sample"].iter().chain(args).copied().collect();
        let output = forger(dir, &args);
        let message = text(&output.stderr);
        assert!(
            !output.status.success() && message.contains(hint),
            "{message}"
        );
        assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
    };
    refused(&[], "train first");
    refused(&["--out", "digits.jpg"], "must end in .png or .idx3");
    refused(&["--count", "0"], "--count 0");
}

/// The judge cannot read bars, which leaves what looks at pixels alone.
#[test]
fn evaluate_measures_a_run_or_a_file_and_says_what_the_judge_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let run = |line: &str| forger(dir, &line.split(' ').collect::<Vec<_>>());
    let trained = run("train --steps 3 --batch 8 --preset dcgan --threads 1");
    let told = text(&trained.stderr);
    assert!(trained.status.success(), "{told}");
    assert!(told.contains("no quality curve: the judge"), "{told}");
    let told = text(&trained.stdout);
    assert!(told.contains("of 1,000 forgeries lie closer"), "{told}");
    assert!(!dir.join("runs/latest/quality.jsonl").exists());

    let output = run("evaluate --count 20 --threads 1");
    let (table, notes) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{notes}");
    assert!(notes.contains("left out what needs the judge"), "{notes}");
    for part in [
        "20 forgeries of runs/0001-dcgan after 3 steps",
        "10 test images",
        "brought from 32x32 to 28x28",
        "near-duplicates",
        "of 20 lie closer",
        "Parzen",
    ] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    assert!(!table.contains("FID"), "{table}");

    let digits = run("sample --count 30 --out digits.idx3 --threads 1");
    assert!(digits.status.success());
    let digits = Images::new(28, 28, vec![9; 30 * 784]).unwrap();
    digits.write_file(&dir.join("digits.idx3")).unwrap();
    fs::write(
        dir.join("digits.npy"),
        npy("|u1", "(30, 1, 28, 28)", &[9; 30 * 784]),
    )
    .unwrap();
    let answers = ["digits.idx3", "digits.npy"].map(|file| {
        let output = run(&format!(
            "evaluate --samples {file} --count 25 --metrics duplicates,parzen --json --threads 1"
        ));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&answer["samples"], &answer["of"]),
            (&file.into(), &30.into())
        );
        assert_eq!(answer["forgeries"], 25);
        let fields = answer.as_object_mut().unwrap();
        assert!(fields.remove("seconds").is_some() && fields.remove("samples").is_some());
        assert!(!fields.contains_key("fid"));
        answer
    });
    assert_eq!(answers[0], answers[1]);
}

/// A NumPy file of version 1.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

#[test]
fn evaluate_refuses_what_cannot_be_measured_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let refused = |args: &str, hints: &[&str]| {
        let args = format!("evaluate --threads 1 {args}");
        let output = forger(dir, &args.split_whitespace().collect::<Vec<_>>());
        let message = text(&output.stderr);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{args}"
        );
        assert_eq!(message.matches("error: ").count(), 1, "{message}");
        for hint in hints {
            assert!(message.contains(hint), "{args}: no {hint:?} in {message}");
        }
    };
    refused("", &["train first", "--samples"]);
    refused(
        "--metrics fid,fud",
        &["\"fud\"", "kid", "coverage", "--inception"],
    );
    refused("--count 1", &["--count 1"]);
    refused("--samples a --run b", &["--samples", "--run"]);
    refused("--samples none.npy", &["none.npy", "No such file"]);
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    let bytes = [7u8; 3 * 784];
    write("empty.npz", b"");
    refused("--samples empty.npz", &["empty.npz", "is empty"]);
    write("text.npy", b"digits, as text");
    refused("--samples text.npy", &["text.npy", "neither"]);
    write("text", b"digits, as text");
    refused("--samples text", &["no NumPy file either"]);
    write(
        "float.npy",
        &npy("<f4", "(1, 14, 14)", &f32::NAN.to_le_bytes().repeat(196)),
    );
    refused("--samples float.npy", &["<f4", "NaN", "uint8"]);
    write("flat.npy", &npy("|u1", "(3, 784)", &bytes));
    refused("--samples flat.npy", &["[3, 784]", "[n, 1, rows, cols]"]);
    write("large.npy", &npy("|u1", "(1, 42, 56)", &bytes));
    refused("--samples large.npy", &["42x56", "28x28"]);
    write("short.npy", &npy("|u1", "(4, 28, 28)", &bytes));
    refused("--samples short.npy", &["ends after 2352 of 3136"]);
    write("good.npy", &npy("|u1", "(3, 28, 28)", &bytes));
    refused(
        "--samples good.npy --metrics fid",
        &["the judge", "--metrics"],
    );
    refused("--samples good.npy --against none", &["none", "--against"]);
    refused(
        "--samples good.npy --inception",
        &["data/inception.pt", "cargo xtask evaluate --inception"],
    );
    write("other.pt", b"a program");
    refused(
        "--samples good.npy --inception --inception-file other.pt",
        &["other.pt", "SHA-256"],
    );

    let args = [
        "train",
        "--preset",
        "gaussian",
        "--steps",
        "2",
        "--threads",
        "1",
    ];
    assert!(forger(dir, &args).status.success());
    refused("", &["gaussian forges numbers"]);
    fs::remove_dir_all(dir.join("runs/0001-gaussian/checkpoints/000002")).unwrap();
    let config = dir.join("runs/0001-gaussian/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("network = \"gaussian\"", "network = \"golbin\""),
    )
    .unwrap();
    refused("", &["no checkpoint yet"]);
}

#[test]
fn the_list_of_presets_needs_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let output = forger(dir.path(), &["train", "--list"]);
    assert!(output.status.success());
    let list = text(&output.stdout);
    assert!(list.contains("golbin") && list.contains("234,512") && list.contains("201,217"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_run_with_its_pictures() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let child = Command::new(env!("CARGO_BIN_EXE_forger"))
        .args([
            "train",
            "--data",
            "data",
            "--seconds",
            "600",
            "--threads",
            "1",
        ])
        .current_dir(dir.path())
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Snapshot 20 says that the loop is running.
    let snapshot = dir.path().join("runs/0001-modern/samples/000020.idx3");
    for _ in 0..600 {
        if snapshot.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stdout).contains("stopped after"));
    let run = dir.path().join("runs/latest");
    assert!(run.join("figures/progress.gif").is_file());
    assert_eq!(fs::read_dir(run.join("checkpoints")).unwrap().count(), 1);
}

#[test]
fn bench_prints_one_measurement_that_adds_up() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    let measure = |line: &[&str]| -> serde_json::Value {
        let args = ["--threads", "1", "--seconds", "0.1", "--precision", "f32"];
        let args: Vec<&str> = ["bench"].iter().chain(line).chain(&args).copied().collect();
        let output = forger(dir.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed = text(&output.stdout);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    };
    let number = |of: &serde_json::Value, key: &str| of[key].as_f64().unwrap();

    let steps = measure(&[
        "steps", "--preset", "golbin", "--batch", "20", "--data", "data",
    ]);
    assert_eq!(
        (&steps["system"], &steps["precision"], &steps["batch"]),
        (&"golbin".into(), &"f32".into(), &20.into())
    );
    assert!(number(&steps, "steps") >= 3.0 && number(&steps, "warm_up_steps") >= 3.0);
    let ms = number(&steps, "ms_per_step");
    assert!(ms > 0.0 && number(&steps, "ms_mean") > 0.0);
    let rate = number(&steps, "images_per_second");
    assert!((rate * ms / 1e3 / 20.0 - 1.0).abs() < 1e-9, "{steps}");
    // The preset's batch is 100, and arithmetic grows with the batch.
    assert_eq!(number(&steps, "flops_per_step"), 374_784_000.0 / 5.0);
    if cfg!(target_os = "linux") {
        assert!(number(&steps, "peak_memory_bytes") > 10e6);
    }

    let sampling = measure(&["sampling", "--preset", "golbin"]);
    assert!(number(&sampling, "images_per_second") > 0.0);
    let peak = measure(&["peak"]);
    for key in ["convolution_forward", "convolution", "matrix_product"] {
        assert!(number(&peak, key) > 1e6, "{peak}");
    }
}

#[test]
fn bench_refuses_what_cannot_be_measured_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("data"));
    for (line, hint) in [
        (&["--preset", "gaussian"][..], "possible values: modern"),
        (&["--preset", "golbin", "--width", "2"], "modern alone"),
        (&["--preset", "modern", "--width", "0"], "--width 0"),
        (&["--preset", "golbin", "--seconds=-1"], "--seconds -1"),
        (&["--preset", "golbin", "--threads", "0"], "--threads 0"),
        (&["--preset", "golbin", "--batch", "0"], "batch = 0"),
        (&["--preset", "golbin", "--data", "none"], "--data none"),
    ] {
        let mut args = vec!["bench", "steps"];
        args.extend(line);
        if !line.contains(&"--data") {
            args.extend(["--data", "data"]);
        }
        let output = forger(dir.path(), &args);
        let message = text(&output.stderr);
        assert!(!output.status.success(), "{line:?} was accepted");
        assert!(message.contains(hint), "{line:?}: no {hint:?} in {message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}
