//! Data sets in folders: file names, and checks of images against labels.

mod common;

use std::fs;

use common::{NAMES, files, gzip, u8_file, write_set};
use mnist_io::{Dataset, Error, Idx, IdxData, Split, find_files, prefix_of_file, sha256_hex};

#[test]
fn open_reads_both_splits_from_the_usual_names() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let train = Dataset::open(dir.path(), Split::Train).unwrap();
    assert_eq!(train.len(), 3);
    assert_eq!(train.labels(), [7, 0, 255]);
    assert_eq!((train.images().rows(), train.images().cols()), (2, 2));
    assert_eq!(train.images().get(1), Some(&[4, 5, 6, 7][..]));
    let (images, labels) = Dataset::open(dir.path(), Split::Test).unwrap().into_parts();
    assert_eq!(images.pixels(), [20, 21, 22, 23, 24, 25, 26, 27]);
    assert_eq!(labels, [1, 2]);
}

#[test]
fn open_finds_every_spelling_and_prefers_plain_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let first_pixel = || Dataset::open(path, Split::Test).unwrap().images().pixels()[0];
    let images = |pixel| u8_file(&[1, 1, 1], &[pixel]);
    fs::write(path.join("t10k-labels.idx1-ubyte.gz"), gzip(&u8_file(&[1], &[0]))).unwrap();
    // From the last choice to the first choice.
    fs::write(path.join("t10k-images.idx3-ubyte.gz"), gzip(&images(4))).unwrap();
    assert_eq!(first_pixel(), 4);
    fs::write(path.join("t10k-images-idx3-ubyte.gz"), gzip(&images(3))).unwrap();
    assert_eq!(first_pixel(), 3);
    fs::write(path.join("t10k-images.idx3-ubyte"), images(2)).unwrap();
    assert_eq!(first_pixel(), 2);
    fs::write(path.join("t10k-images-idx3-ubyte"), images(1)).unwrap();
    assert_eq!(first_pixel(), 1);
}

#[test]
fn missing_file_is_an_error_with_its_name_and_folder() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    fs::remove_file(dir.path().join(NAMES[1])).unwrap();
    // A folder with the name of the file does not count.
    fs::create_dir(dir.path().join(NAMES[1])).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(&error, Error::MissingFile { names, .. } if names[0] == NAMES[1]));
    for part in [
        dir.path().to_str().unwrap(),
        "training labels",
        "train-labels-idx1-ubyte,",
        "train-labels.idx1-ubyte.gz",
        "choose another folder",
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(Dataset::open(dir.path(), Split::Test).is_ok());
}

#[test]
fn missing_folder_is_an_error_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none");
    let error = Dataset::open(&missing, Split::Train).unwrap_err();
    assert!(matches!(&error, Error::MissingFolder { dir } if *dir == missing));
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Dataset::open(&file, Split::Train).unwrap_err();
    assert!(matches!(error, Error::MissingFolder { .. }), "{error:?}");
}

#[test]
fn open_rejects_different_numbers_of_images_and_labels() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    fs::write(dir.path().join(NAMES[1]), u8_file(&[2], &[0, 1])).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error.rule(), Error::LabelCount { images: 3, labels: 2 }));
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
}

#[test]
fn open_rejects_exchanged_images_and_labels() {
    let dir = tempfile::tempdir().unwrap();
    let [images, labels, ..] = files();
    write_set(dir.path());
    fs::write(dir.path().join(NAMES[0]), &labels).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error.rule(), Error::NotImages { shape, .. } if shape[..] == [3]));
    assert!(error.to_string().contains(NAMES[0]), "{error}");

    write_set(dir.path());
    fs::write(dir.path().join(NAMES[1]), &images).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error.rule(), Error::NotLabels { shape, .. } if shape[..] == [3, 2, 2]));
    assert!(error.to_string().contains("a file of images?"), "{error}");

    let signed = Idx::new(vec![3], IdxData::I8(vec![0; 3])).unwrap();
    signed.write_file(&dir.path().join(NAMES[1])).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error.rule(), Error::NotLabels { .. }));
}

#[test]
fn label_count_that_differs_names_the_file_of_the_split() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let path = dir.path().join(NAMES[3]);
    fs::write(&path, gzip(&u8_file(&[1 << 30], &[]))).unwrap();
    let error = Dataset::open(dir.path(), Split::Test).unwrap_err();
    // The header alone is enough.
    assert!(matches!(error.rule(), Error::LabelCount { images: 2, .. }), "{error:?}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
}

#[test]
fn open_reads_prefixed_names_and_integer_labels() {
    let dir = tempfile::tempdir().unwrap();
    let [images, ..] = files();
    let labels: Vec<u8> =
        [7i32, 0, 255].iter().flat_map(|l| [*l, 9].map(i32::to_be_bytes)).flatten().collect();
    let table = [&[0, 0, 12, 2, 0, 0, 0, 3, 0, 0, 0, 2][..], &labels].concat();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("qmnist-train-images-idx3-ubyte.gz", &gzip(&images));
    write("qmnist-train-labels-idx2-int", &table);
    let set = Dataset::open(dir.path(), Split::Train).unwrap();
    assert_eq!((set.len(), set.labels()), (3, &[7, 0, 255][..]));
    write("emnist-train-images-idx3-ubyte", &images);
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(error.to_string().contains("emnist-, qmnist-"), "{error}");
    let found = find_files(dir.path(), Some("emnist-")).unwrap();
    assert_eq!(found.map(|path| path.is_some()), [true, false, false, false]);
}

#[test]
fn prefixes_are_found_in_the_usual_names_only() {
    for (name, prefix) in [
        ("train-images-idx3-ubyte", Some("")),
        ("emnist-letters-test-labels-idx1-ubyte.gz", Some("emnist-letters-")),
        ("t10k-labels.idx1-ubyte", Some("")),
        ("qmnist-test10k-images-idx3-ubyte", None),
        ("train-images.png", None),
    ] {
        assert_eq!(prefix_of_file(name), prefix, "{name}");
    }
}

#[test]
fn labels_outside_a_byte_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let wide = Idx::new(vec![3], IdxData::I32(vec![1, -1, 3])).unwrap();
    wide.write_file(&dir.path().join(NAMES[1])).unwrap();
    let error = Dataset::open(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error.rule(), Error::LabelRange { label: -1 }), "{error:?}");
}

#[test]
fn unlabeled_sets_keep_that_in_a_selection() {
    let images = mnist_io::Images::new(1, 1, vec![3, 4]).unwrap();
    let set = Dataset::unlabeled(images);
    assert!(!set.is_labeled() && !set.select(&[1]).unwrap().is_labeled());
    assert!(set.first(1).len() == 1 && !set.first(1).is_labeled());
    assert_eq!(set.labels(), [0, 0]);
}

#[test]
fn hashes_are_those_of_the_plain_files() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in NAMES.iter().zip(files()) {
        fs::write(dir.path().join(format!("{name}.gz")), gzip(&bytes)).unwrap();
    }
    let [images, labels, ..] = files();
    let set = Dataset::open(dir.path(), Split::Train).unwrap();
    assert_eq!(set.images_sha256(), sha256_hex(&images));
    assert_eq!(set.images().idx_sha256(), sha256_hex(&images));
    assert_eq!(set.labels_sha256(), sha256_hex(&labels));
    // Whether the hash was computed does not count.
    assert_eq!(set, Dataset::open(dir.path(), Split::Train).unwrap());
}
