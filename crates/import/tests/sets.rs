//! Data sets in common formats: splits, labels and classes of every source.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use common::{csv, gzip, idx, idx_array, images, npy, npy_u8, npz, png, refused, write};
use gan_import::{Options, Set, duplicates, pixel_warnings, range_warning, read_set};
use mnist_io::{Dataset, Images, Split};

fn open(path: &Path) -> Set {
    read_set(path, &Options::default()).unwrap()
}

fn labels_npy(labels: &[u8]) -> Vec<u8> {
    let data: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    npy("<i8", "False", &format!("({},)", labels.len()), &data)
}

fn u8_labels(labels: &[u8]) -> Vec<u8> {
    idx_array(8, &[labels.len() as u32], labels)
}

#[track_caller]
fn expect(set: &Set, train: (&Images, &[u8]), test: (&Images, &[u8])) {
    for (found, (images, labels)) in [(&set.train, train), (&set.test, test)] {
        assert!(found.images() == images, "{}", set.summary);
        assert_eq!(found.labels(), labels, "{}", set.summary);
        assert!(found.is_labeled());
    }
}

#[test]
fn an_idx_folder_is_read_as_mnist_io_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "train-images-idx3-ubyte", &idx(&images(4)));
    write(dir.path(), "train-labels-idx1-ubyte", &u8_labels(&[0, 1, 2, 9]));
    write(dir.path(), "t10k-images-idx3-ubyte.gz", &gzip(&idx(&images(2))));
    write(dir.path(), "t10k-labels-idx1-ubyte.gz", &gzip(&u8_labels(&[9, 0])));
    let set = open(dir.path());
    assert!(set.train == Dataset::open(dir.path(), Split::Train).unwrap());
    assert!(set.test == Dataset::open(dir.path(), Split::Test).unwrap());
    let found = "4 training and 2 test images of 28x28 (IDX), values 0 to 255, 4 classes (0 to 9)";
    assert_eq!((set.summary.as_str(), set.notes.len()), (found, 0));
}

/// EMNIST's names and classes: letters are numbered from 1.
#[test]
fn prefixed_names_are_found_and_labels_from_one_are_counted_from_zero() {
    let dir = tempfile::tempdir().unwrap();
    let classes: Vec<u8> = (1..=26).collect();
    let name = |set: &str, rest: &str| format!("emnist-{set}-{rest}-ubyte.gz");
    for set in ["letters", "digits"] {
        write(dir.path(), &name(set, "train-images-idx3"), &gzip(&idx(&images(26))));
        write(dir.path(), &name(set, "train-labels-idx1"), &gzip(&u8_labels(&classes)));
        write(dir.path(), &name(set, "test-images-idx3"), &gzip(&idx(&images(2))));
        write(dir.path(), &name(set, "test-labels-idx1"), &gzip(&u8_labels(&[26, 3])));
    }
    let several = read_set(dir.path(), &Options::default());
    refused(several, dir.path(), &["emnist-digits-, emnist-letters-"]);
    // The name of one file stands for its set.
    let set = open(&dir.path().join(name("letters", "train-images-idx3")));
    let from_zero: Vec<u8> = (0..26).collect();
    expect(&set, (&images(26), &from_zero), (&images(2), &[25, 2]));
    assert_eq!(set.notes, ["labels from 1 are counted from 0"]);
    // A folder with one prefix.
    let own = dir.path().join("own");
    for part in ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"] {
        let bytes = fs::read(dir.path().join(name("letters", part))).unwrap();
        write(&own, &name("letters", part), &bytes);
    }
    assert!(open(&own).train == set.train);
    // Transposed, of three classes.
    let options = Options { transpose: true, classes: Some(vec![2]), ..Options::default() };
    let some = read_set(&own, &options).unwrap();
    assert_eq!((some.train.labels(), some.test.labels()), (&[2][..], &[2][..]));
    let pixel = |images: &Images, i, at: usize| images.get(i).unwrap()[at];
    assert_eq!(pixel(some.train.images(), 0, 30), pixel(&images(26), 2, 2 * 28 + 1));
    let none = Options { classes: Some(vec![200]), ..Options::default() };
    refused(read_set(&own, &none), &own, &["--classes"]);
}

