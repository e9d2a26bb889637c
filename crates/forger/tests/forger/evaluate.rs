//! `evaluate` of a run or a file, and `train-classifier`.

use std::fs;
use std::process::{Command, Stdio};

use mnist_io::Images;
use run_dir::RunDir;

use crate::{command, data, digits, forger, refuses, succeeds, text};

/// The classifier cannot read bars, so only metrics of pixels are measured.
#[test]
fn evaluate_measures_a_run_or_a_file_and_names_what_the_classifier_cannot_read() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let run = |line: &str| forger(dir, line);
    let trained = run("train --steps 3 --batch 8 --preset dcgan --threads 1");
    let told = text(&trained.stderr);
    assert!(trained.status.success(), "{told}");
    assert!(told.contains("no quality curve: the classifier"), "{told}");
    let told = text(&trained.stdout);
    assert!(
        told.contains("Of 10,000 generated images, 0 are unusually close to a training image"),
        "{told}"
    );
    // The closest of 10 test images is one, which 1 in 11 new ones would beat.
    assert!(told.contains("about 909 would"), "{told}");
    let shown = text(&trained.stderr);
    assert!(shown.contains("generating images: 10,000 of 10,000"), "{shown}");
    assert!(!dir.join("runs/latest/quality.jsonl").exists());

    let output = run("evaluate --count 20 --threads 1");
    let (table, notes) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{notes}");
    let skipped = "skipped fid, kid, precision, density, modes, novelty: the classifier";
    assert!(notes.contains(skipped), "{notes}");
    for part in [
        "20 samples of runs/0001-dcgan after 3 steps",
        "10 test images",
        "resized from 32x32 to 28x28",
        "near-duplicates",
        "of 20 samples are closer",
        "Parzen",
    ] {
        assert!(table.contains(part), "no {part:?} in {table}");
    }
    assert!(!table.contains("FID"), "{table}");

    let digits = Images::new(28, 28, vec![9; 30 * 784]).unwrap();
    digits.write_file(&dir.join("digits.idx3")).unwrap();
    fs::write(dir.join("digits.npy"), npy("|u1", "(30, 1, 28, 28)", &[9; 30 * 784])).unwrap();
    let answers = ["digits.idx3", "digits.npy"].map(|file| {
        let output = run(&format!(
            "evaluate --samples {file} --count 25 --metrics duplicates,parzen --json --threads 1"
        ));
        let mut answer: serde_json::Value = serde_json::from_str(&succeeds(&output)).unwrap();
        let source = &answer["source"];
        assert_eq!((&source["file"], &source["of"]), (&file.into(), &30.into()));
        assert_eq!(answer["samples"], 25);
        let fields = answer.as_object_mut().unwrap();
        assert!(fields.remove("seconds").is_some() && fields.remove("source").is_some());
        assert!(answer["metrics"].get("fid").is_none());
        assert!(answer["metrics"]["parzen"]["value"].is_f64());
        answer
    });
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn prints_reference_values_and_appends_rows_with_an_fid() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    digits(&dir.join("data/mnist"), 300);
    let training = "data/mnist/train-images-idx3-ubyte";
    let line = format!("evaluate --samples {training} --metrics fid,recall,modes --threads 1");
    let table = succeeds(&forger(dir, &line));
    // Samples and reference are the same images: the whole training set.
    for name in ["FID (classifier)", "precision", "recall"] {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        let numbers: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{line}");
    }
    assert!(table.contains("shares of the classes 0 to 9"), "{table}");

    let train = "train --steps 2 --batch 8 --threads 1 --set evaluate_every=0";
    succeeds(&forger(dir, train));
    let run = RunDir::open(&dir.join("runs/latest")).unwrap();
    let measure = |metrics| {
        let line = format!("evaluate --count 50 --metrics {metrics} --threads 1 --json");
        let answer = succeeds(&forger(dir, &line));
        serde_json::from_str::<serde_json::Value>(&answer).unwrap()
    };
    assert!(measure("recall")["metrics"]["recall"]["value"].is_f64());
    assert_eq!(run.quality().unwrap(), []);
    let fid = measure("fid,recall")["metrics"]["fid"]["value"].as_f64();
    let rows = run.quality().unwrap();
    assert_eq!((rows.len(), rows[0].step, rows[0].samples), (1, 2, 50));
    assert_eq!(rows[0].value("fid"), fid);
    // Images and seconds come from the checkpoint, not from metrics.jsonl.
    assert_eq!(rows[0].images_seen, 16);
    assert!(rows[0].seconds > 0.0);
    fs::remove_file(run.metrics_path()).unwrap();
    measure("fid");
    let rows = run.quality().unwrap();
    assert_eq!((rows[1].images_seen, rows[1].seconds), (16, rows[0].seconds));

    // The row is written even if nobody reads the output.
    let mut unread = command(dir, "evaluate --count 50 --metrics fid --threads 1 --json");
    let mut unread = unread.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((unread.stdout.take(), unread.stderr.take()));
    assert!(unread.wait().unwrap().success());
    assert_eq!(run.quality().unwrap().len(), 3);

    // Some of the default metrics need a thousand images.
    let output = forger(dir, &format!("evaluate --samples {training} --threads 1"));
    let (table, notes) = (succeeds(&output), text(&output.stderr));
    assert!(notes.contains("skipped kid: ") && notes.contains("1000 real images"), "{notes}");
    assert!(table.contains("FID (classifier)") && !table.contains("KID"), "{table}");
    // A named metric is refused before any image is generated.
    let few = forger(dir, "evaluate --count 500 --metrics fid,KID --threads 1");
    refuses(&few, "kid needs at least 1000 samples");
    assert!(!text(&few.stderr).contains("generating"));
}

