//! `import`, `check-data`, and images of any format for `train` and `evaluate`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use mnist_io::{Dataset, Images, Split};

use crate::{bars, command, data, digits, forger, refuses, succeeds, text};

/// A NumPy file of format version 1.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

fn floats(pixels: &[u8], convert: impl Fn(f32) -> f32) -> Vec<u8> {
    pixels.iter().flat_map(|&p| convert(f32::from(p) / 255.0).to_le_bytes()).collect()
}

fn transposed(images: &Images) -> Images {
    let turned = images.iter().flat_map(|i| (0..784).map(|at| i[at % 28 * 28 + at / 28]));
    Images::new(28, 28, turned.collect()).unwrap()
}

fn csv(set: &Dataset) -> String {
    let lines = set.images().iter().zip(set.labels()).map(|(image, label)| {
        image.iter().fold(label.to_string(), |line, pixel| format!("{line},{pixel}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The FID of the same images through several containers, types, layouts and ranges.
#[test]
fn fid_does_not_depend_on_the_format_of_the_samples() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    digits(&dir.join("data/mnist"), 300);
    let set = Dataset::open(&dir.join("data/mnist"), Split::Train).unwrap();
    let pixels = set.images().pixels();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    write("u8.npy", &npy("|u1", "(300, 784)", pixels));
    write("unit.npy", &npy("<f4", "(300, 1, 28, 28)", &floats(pixels, |p| p)));
    write("signed.npy", &npy("<f4", "(300, 28, 28, 1)", &floats(pixels, |p| 2.0 * p - 1.0)));
    write("x.csv", csv(&set).as_bytes());
    let turned = transposed(set.images());
    turned.write_file(&dir.join("turned.idx3")).unwrap();
    let fid = |source: &str| {
        let line = format!("evaluate --samples {source} --metrics fid --threads 1 --json");
        let answer = succeeds(&forger(dir, &line));
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["metrics"]["fid"]["value"].as_f64().unwrap()
    };
    let expected = fid("data/mnist/train-images-idx3-ubyte");
    for source in ["u8.npy", "unit.npy", "signed.npy", "x.csv", "turned.idx3 --transpose"] {
        assert_eq!(fid(source), expected, "{source}");
    }
    // Without the option, transposed digits are other images.
    assert!(fid("turned.idx3") > expected + 5.0);
}

/// The first images of a sorted file are of one kind.
#[test]
fn evaluate_measures_a_random_subset_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let sorted: Vec<u8> = (0..=255u8).flat_map(|i| [i; 784]).collect();
    fs::write(dir.join("x.npy"), npy("|u1", "(256, 28, 28)", &sorted)).unwrap();
    let output = forger(dir, "evaluate --samples x.npy --count 9 --metrics duplicates --threads 1");
    let told = text(&output.stderr);
    assert!(told.contains("256 images of 28x28") && told.contains("9 chosen at random"), "{told}");
    assert!(succeeds(&output).contains("9 of 256 at random, seed 1"));
}

#[test]
fn evaluate_warns_of_samples_in_another_range() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let warning = |pixels: Vec<u8>, options: &str| {
        fs::write(dir.join("x.npy"), npy("|u1", "(4, 28, 28)", &pixels)).unwrap();
        let line = "evaluate --samples x.npy --metrics duplicates --threads 1";
        let output = forger(dir, &format!("{line} {options}"));
        succeeds(&output);
        text(&output.stderr)
    };
    let bits: Vec<u8> = (0..4 * 784).map(|i| u8::from(i % 7 == 0)).collect();
    let told = warning(bits.clone(), "");
    assert!(told.contains("warning: the greatest value of the samples is 1"), "{told}");
    assert!(!warning(bits.clone(), "--range 0,1").contains("warning"));
    let told = warning(bits.iter().map(|b| b * 100).collect(), "");
    assert!(told.contains("give it, as in --range 0,100"), "{told}");
}

#[test]
fn import_writes_a_data_set_that_train_and_evaluate_use() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let original = dir.join("original");
    bars(&original, 3, 60);
    let set = Dataset::open(&original, Split::Train).unwrap();
    let set = Dataset::new(set.into_parts().0, vec![3; 60]).unwrap();
    fs::write(dir.join("train.csv"), csv(&set)).unwrap();
    let output = forger(dir, "import train.csv --out new --classes 3");
    succeeds(&output);
    let told = text(&output.stderr);
    for part in ["54 training and 6 test images of 28x28 (CSV)", "one class (3)", "6 of the 60"] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let (train, test) = [Split::Train, Split::Test]
        .map(|split| Dataset::open(&dir.join("new"), split).unwrap())
        .into();
    assert_eq!((train.len(), test.len()), (54, 6));
    refuses(&forger(dir, "import train.csv --out new"), "not an empty folder");

    // Standard input, and images alone.
    let mut child = command(dir, "import - --out alone --invert");
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let array = npy("|u1", "(60, 28, 28)", set.images().pixels());
    child.stdin.take().unwrap().write_all(&array).unwrap();
    succeeds(&child.wait_with_output().unwrap());
    assert!(!dir.join("alone/train-labels-idx1-ubyte").exists());
    let steps = "--steps 2 --batch 8 --preset golbin --threads 1 --set evaluate_every=0";
    let output = forger(dir, &format!("train --data alone {steps}"));
    succeeds(&output);
    let told = text(&output.stderr);
    assert!(told.contains("54 training and 6 test images") && told.contains("no labels"), "{told}");
    assert!(told.contains("train_images = 54 instead of"), "{told}");
    let refused = forger(dir, "train --data alone --conditional --batch 8");
    refuses(&refused, "no labels; use labeled images, or train without --conditional");

    let one_class = "train --data new --conditional --steps 1 --batch 8 --threads 1";
    let told = text(&forger(dir, &format!("{one_class} --set evaluate_every=0")).stderr);
    assert!(told.contains("warning: all training images have one class, 3"), "{told}");
    assert!(told.contains("leave --conditional out"), "{told}");

    // The evaluation opens the same source again, a file too.
    succeeds(&forger(dir, &format!("train --data train.csv {steps}")));
    let line = "evaluate --count 9 --metrics duplicates --threads 1";
    assert!(succeeds(&forger(dir, line)).contains("train.csv"));
}

#[test]
fn warnings_come_before_training_and_known_sets_are_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data"));
    let images = dir.join("data/train-images-idx3-ubyte");
    let told = |pixels: Vec<u8>| {
        Images::new(28, 28, pixels).unwrap().write_file(&images).unwrap();
        let line = "train --data data --steps 1 --batch 8 --threads 1 --set evaluate_every=0";
        text(&forger(dir, line).stderr)
    };
    let black = told(vec![0; 60 * 784]);
    assert!(black.contains("warning: the training images are all black"), "{black}");
    let at = black.find("warning: ").unwrap();
    assert!(black.find("training modern on").is_some_and(|training| at < training), "{black}");
    let bits = told((0..60 * 784).map(|i| u8::from(i % 7 == 0)).collect());
    assert!(bits.contains("warning: the greatest value of the training images is 1"), "{bits}");
}

