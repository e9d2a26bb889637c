//! The classifier's training, on images that are easy to tell apart.

use gan_models::{Classifier, ClassifierNetwork, DIGITS};
use gan_trainer::Error;
use gan_trainer::classifier::{ClassifierConfig, ClassifierProgress, accuracy, train_classifier};
use mnist_io::{Dataset, Images};
use tch::{Device, Kind};

use crate::lock_generator;

/// `n` images of one line, five rows and five columns for the ten labels.
fn lines(n: usize) -> Dataset {
    let pixel = |image: usize, row: usize, col: usize| {
        let label = image % 10;
        let across = if label < 5 { row } else { col };
        let on = across.abs_diff(4 + 5 * (label % 5)) <= 1;
        // Tells images of one label apart.
        let speck = (row * 28 + col) == image * 61 % 784;
        if on || speck { 255 } else { 0 }
    };
    let pixels = (0..n * 784).map(|i| pixel(i / 784, i / 28 % 28, i % 28));
    let images = Images::new(28, 28, pixels.collect()).unwrap();
    Dataset::new(images, (0..n).map(|i| (i % 10) as u8).collect()).unwrap()
}

fn config(seed: u64, epochs: u64) -> ClassifierConfig {
    ClassifierConfig { seed, epochs, dtype: Kind::Float }
}

#[test]
fn training_separates_the_labels_and_reports_progress() {
    let _generator = lock_generator();
    let mut reports = Vec::new();
    let classifier =
        train_classifier(&config(1, 30), &lines(100), &mut |r| reports.push(r)).unwrap();
    let steps: Vec<(u64, u64)> = reports.iter().map(|r| (r.step, r.steps)).collect();
    // 30 · 100 images in batches of 128, the last one filled up.
    assert_eq!(steps, [(20, 24), (24, 24)]);
    assert!(reports.iter().all(|r: &ClassifierProgress| r.loss < 1.0));
    assert!(accuracy(&classifier, &lines(130)).unwrap() > 0.95);
    let untrained = ClassifierNetwork::new(DIGITS);
    let parameters = untrained.layout().init(Device::Cpu);
    let untrained = Classifier::new(untrained, &parameters).unwrap();
    assert!(accuracy(&untrained, &lines(130)).unwrap() < 0.5);
}

#[test]
fn rejects_integer_kinds() {
    let integers = ClassifierConfig { dtype: Kind::Int64, ..config(1, 1) };
    let refused = train_classifier(&integers, &lines(10), &mut |_| ()).unwrap_err();
    assert!(matches!(refused, Error::Settings(_)), "{refused}");
}

#[test]
fn weights_depend_on_the_seed_alone() {
    let _generator = lock_generator();
    let bytes = |seed| {
        let classifier = train_classifier(&config(seed, 2), &lines(100), &mut |_| ()).unwrap();
        classifier.to_safetensors().unwrap()
    };
    let first = bytes(7);
    assert_eq!(first, bytes(7));
    assert_ne!(first, bytes(8));
}

#[test]
fn rejects_empty_sets_other_sizes_and_images_without_labels() {
    let train = |set: &Dataset| train_classifier(&config(1, 1), set, &mut |_| ()).unwrap_err();
    let none = Dataset::new(Images::new(28, 28, vec![]).unwrap(), vec![]).unwrap();
    assert!(matches!(train(&none), Error::NoImages));
    let small = Images::new(32, 28, vec![0; 896]).unwrap();
    let small = Dataset::new(small, vec![1]).unwrap();
    assert!(matches!(train(&small), Error::ImageSize { rows: 32, .. }));
    let unlabeled = Dataset::unlabeled(lines(3).into_parts().0);
    assert!(matches!(train(&unlabeled), Error::NoLabels { .. }));
}

#[test]
fn a_classifier_has_as_many_classes_as_its_images() {
    let _generator = lock_generator();
    let (images, labels) = lines(100).into_parts();
    let letters = labels.iter().map(|label| label + 24).collect();
    let letters = Dataset::new(images, letters).unwrap();
    let classifier = train_classifier(&config(1, 30), &letters, &mut |_| ()).unwrap();
    let most = *letters.labels().iter().max().unwrap();
    assert_eq!(classifier.classes(), i64::from(most) + 1);
    assert!(accuracy(&classifier, &letters).unwrap() > 0.95);
    let bytes = classifier.to_safetensors().unwrap();
    let read = Classifier::from_safetensors(&bytes).unwrap();
    assert_eq!(read.classes(), classifier.classes());
    assert_eq!(read.to_safetensors().unwrap(), bytes);
}