#[test]
fn train_and_evaluate_warn_about_test_images_that_are_training_images() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let data = dir.join("data/mnist");
    digits(&data, 40);
    for kind in ["images-idx3", "labels-idx1"] {
        fs::copy(data.join(format!("train-{kind}-ubyte")), data.join(format!("t10k-{kind}-ubyte")))
            .unwrap();
    }
    let warning = "40 of the test images are also training images";
    let trained = forger(dir, "train --steps 1 --batch 8 --threads 1 --set evaluate_every=0");
    succeeds(&trained);
    assert!(text(&trained.stderr).contains(warning), "{}", text(&trained.stderr));
    let line = "evaluate --samples data/mnist/train-images-idx3-ubyte --metrics duplicates \
                --threads 1";
    let evaluated = forger(dir, line);
    let table = succeeds(&evaluated);
    assert!(text(&evaluated.stderr).contains(warning), "{}", text(&evaluated.stderr));
    // Every sample is a copy, although the test images are copies too.
    assert!(table.contains("40 of 40 samples are closer, 40 of them identical"), "{table}");
}

/// A NumPy file of format version 1.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

#[test]
fn evaluate_rejects_what_cannot_be_measured_and_names_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let refused = |args: &str, hints: &[&str]| {
        let output = forger(dir, &format!("evaluate --threads 1 {args}"));
        let message = text(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{args}");
        assert_eq!(message.matches("error: ").count(), 1, "{message}");
        for hint in hints {
            assert!(message.contains(hint), "{args}: no {hint:?} in {message}");
        }
    };
    refused("", &["train first", "--samples"]);
    refused("--metrics fid,fud", &["\"fud\"", "kid", "coverage", ", inception"]);
    refused("--count 1", &["'1' for '--count"]);
    refused("--samples a --run b", &["--samples", "--run"]);
    refused("--samples none.npy", &["none.npy", "No such file"]);
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    let bytes = [7u8; 3 * 784];
    write("empty.npz", b"");
    refused("--samples empty.npz", &["empty.npz", "is empty"]);
    write("text.npy", b"digits, as text");
    refused("--samples text.npy", &["text.npy", "text that is no table"]);
    write("text", b"digits, as text");
    refused("--samples text", &["NumPy's .npy or .npz, CSV, PNG or JPEG"]);
    let none = Images::new(28, 28, Vec::new()).unwrap();
    none.write_file(&dir.join("none.idx3")).unwrap();
    refused("--samples none.idx3", &["none.idx3", "no images"]);
    write("none.npy", &npy("|u1", "(0, 28, 28)", b""));
    refused("--samples none.npy", &["none.npy", "no images"]);
    write("float.npy", &npy("<f4", "(1, 28, 28)", &f32::NAN.to_le_bytes().repeat(784)));
    refused("--samples float.npy", &["float.npy", "image 0", "NaN"]);
    write("flat.npy", &npy("|u1", "(2, 1176)", &bytes));
    refused("--samples flat.npy", &["[2, 1176]", "[n, 1, rows, cols]"]);
    write("large.npy", &npy("|u1", "(1, 42, 56)", &bytes));
    refused("--samples large.npy", &["42x56", "28x28"]);
    write("short.npy", &npy("|u1", "(4, 28, 28)", &bytes));
    refused("--samples short.npy", &["ends after 2352 of the 3136"]);
    write("good.npy", &npy("|u1", "(3, 28, 28)", &bytes));
    refused("--samples good.npy --metrics fid", &["the classifier", "--metrics"]);
    refused("--samples good.npy --against none", &["none", "--against"]);
    refused(
        "--samples good.npy --inception",
        &["data/inception.pt", "cargo xtask evaluate --inception"],
    );
    write("other.pt", b"a program");
    refused("--samples good.npy --inception --inception-file other.pt", &["other.pt", "SHA-256"]);
    #[cfg(unix)]
    {
        // It waits for a writer if it is opened.
        let made = Command::new("mkfifo").arg(dir.join("pipe.pt")).status().unwrap();
        assert!(made.success());
        let pipe = "--samples good.npy --inception --inception-file pipe.pt";
        refused(pipe, &["pipe.pt", "a pipe or a device"]);
    }

    succeeds(&forger(dir, "train --preset gaussian --steps 2 --threads 1"));
    refused("", &["gaussian generates numbers"]);
    fs::remove_file(dir.join("runs/0001-gaussian/checkpoints/000002.safetensors")).unwrap();
    let config = dir.join("runs/0001-gaussian/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("networks = \"gaussian\"", "networks = \"golbin\"")).unwrap();
    refused("", &["config.toml: it is damaged"]);
    fs::remove_file(dir.join("runs/0001-gaussian/checksums.jsonl")).unwrap();
    refused("", &["no checkpoint yet", "--resume"]);
}