/// QMNIST's labels are int32 `[n, 8]`, the class in column 0.
#[test]
fn qmnist_labels_and_int32_labels_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let table = |labels: &[i32]| {
        let rows = labels.iter().flat_map(|&l| [l, 1, 2, 3, 4, 5, 6, 7]);
        let data: Vec<u8> = rows.flat_map(i32::to_be_bytes).collect();
        idx_array(12, &[labels.len() as u32, 8], &data)
    };
    write(dir.path(), "qmnist-train-images-idx3-ubyte", &idx(&images(3)));
    write(dir.path(), "qmnist-train-labels-idx2-int", &table(&[5, 0, 9]));
    write(dir.path(), "qmnist-test-images-idx3-ubyte", &idx(&images(2)));
    let one: Vec<u8> = [7i32, 8].iter().flat_map(|l| l.to_be_bytes()).collect();
    write(dir.path(), "qmnist-test-labels-idx1-int", &idx_array(12, &[2], &one));
    expect(&open(dir.path()), (&images(3), &[5, 0, 9]), (&images(2), &[7, 8]));
}

#[test]
fn labels_of_any_offset_are_counted_from_zero() {
    let set = |labels: &[i64], offset: Option<i64>| {
        let dir = tempfile::tempdir().unwrap();
        let data: Vec<u8> = labels.iter().flat_map(|l| l.to_le_bytes()).collect();
        let labels_array = npy("<i8", "False", &format!("({},)", labels.len()), &data);
        let array = npy_u8(&images(labels.len()));
        let (x, y) = (("x_train.npy", &array[..]), ("y_train.npy", &labels_array[..]));
        let test = [("x_test.npy", &array[..]), ("y_test.npy", &labels_array[..])];
        let path = write(dir.path(), "x.npz", &npz(&[&[x, y][..], &test].concat()));
        let options = Options { label_offset: offset, ..Options::default() };
        read_set(&path, &options).map(|set| set.train.labels().to_vec())
    };
    assert_eq!(set(&[1000, 1003, 1001], None).unwrap(), [0, 3, 1]);
    assert_eq!(set(&[-1, 1], None).unwrap(), [0, 2]);
    // Ten contiguous classes from 1; digits without 0 keep their numbers.
    assert_eq!(set(&(1..=10).collect::<Vec<_>>(), None).unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!(set(&[1, 2, 9], None).unwrap(), [1, 2, 9]);
    assert_eq!(set(&[1, 2, 9], Some(1)).unwrap(), [0, 1, 8]);
    assert_eq!(set(&[-1, 1], Some(-2)).unwrap(), [1, 3]);
    let message = set(&[1, 2, 9], Some(-1)).unwrap_err().to_string();
    assert!(message.contains("write --label-offset 1"), "{message}");
    for (labels, offset) in [(&[0, 300][..], None), (&[0, 1], Some(1))] {
        let message = set(labels, offset).unwrap_err().to_string();
        assert!(message.contains("the labels go from 0"), "{message}");
    }
}

/// The arrays of Keras' `mnist.npz`.
#[test]
fn keras_mnist_npz_is_a_data_set() {
    let dir = tempfile::tempdir().unwrap();
    let (train, test) = (npy_u8(&images(4)), npy_u8(&images(2)));
    let labels = npy("|u1", "False", "(4,)", &[3, 1, 4, 1]);
    let test_labels = npy("|u1", "False", "(2,)", &[5, 9]);
    let members = [
        ("x_test.npy", &test[..]),
        ("x_train.npy", &train),
        ("y_train.npy", &labels),
        ("y_test.npy", &test_labels),
    ];
    let path = write(dir.path(), "mnist.npz", &npz(&members));
    expect(&open(&path), (&images(4), &[3, 1, 4, 1]), (&images(2), &[5, 9]));
    // The same arrays as files of a folder, and the archive in a folder.
    for (name, bytes) in members {
        write(&dir.path().join("arrays"), name, bytes);
    }
    let archive = dir.path().join("archive");
    write(&archive, "mnist.npz", &fs::read(&path).unwrap());
    for folder in [dir.path().join("arrays"), archive] {
        expect(&open(&folder), (&images(4), &[3, 1, 4, 1]), (&images(2), &[5, 9]));
    }
}

/// OpenAI's guided-diffusion saves `arr_0`, u8 `[n, h, w, 3]`, and labels as `arr_1`.
#[test]
fn arrays_without_names_are_images_and_labels_by_their_shape() {
    let dir = tempfile::tempdir().unwrap();
    let colored: Vec<u8> = images(20).pixels().iter().flat_map(|&p| [p; 3]).collect();
    let array = npy("|u1", "False", "(20, 28, 28, 3)", &colored);
    let classes: Vec<u8> = (0..20).map(|i| i % 10).collect();
    let members = [("arr_0.npy", &array[..]), ("arr_1.npy", &labels_npy(&classes))];
    let set = open(&write(dir.path(), "samples.npz", &npz(&members)));
    assert_eq!((set.train.len(), set.test.len()), (18, 2));
    assert!(set.train.is_labeled());
}

#[test]
fn kaggle_csv_is_a_data_set_and_its_unlabeled_test_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "mnist_train.csv", &csv(&images(3), Some(&[1, 2, 3])));
    write(dir.path(), "mnist_test.csv", &csv(&images(2), Some(&[4, 5])));
    expect(&open(dir.path()), (&images(3), &[1, 2, 3]), (&images(2), &[4, 5]));

    // The competition "Digit Recognizer": no labels of the test images.
    let dir = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..40).map(|i| i % 10).collect();
    write(dir.path(), "train.csv", &csv(&images(40), Some(&labels)));
    write(dir.path(), "test.csv", &csv(&images(2), None));
    write(dir.path(), "sample_submission.csv", b"ImageId,Label\n1,0\n2,0\n");
    let set = open(dir.path());
    assert_eq!((set.train.len(), set.test.len()), (36, 4));
    assert!(set.notes[0].contains("test.csv has no labels"), "{:?}", set.notes);
    assert!(set.notes[1].contains("4 of the 40 images are held out"), "{:?}", set.notes);
}

