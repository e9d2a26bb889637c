//! The graphs of both networks that training leaves in the run directory.

use gan_graph::Graph;
use gan_models::torchscript::evaluate;
use gan_models::{Calibration, Mode, PixelRange};
use gan_trainer::{Checkpointer, OnnxGraphs, RunGan, TrainConfig, calibration, train};
use run_dir::RunDir;
use tch::{Kind, Tensor, no_grad};

use crate::resuming::Until;
use crate::{RATES, four_bars, lock_generator, new_gan, settings, train_on_bars, with};

/// The largest absolute difference.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}

#[test]
fn a_run_leaves_both_networks_as_onnx_files() {
    let _generator = lock_generator();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("run");
    let settings = with(settings("modern"), &["images=48", "batch=16", "evaluate_every=0"]);
    let data = train_on_bars(24);
    let config =
        TrainConfig { seed: 3, ..TrainConfig::by_name(settings, "modern", &data).unwrap() };
    let mut checkpointer = Checkpointer::create(&root, "modern", &config, &data).unwrap();
    train(&config, &data, &mut checkpointer, &mut Until(usize::MAX)).unwrap();

    let run_dir = RunDir::open(&root).unwrap();
    let read = |path| Graph::from_onnx(&std::fs::read(path).unwrap()).unwrap();
    let generator = read(run_dir.generator_graph_path());
    let discriminator = read(run_dir.discriminator_graph_path());
    let RunGan { gan, state, .. } = RunGan::open(&run_dir).unwrap();
    assert_eq!(
        OnnxGraphs::new(&gan, "modern", 3, state.step).unwrap(),
        OnnxGraphs { generator: generator.clone(), discriminator: discriminator.clone() }
    );
    for (key, value) in [
        ("preset", "modern"),
        ("step", "3"),
        ("weights", "averaged"),
        ("pixel_range", "-1,1"),
        ("latent", r#"{"kind":"mixture","size":16,"clusters":10,"scale":2}"#),
    ] {
        assert_eq!(generator.metadata(key), Some(value));
    }
    assert_eq!(discriminator.metadata("weights"), Some("trained"));
    assert!(generator.metadata("license").is_some());
    assert_eq!(generator.metadata("normalization"), None);

    let latents = gan.latents(5);
    let images = evaluate(&generator, &[latents.copy()]).unwrap();
    let expected = gan.sampler().forward(&latents, &Tensor::zeros([5], (Kind::Int64, gan.device)));
    assert!(distance(&images, &expected.to_kind(Kind::Float)) < 1e-4);
    // Not those of the weights that were not averaged.
    let network = &gan.generator.network;
    let weights = network.layout().weights(&gan.generator.parameters);
    let current = network.forward(&weights, &latents, None, Mode::Eval);
    assert!(distance(&images, &current) > 1e-4);
}

#[test]
fn the_graph_of_d_has_its_normalized_weights() {
    let _generator = lock_generator();
    tch::manual_seed(5);
    let settings = with(settings("golbin"), &["spectral_norm=true", "r1=0", "r2=0"]);
    let mut gan = new_gan("golbin", &settings);
    let batch = four_bars(PixelRange::Unit);
    gan.step(&batch, RATES, false);
    let graphs = OnnxGraphs::new(&gan, "golbin", 1, 1).unwrap();
    let found = evaluate(&graphs.discriminator, &[batch.images.copy()]).unwrap();
    assert!(distance(&found, &gan.logits(&batch.images, &batch.labels)) < 1e-4);
    let layout = gan.discriminator.network.layout();
    let raw = layout.weights(&gan.discriminator.parameters);
    let raw = gan.discriminator.network.forward(&raw, &batch.images, None, Mode::Eval);
    assert!(distance(&found, &raw) > 1e-2);
}

#[test]
fn batch_statistics_are_those_of_seeded_samples_and_the_metadata_says_so() {
    let _generator = lock_generator();
    let gan = new_gan("dcgan", &settings("dcgan"));
    let graphs = OnnxGraphs::new(&gan, "dcgan", 7, 0).unwrap();
    assert_eq!(graphs, OnnxGraphs::new(&gan, "dcgan", 7, 0).unwrap());
    assert_ne!(graphs, OnnxGraphs::new(&gan, "dcgan", 8, 0).unwrap());
    for graph in [&graphs.generator, &graphs.discriminator] {
        assert!(graph.metadata("normalization").unwrap().contains("1000 samples"));
    }
    // On the samples themselves, fixed statistics give what batch statistics give.
    let (latents, labels) = calibration(&gan, 7);
    let sampler = gan.sampler();
    let images = sampler.forward(&latents, &labels);
    assert!(distance(&evaluate(&graphs.generator, &[latents.copy()]).unwrap(), &images) < 1e-4);
    let logits = gan.logits(&images, &labels);
    assert!(distance(&evaluate(&graphs.discriminator, &[images.copy()]).unwrap(), &logits) < 1e-3);
    // Other statistics give other images.
    let few = Calibration { input: &latents.narrow(0, 0, 2), labels: None };
    let weights = gan.generator.network.layout().weights(&gan.generator.parameters);
    let other = no_grad(|| gan.generator.network.to_graph(&weights, Some(few))).unwrap();
    assert!(distance(&evaluate(&other, &[latents]).unwrap(), &images) > 1e-3);
}