#[test]
fn train_classifier_writes_weights_that_load() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let run = |line: &str| forger(dir, line);
    let output = run("train-classifier --data data --epochs 2 --threads 1 --out new/classifier");
    let told = succeeds(&output);
    assert!(text(&output.stderr).contains("100%"));
    let bytes = fs::read(dir.join("new/classifier")).unwrap();
    gan_models::Classifier::from_safetensors(&bytes).unwrap();
    for part in ["of 10 test images", &mnist_io::sha256_hex(&bytes)] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }

    let small = "data/t10k-images-idx3-ubyte";
    fs::rename(dir.join(small), dir.join("kept")).unwrap();
    let eights = Images::new(8, 8, vec![0; 10 * 64]).unwrap();
    eights.write_file(&dir.join(small)).unwrap();
    let refused = run("train-classifier --data data");
    refuses(&refused, "8x8");
    let told = text(&refused.stderr);
    assert!(!told.contains("training the classifier"), "{told}");
    fs::rename(dir.join("kept"), dir.join(small)).unwrap();
    Images::new(8, 8, vec![0; 60 * 64])
        .unwrap()
        .write_file(&dir.join("data/train-images-idx3-ubyte"))
        .unwrap();
    for (line, hint) in [
        ("train-classifier --data data", "8x8"),
        ("train-classifier --data elsewhere", "--data elsewhere"),
        ("train-classifier --data data --epochs 0", "--epochs"),
    ] {
        refuses(&run(line), hint);
        assert!(!dir.join("classifier.safetensors").exists());
    }
}
