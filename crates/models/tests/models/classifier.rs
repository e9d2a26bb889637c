//! The classifier: its network against plain operations, its shipped weights against
//! MNIST's test images and against a computation without libtorch.

use std::path::{Path, PathBuf};

use gan_models::classifier::SHA256;
use gan_models::{Classifier, ClassifierError, ClassifierNetwork, Mode, WeightsError};
use mnist_io::{Dataset, Split, known};
use tch::{Device, Kind, Tensor};

use crate::{CPU, DOUBLE, distance, take_turns, values};

const BYTES: (Kind, Device) = (Kind::Uint8, Device::Cpu);

/// MNIST's test split from where `cargo xtask fetch` puts it, or from the folder
/// that the variable `MNIST` names.
fn test_images() -> Dataset {
    let dir = std::env::var_os("MNIST").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/mnist"),
        PathBuf::from,
    );
    let test = Dataset::open(&dir, Split::Test)
        .unwrap_or_else(|e| panic!("{e}; `cargo xtask fetch` puts MNIST there"));
    // Other images would make other numbers, whatever the classifier is worth.
    assert_eq!(test.images_sha256(), known::MNIST.files[2].sha256);
    test
}

fn tensor(images: &mnist_io::Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, 28, 28])
}

#[test]
fn the_shipped_weights_are_those_that_are_stated() {
    let classifier = Classifier::trained().unwrap();
    let file = include_bytes!("../../weights/classifier.safetensors");
    assert_eq!(mnist_io::sha256_hex(file), SHA256);
    assert_eq!(classifier.to_safetensors().unwrap(), file);
    let readme = include_str!("../../weights/README.md");
    assert!(readme.contains(SHA256));
}

#[test]
fn the_shipped_judge_knows_992_of_1000_test_images() {
    let test = test_images();
    let (features, logits) = Classifier::trained()
        .unwrap()
        .features_and_logits(&tensor(test.images()))
        .unwrap();
    assert_eq!(features.size(), [10_000, 128]);
    assert_eq!(logits.size(), [10_000, 10]);
    let labels = Tensor::from_slice(test.labels()).to_kind(Kind::Int64);
    let right = logits.argmax(1, false).eq_tensor(&labels);
    let right = right.sum(Kind::Int64).int64_value(&[]);
    assert!(right >= 9_920, "{right} of 10,000");
}

/// `oracle/classifier.py` says how the stored values were made.
#[test]
fn the_shipped_judge_sees_what_a_computation_without_libtorch_sees() {
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
        let seen = [values(&features), values(&logits)].concat();
        assert_eq!(seen.len(), stored.len());
        for (i, (seen, stored)) in seen.iter().zip(&stored).enumerate() {
            let tolerance = 1e-4 * stored.abs().max(0.1);
            assert!(
                (seen - stored).abs() < tolerance,
                "image {name}, value {i}: {seen}, stored {stored}"
            );
        }
        lines += 1;
    }
    assert_eq!(lines, 4);
}

#[test]
fn the_network_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(1);
    let network = ClassifierNetwork::new();
    let layout = network.layout();
    assert_eq!(
        layout.numel(),
        (25 + 1) * 32 + (25 * 32 + 1) * 64 + (7 * 7 * 64 + 1) * 128 + (128 + 1) * 10
    );
    let flat = layout.init(Device::Cpu).to_kind(Kind::Double);
    // Biases start at 0, which would hide that one is left out.
    let flat = &flat + Tensor::randn([layout.numel()], DOUBLE) * 0.01;
    let weights = layout.weights(&flat);
    let images = Tensor::rand([3, 1, 28, 28], DOUBLE);
    let (features, logits) = network.forward(&weights, &images, Mode::Sample);
    assert_eq!(features.size(), [3, 128]);
    assert_eq!(logits.size(), [3, 10]);

    let [w1, b1, w2, b2, w3, b3, w4, b4] = weights.tensors() else {
        panic!("eight parameters");
    };
    // 25 shifted copies of the image, each times its tap.
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
fn dropout_touches_the_logits_in_training_and_never_the_features() {
    let _turn = take_turns();
    tch::manual_seed(2);
    let network = ClassifierNetwork::new();
    let weights = network
        .layout()
        .weights(&network.layout().init(Device::Cpu));
    let images = Tensor::rand([2, 1, 28, 28], CPU);
    let (features, logits) = network.forward(&weights, &images, Mode::Sample);
    let (trained_features, trained_logits) = network.forward(&weights, &images, Mode::Train);
    assert!(features.equal(&trained_features));
    assert!(distance(&logits, &trained_logits) > 1e-3);
    let (_, again) = network.forward(&weights, &images, Mode::Sample);
    assert!(logits.equal(&again));
}

#[test]
fn many_images_are_judged_as_each_would_be_alone() {
    let _turn = take_turns();
    tch::manual_seed(3);
    let network = ClassifierNetwork::new();
    let parameters = network.layout().init(Device::Cpu);
    let classifier = Classifier::new(network, &parameters).unwrap();
    // More than go through the network at a time, and a rest.
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
    let (features, logits) = classifier
        .features_and_logits(&Tensor::zeros([0, 28, 28], BYTES))
        .unwrap();
    assert_eq!(features.size(), [0, 128]);
    assert_eq!(logits.size(), [0, 10]);
}

#[test]
fn a_buffer_of_other_weights_is_refused() {
    for (wrong, kind) in [(1, Kind::Float), (0, Kind::Double)] {
        let network = ClassifierNetwork::new();
        let wanted = network.layout().numel();
        let buffer = Tensor::zeros([wanted + wrong], (kind, Device::Cpu));
        let error = Classifier::new(network, &buffer).unwrap_err();
        let ClassifierError::Weights(WeightsError::Buffer { wanted: told, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(told, wanted);
    }
}

#[test]
fn images_of_another_size_or_kind_are_refused() {
    let _turn = take_turns();
    let network = ClassifierNetwork::new();
    let parameters = network.layout().init(Device::Cpu);
    let classifier = Classifier::new(network, &parameters).unwrap();
    for shape in [
        &[2, 32, 32][..],
        &[2, 1, 32, 32],
        &[2, 3, 28, 28],
        &[28, 28],
        &[],
    ] {
        let error = classifier
            .features_and_logits(&Tensor::zeros(shape, BYTES))
            .unwrap_err();
        assert!(matches!(&error, ClassifierError::Shape { shape: s } if s == shape));
        assert!(error.to_string().contains(&format!("{shape:?}")), "{error}");
    }
    let error = classifier
        .features_and_logits(&Tensor::zeros([2, 28, 28], CPU))
        .unwrap_err();
    assert!(matches!(error, ClassifierError::Kind { kind: Kind::Float }));
}

#[test]
fn weights_of_another_network_make_no_judge() {
    let error = Classifier::from_safetensors(b"no weights").unwrap_err();
    let ClassifierError::Weights(WeightsError::Malformed(_)) = error else {
        panic!("{error}");
    };
}
