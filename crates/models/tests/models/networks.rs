//! Requirements on every built-in network.

use gan_models::{
    DIGITS, LatentDistribution, Mode, Networks, ParamLayout, PixelRange, by_name, golbin,
    network_names,
};
use tch::{Device, Kind, Tensor};

use crate::{lock_rng, values};

/// The number of parameters of G and of D by the definition.
fn expected_numel(name: &str) -> (i64, i64) {
    match name {
        "golbin" => (128 * 256 + 256 + 256 * 784 + 784, 784 * 256 + 256 + 256 + 1),
        "golbin-conditional" => (138 * 256 + 256 + 256 * 784 + 784, 794 * 256 + 256 + 256 + 1),
        "modern" => (
            (16 + 10 + 1) * 49 * 64
                + (64 * 64 * 9 + 64)
                + (64 * 32 * 16 + 32)
                + (32 * 32 * 9 + 32)
                + (32 * 4 * 9 + 4),
            (4 * 32 * 9 + 32)
                + (32 * 64 * 16 + 64)
                + (64 * 64 * 9 + 64)
                + (64 * 128 * 9 + 128)
                + 16 * 128
                + 1,
        ),
        // The digit in place of the cluster; ten further outputs of D.
        "modern-conditional" => (164_804, 146_849 + 10 * 16 * 128 + 10),
        // The published notebook prints both totals. With norms over channels the
        // last two have 2·(100 + 50) parameters in place of 4·28.
        "oshea" => (4_262_913, 9_707_266),
        "oshea-channels" => (4_262_913 - 112 + 300, 9_707_266),
        "goodfellow" => (101 * 1200 + 1201 * 1200 + 1201 * 784, 785 * 1200 + 241 * 1200 + 241),
        "gaussian" => (4 + 4 + 4 + 1, 8 + 8 + 2 * (64 + 8) + 8 + 1),
        "dcgan" => (
            101 * 8192
                + 256
                + (128 * 128 * 9 + 128 + 256)
                + (128 * 64 * 9 + 64 + 128)
                + (64 * 9 + 1),
            (9 + 1) * 16
                + (16 * 32 * 9 + 3 * 32)
                + (32 * 64 * 9 + 3 * 64)
                + (64 * 128 * 9 + 3 * 128)
                + 512
                + 1,
        ),
        _ => panic!("add the number of parameters of {name}"),
    }
}

/// Every network with its name.
fn all() -> impl Iterator<Item = (&'static str, Networks)> {
    network_names().map(|name| (name, by_name(name, DIGITS, Some(&[0.5; 784])).unwrap()))
}

/// Labels for a batch; unconditional networks ignore them.
fn digits(n: i64) -> Tensor {
    Tensor::arange(n, (Kind::Int64, Device::Cpu)).remainder(10)
}

#[test]
fn numbers_of_parameters_match_the_definitions() {
    for (name, networks) in all() {
        let (g, d) = (networks.generator.layout(), networks.discriminator.layout());
        assert_eq!((g.numel(), d.numel()), expected_numel(name), "{name}");
    }
}

#[test]
fn parameter_names_are_unique() {
    for (name, networks) in all() {
        let Networks { generator: g, discriminator: d } = networks;
        for layout in [g.layout(), d.layout()] {
            let mut names: Vec<&str> = layout.params().iter().map(|p| p.name.as_str()).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{name}");
        }
    }
}