#[test]
fn check_data_reports_duplicates_and_transposed_digits() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    digits(&dir.join("mine"), 300);
    let told = succeeds(&forger(dir, "check-data mine"));
    for part in ["300 training and 300 test images", "10 classes (0 to 9)", "0 test images are"] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert!(!told.contains("warning"), "{told}");
    let train = Images::read_file(&dir.join("mine/train-images-idx3-ubyte")).unwrap();
    let turned = transposed(&train);
    turned.write_file(&dir.join("mine/train-images-idx3-ubyte")).unwrap();
    turned.write_file(&dir.join("mine/t10k-images-idx3-ubyte")).unwrap();
    let told = succeeds(&forger(dir, "check-data mine"));
    assert!(told.contains("look transposed") && told.contains("--transpose"), "{told}");
    assert!(told.contains("300 test images are training images"), "{told}");
    // The remedy works.
    succeeds(&forger(dir, "import mine --transpose --out good"));
    assert!(!succeeds(&forger(dir, "check-data good")).contains("look transposed"));
    assert!(Images::read_file(&dir.join("good/train-images-idx3-ubyte")).unwrap() == train);
}

/// `dcgan` generates images of 32x32; metrics compare 28x28.
#[test]
fn images_of_32x32_train_dcgan_and_are_evaluated() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    data(&dir.join("data/mnist"));
    let wide: Vec<u8> = (0..40 * 1024).map(|i| if i % 1024 < i / 40 { 255 } else { 0 }).collect();
    fs::write(dir.join("x.npy"), npy("|u1", "(40, 32, 32)", &wide)).unwrap();
    let train = "train --data x.npy --steps 1 --batch 8 --threads 1";
    succeeds(&forger(dir, &format!("{train} --preset dcgan")));
    let shown = Images::read_file(&dir.join("runs/latest/originals.idx3"));
    assert!(shown.is_ok_and(|shown| shown.rows() == 32));
    let refused = forger(dir, train);
    refuses(&refused, "32x32");
    refuses(&refused, "--resize 28");
    let line = "evaluate --samples x.npy --metrics duplicates --threads 1";
    assert!(succeeds(&forger(dir, line)).contains("resized from 32x32 to 28x28"));
    fs::write(dir.join("y.npy"), npy("|u1", "(40, 64, 16)", &wide)).unwrap();
    refuses(&forger(dir, "evaluate --samples y.npy"), "--resize 28");
    refuses(&forger(dir, "train --data y.npy"), "cargo xtask import");
}

#[test]
fn options_for_pixels_need_samples_and_good_values() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (line, hint) in [
        ("evaluate --transpose", "--samples"),
        ("evaluate --samples x --range 1,0", "the lower one first"),
        ("evaluate --samples x --resize 1", "from 4 to 512"),
        ("import x --out y --classes 9-1", "classes from 0 to 255"),
        ("import", "--out"),
        ("import nowhere --out y", "nowhere"),
        ("check-data nowhere", "nowhere"),
    ] {
        refuses(&forger(dir, line), hint);
    }
    assert!(!Path::new(&dir.join("y")).exists());
}
