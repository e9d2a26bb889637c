//! The classifier: its network against plain operations, and its trained weights
//! against MNIST's test images and a computation without libtorch.

use std::path::{Path, PathBuf};

use gan_models::classifier::SHA256;
use gan_models::{Classifier, ClassifierError, ClassifierNetwork, DIGITS, Mode, WeightsError};
use mnist_io::{Dataset, Split, known};
use tch::{Device, Kind, Tensor};

use crate::{CPU, DOUBLE, distance, lock_rng, values};

const BYTES: (Kind, Device) = (Kind::Uint8, Device::Cpu);

/// MNIST's test split from the folder of `cargo xtask fetch`, or from the folder in
/// the environment variable `MNIST`.
fn test_images() -> Dataset {
    let dir = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    let test =
        Dataset::open(&dir, Split::Test).unwrap_or_else(|e| panic!("{e}; run `cargo xtask fetch`"));
    // The expected accuracy holds for these images only.
    assert_eq!(test.images_sha256(), known::MNIST.files[2].sha256);
    test
}

fn tensor(images: &mnist_io::Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, 28, 28])
}

#[test]
fn built_in_weights_have_the_documented_hash() {
    let classifier = Classifier::trained().unwrap();
    let file = include_bytes!("../../weights/classifier.safetensors");
    assert_eq!(mnist_io::sha256_hex(file), SHA256);
    assert_eq!(classifier.to_safetensors().unwrap(), file);
    let readme = include_str!("../../weights/README.md");
    assert!(readme.contains(SHA256));
}

#[test]
fn classifies_99_2_percent_of_the_test_images_correctly() {
    let test = test_images();
    let (features, logits) =
        Classifier::trained().unwrap().features_and_logits(&tensor(test.images())).unwrap();
    assert_eq!(features.size(), [10_000, 128]);
    assert_eq!(logits.size(), [10_000, 10]);
    let labels = Tensor::from_slice(test.labels()).to_kind(Kind::Int64);
    let correct = logits.argmax(1, false).eq_tensor(&labels);
    let correct = correct.sum(Kind::Int64).int64_value(&[]);
    assert!(correct >= 9_920, "{correct} of 10,000");
}

/// `oracle/classifier.py` computed the stored values.
#[test]
fn features_and_logits_match_a_computation_without_libtorch() {
    let classifier = Classifier::trained().unwrap();
    let test = test_images();
    let pattern = (0..784).map(|i| ((i / 28 * 37 + i % 28 * 11) % 256) as u8);
    let pattern = mnist_io::Images::new(28, 28, pattern.collect()).unwrap();
    let mut lines = 0;
    for line in include_str!("../oracle/classifier.txt").lines() {
        let (name, stored) = line.split_once(' ').unwrap();
        let stored: Vec<f64> = stored.split(' ').map(|x| x.parse().unwrap()).collect();
        let image = match name {
            "pattern" => pattern.clone(),
            index => test.images().select(&[index.parse().unwrap()]).unwrap(),
        };
        let (features, logits) = classifier.features_and_logits(&tensor(&image)).unwrap();
        let computed = [values(&features), values(&logits)].concat();
        assert_eq!(computed.len(), stored.len());
        for (i, (computed, stored)) in computed.iter().zip(&stored).enumerate() {
            let tolerance = 1e-4 * stored.abs().max(0.1);
            assert!(
                (computed - stored).abs() < tolerance,
                "image {name}, value {i}: {computed}, stored {stored}"
            );
        }
        lines += 1;
    }
    assert_eq!(lines, 4);
}