#[test]
fn outputs_have_the_declared_shape_kind_and_range() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    for (name, networks) in all() {
        let Networks { generator: g, discriminator: d } = networks;
        let side = match name {
            "gaussian" => 1,
            "dcgan" => 32,
            _ => 28,
        };
        assert_eq!(g.image_side(), side, "{name}");
        let range = match name {
            "gaussian" => (f64::NEG_INFINITY, f64::INFINITY),
            "dcgan" | "modern" | "modern-conditional" => {
                assert_eq!(g.pixel_range(), PixelRange::Symmetric, "{name}");
                (-1.0, 1.0)
            }
            _ => {
                assert_eq!(g.pixel_range(), PixelRange::Unit, "{name}");
                (0.0, 1.0)
            }
        };
        let (n, g_flat, d_flat) = (5, g.layout().init(Device::Cpu), d.layout().init(Device::Cpu));
        for kind in [Kind::Float, Kind::BFloat16] {
            let g_weights = g.layout().weights(&g_flat.to_kind(kind));
            let d_weights = d.layout().weights(&d_flat.to_kind(kind));
            for mode in [Mode::Train, Mode::Eval] {
                let z = g.latent().sample(n, Device::Cpu);
                assert_eq!(z.size(), [n, g.latent().dim()]);
                assert_eq!(z.kind(), Kind::Float);
                let labels = digits(n);
                let images = g.forward(&g_weights, &z, Some(&labels), mode);
                assert_eq!(images.size(), [n, 1, side, side], "{name}");
                assert_eq!(images.kind(), kind, "{name}");
                // The initial modern overshoots a little; bytes are clamped.
                let beyond = if name.starts_with("modern") { 1.0 } else { 0.0 };
                let inside = |x: &f64| (range.0 - beyond..=range.1 + beyond).contains(x);
                assert!(values(&images).iter().all(inside), "{name}");
                let logits = d.forward(&d_weights, &images, Some(&labels), mode);
                assert_eq!(logits.size(), [n], "{name}");
                assert_eq!(logits.kind(), kind, "{name}");
                assert!(values(&logits).iter().all(|x| x.is_finite()), "{name}");
            }
        }
    }
}

#[test]
fn every_parameter_has_a_gradient() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    for (name, networks) in all() {
        let Networks { generator: g, discriminator: d } = networks;
        for kind in [Kind::Float, Kind::BFloat16] {
            let g_weights = g.layout().leaves(&g.layout().init(Device::Cpu), kind);
            let d_weights = d.layout().leaves(&d.layout().init(Device::Cpu), kind);
            let (z, labels) = (g.latent().sample(8, Device::Cpu), digits(8));
            let images = g.forward(&g_weights, &z, Some(&labels), Mode::Train);
            let logits = d.forward(&d_weights, &images, Some(&labels), Mode::Train);
            let logits = logits.to_kind(Kind::Float);
            let loss = (&logits * &logits).sum(Kind::Float) + logits.sum(Kind::Float);
            let both = [g_weights.tensors(), d_weights.tensors()];
            let leaves: Vec<&Tensor> = both.into_iter().flatten().collect();
            let gradients = Tensor::run_backward(&[&loss], &leaves, false, false);
            let params = [g.layout().params(), d.layout().params()];
            for (param, gradient) in params.into_iter().flatten().zip(&gradients) {
                let reach = gradient.abs().max().double_value(&[]);
                assert!(reach > 0.0, "{name} {} has no gradient", param.name);
                assert!(reach.is_finite(), "{name} {}", param.name);
            }
        }
    }
}

/// The trainer splits batches if this is false.
#[test]
fn uses_batch_statistics_is_true_exactly_if_images_influence_each_other() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    // f64: rounding errors depend on the batch and must stay small.
    let fresh = |layout: &ParamLayout| layout.init(Device::Cpu).to_kind(Kind::Double);
    for (name, networks) in all() {
        let Networks { generator: g, discriminator: d } = networks;
        let side = g.image_side();
        let (n, labels) = (6, digits(6));
        let g_weights = g.layout().weights(&fresh(g.layout()));
        let d_weights = d.layout().weights(&fresh(d.layout()));
        let z = match g.latent() {
            // Evenly spaced latents depend on n.
            LatentDistribution::EvenlySpaced { .. } => Tensor::rand([n, 1], crate::DOUBLE),
            latent => latent.sample(n, Device::Cpu),
        };
        let half = n / 2;
        let (few_z, few_labels) = (z.narrow(0, 0, half), labels.narrow(0, 0, half));
        let mixes = |together: &Tensor, alone: &Tensor| {
            (together.narrow(0, 0, half) - alone).abs().max().double_value(&[]) > 1e-9
        };
        let all = g.forward(&g_weights, &z, Some(&labels), Mode::Eval);
        let few = g.forward(&g_weights, &few_z, Some(&few_labels), Mode::Eval);
        assert_eq!(mixes(&all, &few), g.uses_batch_statistics(), "G of {name}");

        let x = Tensor::rand([n, 1, side, side], crate::DOUBLE);
        let few_x = x.narrow(0, 0, half);
        let all = d.forward(&d_weights, &x, Some(&labels), Mode::Eval);
        let few = d.forward(&d_weights, &few_x, Some(&few_labels), Mode::Eval);
        assert_eq!(mixes(&all, &few), d.uses_batch_statistics(), "D of {name}");
    }
}