#[test]
fn folders_of_pictures_are_classes_and_splits() {
    let dir = tempfile::tempdir().unwrap();
    let all = images(6);
    let pictures: Vec<Vec<u8>> = all.iter().map(png).collect();
    let select = |indices: &[usize]| all.select(indices).unwrap();
    for (name, i) in
        [("train/7/a.png", 0), ("train/7/b.png", 1), ("train/10/a.png", 2), ("test/7/a.png", 3)]
    {
        write(&dir.path().join("numbers"), name, &pictures[i]);
    }
    let set = open(&dir.path().join("numbers"));
    expect(&set, (&select(&[2, 0, 1]), &[10, 7, 7]), (&select(&[3]), &[7]));

    let named = dir.path().join("names");
    for (name, i) in [("cat/1.png", 0), ("dog/1.png", 1), ("dog/2.png", 2)] {
        write(&named, name, &pictures[i]);
    }
    let set = open(&named);
    let kept: HashSet<u8> = set.train.labels().iter().chain(set.test.labels()).copied().collect();
    assert_eq!(kept, HashSet::from([0, 1]));
    assert_eq!(set.notes[0], "classes: 0 = cat, 1 = dog");

    let flat = dir.path().join("flat");
    for (i, picture) in pictures.iter().enumerate() {
        write(&flat, &format!("{i}.png"), picture);
    }
    let set = open(&flat);
    assert!(!set.train.is_labeled() && set.summary.ends_with("no labels"), "{}", set.summary);
}