#[test]
fn network_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    let network = ClassifierNetwork::new(DIGITS);
    let layout = network.layout();
    assert_eq!(
        layout.numel(),
        (25 + 1) * 32 + (25 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 128 + (128 + 1) * 10
    );
    let flat = layout.init(Device::Cpu).to_kind(Kind::Double);
    // Biases start at 0, which would hide a missing one.
    let flat = &flat + Tensor::randn([layout.numel()], DOUBLE) * 0.01;
    let weights = layout.weights(&flat);
    let images = Tensor::rand([3, 1, 28, 28], DOUBLE);
    let (features, logits) = network.forward(&weights, &images, Mode::Eval);
    assert_eq!(features.size(), [3, 128]);
    assert_eq!(logits.size(), [3, 10]);

    let [w1, b1, w2, b2, w3, b3, w4, b4] = weights.tensors() else {
        panic!("eight parameters");
    };
    // 25 shifted copies of the image, each times its kernel value.
    let conv = |x: &Tensor, weight: &Tensor, bias: &Tensor| {
        let (n, h, w) = (x.size()[0], x.size()[2], x.size()[3]);
        let padded = x.constant_pad_nd([2; 4]);
        let mut y = bias.view([1, -1, 1, 1]).expand([n, -1, h, w], false).copy();
        for (r, c) in (0..25).map(|tap| (tap / 5, tap % 5)) {
            let window = padded.narrow(2, r, h).narrow(3, c, w);
            let tap = weight.select(3, c).select(2, r);
            y += Tensor::einsum("oi,nihw->nohw", &[&tap, &window], None::<i64>);
        }
        y
    };
    let pool = |x: &Tensor| {
        let [n, c, h, w] = x.size()[..] else {
            panic!("images");
        };
        let blocks = x.reshape([n, c, h / 2, 2, w / 2, 2]);
        blocks.amax([3, 5], false)
    };
    let x = pool(&conv(&images, w1, b1).clamp_min(0.0));
    let x = pool(&conv(&x, w2, b2).clamp_min(0.0));
    assert_eq!(x.size(), [3, 64, 7, 7]);
    let x = x.permute([0, 2, 3, 1]).reshape([3, 3136]);
    let expected = (x.matmul(&w3.tr()) + b3).clamp_min(0.0);
    assert!(distance(&features, &expected) < 1e-10);
    assert!(distance(&logits, &(expected.matmul(&w4.tr()) + b4)) < 1e-10);
}

#[test]
fn dropout_affects_only_the_logits_in_training() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    let network = ClassifierNetwork::new(DIGITS);
    let weights = network.layout().weights(&network.layout().init(Device::Cpu));
    let images = Tensor::rand([2, 1, 28, 28], CPU);
    let (features, logits) = network.forward(&weights, &images, Mode::Eval);
    let (trained_features, trained_logits) = network.forward(&weights, &images, Mode::Train);
    assert!(features.equal(&trained_features));
    assert!(distance(&logits, &trained_logits) > 1e-3);
    let (_, again) = network.forward(&weights, &images, Mode::Eval);
    assert!(logits.equal(&again));
}

#[test]
fn batches_give_the_same_results_as_single_images() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    let network = ClassifierNetwork::new(DIGITS);
    let parameters = network.layout().init(Device::Cpu);
    let classifier = Classifier::new(network, &parameters).unwrap();
    // Two full chunks and a partial one.
    let images = Tensor::randint(256, [1003, 28, 28], BYTES);
    let (features, logits) = classifier.features_and_logits(&images).unwrap();
    assert_eq!(features.size(), [1003, 128]);
    assert!(!features.requires_grad() && features.kind() == Kind::Float);
    for at in [0, 499, 500, 1002] {
        let alone = images.narrow(0, at, 1).unsqueeze(1);
        let (f, l) = classifier.features_and_logits(&alone).unwrap();
        assert!(distance(&f, &features.narrow(0, at, 1)) < 1e-4, "{at}");
        assert!(distance(&l, &logits.narrow(0, at, 1)) < 1e-4, "{at}");
    }
    let (features, logits) =
        classifier.features_and_logits(&Tensor::zeros([0, 28, 28], BYTES)).unwrap();
    assert_eq!(features.size(), [0, 128]);
    assert_eq!(logits.size(), [0, 10]);
}

#[test]
fn rejects_a_buffer_of_other_weights() {
    for (excess, kind) in [(1, Kind::Float), (0, Kind::Double)] {
        let network = ClassifierNetwork::new(DIGITS);
        let numel = network.layout().numel();
        let buffer = Tensor::zeros([numel + excess], (kind, Device::Cpu));
        let error = Classifier::new(network, &buffer).unwrap_err();
        let ClassifierError::Weights(WeightsError::Buffer { expected, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(expected, numel);
    }
}

#[test]
fn rejects_images_of_another_size_or_kind() {
    let _rng = lock_rng();
    let network = ClassifierNetwork::new(DIGITS);
    let parameters = network.layout().init(Device::Cpu);
    let classifier = Classifier::new(network, &parameters).unwrap();
    for shape in [&[2, 32, 32][..], &[2, 1, 32, 32], &[2, 3, 28, 28], &[28, 28], &[]] {
        let error = classifier.features_and_logits(&Tensor::zeros(shape, BYTES)).unwrap_err();
        assert!(matches!(&error, ClassifierError::Shape { shape: s } if s == shape));
        assert!(error.to_string().contains(&format!("{shape:?}")), "{error}");
    }
    let error = classifier.features_and_logits(&Tensor::zeros([2, 28, 28], CPU)).unwrap_err();
    assert!(matches!(error, ClassifierError::Kind { kind: Kind::Float }));
}

#[test]
fn rejects_bytes_that_are_not_weights() {
    let error = Classifier::from_safetensors(b"no weights").unwrap_err();
    let ClassifierError::Weights(WeightsError::Malformed(_)) = error else {
        panic!("{error}");
    };
}