#[test]
fn conditional_is_true_exactly_if_labels_change_the_output() {
    let _rng = lock_rng();
    tch::manual_seed(4);
    for (name, networks) in all() {
        let Networks { generator: g, discriminator: d } = networks;
        let side = g.image_side();
        let g_weights = g.layout().weights(&g.layout().init(Device::Cpu));
        let d_weights = d.layout().weights(&d.layout().init(Device::Cpu));
        let (z, x) =
            (g.latent().sample(10, Device::Cpu), Tensor::rand([10, 1, side, side], crate::CPU));
        let (these, those) = (digits(10), digits(10).flip(0));
        let generate = |labels| g.forward(&g_weights, &z, Some(labels), Mode::Eval);
        assert_eq!(!generate(&these).equal(&generate(&those)), g.conditional(), "{name}");
        assert!(generate(&these).equal(&generate(&these)), "{name}");
        let discriminate = |labels| d.forward(&d_weights, &x, Some(labels), Mode::Eval);
        assert_eq!(!discriminate(&these).equal(&discriminate(&those)), d.conditional(), "{name}");
        assert_eq!(g.conditional(), d.conditional(), "{name}");
    }
}

#[test]
fn conditional_networks_have_an_input_for_each_class() {
    let _rng = lock_rng();
    for classes in [1, 26, 62, 256] {
        for name in ["modern-conditional", "golbin-conditional"] {
            let Networks { generator: g, discriminator: d } = by_name(name, classes, None).unwrap();
            assert_eq!((g.classes(), d.classes()), (Some(classes), Some(classes)), "{name}");
            let [g_weights, d_weights] =
                [g.layout(), d.layout()].map(|l| l.weights(&l.init(Device::Cpu)));
            let labels = Tensor::from_slice(&[classes - 1, 0]);
            let z = g.latent().sample(2, Device::Cpu);
            let images = g.forward(&g_weights, &z, Some(&labels), Mode::Eval);
            let logits = d.forward(&d_weights, &images, Some(&labels), Mode::Eval);
            assert_eq!(logits.size(), [2], "{name} with {classes} classes");
        }
    }
    for name in ["modern", "golbin"] {
        let Networks { generator: g, discriminator: d } = by_name(name, 26, None).unwrap();
        assert_eq!((g.classes(), d.classes()), (None, None), "{name}");
    }
}

#[test]
#[should_panic(expected = "needs a label for each image")]
fn conditional_generator_panics_without_labels() {
    let _rng = lock_rng();
    let g = golbin::conditional(DIGITS).generator;
    let weights = g.layout().weights(&g.layout().init(Device::Cpu));
    let z = g.latent().sample(2, Device::Cpu);
    let _ = g.forward(&weights, &z, None, Mode::Eval);
}

#[test]
#[should_panic(expected = "Class values")]
fn conditional_generator_panics_at_a_label_above_nine() {
    let _rng = lock_rng();
    let g = golbin::conditional(DIGITS).generator;
    let weights = g.layout().weights(&g.layout().init(Device::Cpu));
    let z = g.latent().sample(1, Device::Cpu);
    let digit = Tensor::from_slice(&[10i64]);
    let _ = g.forward(&weights, &z, Some(&digit), Mode::Eval);
}

#[test]
fn only_networks_without_batch_statistics_and_dropout_are_shardable() {
    let data_parallel = |(_, networks): &(&str, Networks)| {
        networks.generator.data_parallel() && networks.discriminator.data_parallel()
    };
    let names: Vec<&str> = all().filter(data_parallel).map(|(name, _)| name).collect();
    assert_eq!(names, ["modern", "modern-conditional"]);
}

#[test]
fn unknown_names_give_no_networks() {
    assert!(by_name("moden", DIGITS, None).is_none());
}