#[test]
fn images_alone_are_unlabeled_and_a_seeded_tenth_is_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let all = images(25);
    write(dir.path(), "train-images-idx3-ubyte", &idx(&all));
    let array = write(dir.path(), "other.npy", &npy_u8(&all));
    let (folder, file) = (open(dir.path()), open(&array));
    assert!(folder.train == file.train && folder.test == file.test);
    assert_eq!((folder.train.len(), folder.test.len()), (22, 3));
    assert!(!folder.train.is_labeled() && !folder.test.is_labeled());
    assert!(folder.notes[0].contains("3 of the 25 images are held out for that (seed 0)"));
    // Together they are all images.
    let both: HashSet<&[u8]> =
        folder.train.images().iter().chain(folder.test.images().iter()).collect();
    assert_eq!(both, all.iter().collect());
    let one = write(dir.path(), "one.npy", &npy_u8(&images(1)));
    refused(read_set(&one, &Options::default()), &one, &["at least two"]);
}

#[test]
fn counts_that_differ_are_refused_with_split_and_file() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "train-images-idx3-ubyte", &idx(&images(3)));
    let path = write(dir.path(), "train-labels-idx1-ubyte", &u8_labels(&[1, 2, 3, 4]));
    let hints = ["3 images but 4 labels", "train-labels-idx1-ubyte"];
    refused(read_set(dir.path(), &Options::default()), &path, &hints);

    let (array, labels) = (npy_u8(&images(3)), labels_npy(&[1, 2]));
    let members = [("x_train.npy", &array[..]), ("y_train.npy", &labels)];
    let path = write(dir.path(), "x.npz", &npz(&members));
    let hints = ["y_train.npy", "2 labels for the 3 images of", "x_train.npy"];
    refused(read_set(&path, &Options::default()), &path, &hints);

    let (train, test) = (npy_u8(&images(3)), npy("|u1", "False", "(1, 32, 32)", &[9; 1024]));
    let members = [("x_train.npy", &train[..]), ("x_test.npy", &test)];
    let path = write(dir.path(), "sizes.npz", &npz(&members));
    refused(read_set(&path, &Options::default()), &path, &["x_test.npy", "32x32", "28x28"]);
    let empty = write(dir.path(), "e.npy", &npy("|u1", "False", "(0, 28, 28)", &[]));
    refused(read_set(&empty, &Options::default()), &empty, &["no images"]);
}

#[test]
fn wrong_pixels_are_a_warning_before_training() {
    let of = |pixels: Vec<u8>| pixel_warnings("x", &Images::new(28, 28, pixels).unwrap());
    assert_eq!(of(vec![0; 784]), ["x are all black"]);
    assert_eq!(of(vec![9; 784]), ["x are all of one gray level, 9"]);
    let bits: Vec<u8> = (0..784).map(|i| i as u8 % 2).collect();
    assert!(of(bits)[0].contains("--range 0,1"));
    let some = [images(2).pixels(), &[5; 784]].concat();
    assert_eq!(of(some), ["1 of the 3 images of x have one gray level"]);
    assert_eq!(of(images(2).pixels().to_vec()), [""; 0]);
}

#[test]
fn samples_of_another_range_are_a_warning() {
    let digits = |low: u8, high: u8| {
        let pixels = (0..784).map(|i| if i % 8 == 0 { high } else { low }).collect();
        Images::new(28, 28, pixels).unwrap()
    };
    let real = digits(0, 255);
    assert_eq!(range_warning(&digits(0, 240), &real), None);
    assert!(range_warning(&digits(0, 100), &real).unwrap().contains("--range 0,100"));
    assert!(range_warning(&digits(255, 0), &real).unwrap().contains("--invert"));
}

#[test]
fn duplicates_are_counted_within_and_across_splits() {
    let all = images(5);
    let (train, test) = (all.select(&[0, 1, 0, 2]).unwrap(), all.select(&[1, 3, 3, 0]).unwrap());
    let found = duplicates(&train, &test);
    assert_eq!((found.train, found.test, found.across), (1, 1, 2));
}
