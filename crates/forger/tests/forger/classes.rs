//! Data sets with other classes than ten digits, and images without classes.

use std::fs;
use std::path::Path;

use mnist_io::{Dataset, Idx, IdxData, Images, Split};

use crate::{command, digits, forger, refuses, succeeds, text};

/// 25 letters as EMNIST stores them: prefixed names, labels from 1, transposed. No training
/// image shows the sixth letter. The test images show it and one more.
fn letters(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for (split, each) in [("train", 4), ("test", 2)] {
        let trained = |letter: &u8| split == "test" || ![6, 27].contains(letter);
        let labels: Vec<u8> = (1..=27).filter(trained).flat_map(|l| vec![l; each]).collect();
        // A bar across for each letter, of another gray in each image; stored along.
        let pixels = labels.iter().enumerate().flat_map(|(i, &letter)| {
            let lit = move |at: usize| at % 28 == usize::from(letter);
            let gray = if split == "train" { 250 - i as u8 % 4 } else { 240 - i as u8 % 2 };
            (0..784).map(move |at| if lit(at) { gray } else { 0 })
        });
        let images = Images::new(28, 28, pixels.collect()).unwrap();
        let path = |kind| dir.join(format!("emnist-letters-{split}-{kind}-ubyte.gz"));
        images.write_file(&path("images-idx3")).unwrap();
        let labels = Idx::new(vec![labels.len()], IdxData::U8(labels)).unwrap();
        labels.write_file(&path("labels-idx1")).unwrap();
    }
}

#[test]
fn every_command_knows_the_classes_of_a_run_on_letters() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    letters(&dir.join("emnist"));
    let refused = forger(dir, "import emnist --transpose --label-offset -1 --out letters");
    refuses(&refused, "write --label-offset 1");
    let imported = forger(dir, "import emnist --transpose --label-offset 1 --out letters");
    succeeds(&imported);
    assert!(text(&imported.stderr).contains("25 classes (0 to 25)"));
    let set = Dataset::open(&dir.join("letters"), Split::Train).unwrap();
    let bar = set.images().get(0).unwrap();
    assert!(bar[28..56].iter().all(|&pixel| pixel == 250), "a bar across");

    let train = "train --data letters --preset golbin-conditional --threads 1 --steps 2 --batch 8";
    let told = succeeds(&forger(dir, train));
    assert!(told.contains("sample --run runs/0001-golbin-conditional --class 8"), "{told}");
    let run = dir.join("runs/latest");
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(config.contains("classes = \"0-4,6-25\""), "{config}");
    assert!(run.join("figures/classes.png").is_file());
    assert!(!run.join("figures/digits.png").exists());

    for line in [
        "sample --class 25 --count 3 --out z.idx3 --threads 1",
        "walk --class 25 --images 1 --seeds 1,2 --threads 1",
        "export --out g.onnx",
        "train --resume",
    ] {
        succeeds(&forger(dir, line));
    }
    for command in ["sample", "walk"] {
        let refused = forger(dir, &format!("{command} --class 5 --threads 1"));
        refuses(&refused, "choose one of 0-4,6-25");
        refuses(&forger(dir, &format!("{command} --digit 3 --threads 1")), "write --class 3");
        let both = forger(dir, &format!("{command} --digit 3 --class 3 --threads 1"));
        refuses(&both, "cannot be used with");
    }
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("\"classes\":[0,1,2,3,4,6,7,") && report.contains("\"digits\":false"));
    assert!(report.contains("shown as the classes 0-4,6-25"));
    assert!(report.contains("<span>--class</span> <span>8</span>"));

    // A classifier of the letters measures what that of MNIST cannot.
    let measure = "evaluate --count 50 --metrics fid,modes --threads 1";
    refuses(&forger(dir, measure), "train-classifier --data DIR");
    let classifier = "train-classifier --data letters --epochs 60 --threads 1 --out letters.bin";
    succeeds(&forger(dir, classifier));
    let measured = forger(dir, &format!("{measure} --json --classifier letters.bin"));
    let answer: serde_json::Value = serde_json::from_str(&succeeds(&measured)).unwrap();
    let shares = answer["metrics"]["digits_kl"]["details"]["shares"].as_array().unwrap();
    assert_eq!(shares.len(), 26);
    assert!(answer["metrics"]["fid"]["value"].as_f64().unwrap() > 0.0);
    assert!(text(&measured.stderr).contains("the classifier recognizes"));
    refuses(&forger(dir, &format!("{measure} --classifier z.idx3")), "--classifier z.idx3");
}

#[test]
fn an_unfinished_run_resumes_with_the_classes_of_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    letters(&dir.join("emnist"));
    succeeds(&forger(dir, "import emnist --transpose --out letters"));
    let line = "train --data letters --preset golbin-conditional --threads 1 --batch 8 --steps";
    succeeds(&forger(dir, &format!("{line} 4 --run whole")));
    succeeds(&forger(dir, &format!("{line} 4 --run part")));
    // As if it was killed before its end.
    fs::remove_file(dir.join("part/digits.idx4")).unwrap();
    succeeds(&forger(dir, "train --resume part"));
    let file = |run: &str| fs::read(dir.join(run).join("digits.idx4")).unwrap();
    assert_eq!(file("part"), file("whole"));
    // Other labels.
    fs::remove_file(dir.join("part/digits.idx4")).unwrap();
    succeeds(&forger(dir, "import emnist --transpose --classes 0-9 --out ten"));
    refuses(&forger(dir, "train --resume part --data ten"), "other images");
}

#[test]
fn images_without_labels_have_an_fid_that_says_where_its_features_come_from() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    digits(&dir.join("alone"), 100);
    for split in ["train", "t10k"] {
        fs::remove_file(dir.join(format!("alone/{split}-labels-idx1-ubyte"))).unwrap();
    }
    let note = "features come from the classifier of MNIST, because the data have no labels";
    let train = "train --data alone --preset golbin --threads 1 --steps 2 --batch 8";
    let trained = forger(dir, &format!("{train} --set evaluate_every=2"));
    succeeds(&trained);
    let told = text(&trained.stderr);
    assert!(told.contains(note) && told.contains("step 2: FID "), "{told}");
    let run = dir.join("runs/latest");
    let rows = fs::read_to_string(run.join("quality.jsonl")).unwrap();
    assert!(rows.contains("\"fid\"") && !rows.contains("digits_kl"), "{rows}");
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("because the data have no labels"));

    let line = "evaluate --count 80 --metrics fid,modes --threads 1";
    let measured = command(dir, line).output().unwrap();
    let (table, notes) = (succeeds(&measured), text(&measured.stderr));
    let fid = table.lines().find(|line| line.starts_with("FID (classifier)")).unwrap();
    assert_eq!(fid.split_whitespace().count(), 4, "with its reference value: {fid}");
    assert!(notes.contains(note), "{notes}");
    assert!(notes.contains("skipped modes: the test images have no labels"), "{notes}");
}
