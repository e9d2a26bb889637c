//! What every pair of networks must do.

use gan_models::dcgan::{DcganDiscriminator, DcganGenerator};
use gan_models::gaussian::{GaussianDiscriminator, GaussianGenerator};
use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::goodfellow::{GoodfellowDiscriminator, GoodfellowGenerator};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::oshea::{OsheaDiscriminator, OsheaGenerator, OsheaNorm};
use gan_models::{Discriminator, Generator, Latent, Layout, Mode};
use tch::{Device, Kind, Tensor};

use crate::{take_turns, values};

struct Pair {
    name: &'static str,
    g: Box<dyn Generator>,
    d: Box<dyn Discriminator>,
    side: i64,
    /// Least and greatest pixel.
    range: (f64, f64),
    /// Parameters of G and of D.
    numel: (i64, i64),
}

const UNIT: (f64, f64) = (0.0, 1.0);
const SYMMETRIC: (f64, f64) = (-1.0, 1.0);

fn pairs() -> Vec<Pair> {
    let pair = |name, g, d, side, range, numel| Pair {
        name,
        g,
        d,
        side,
        range,
        numel,
    };
    vec![
        pair(
            "golbin",
            Box::new(GolbinGenerator::new()),
            Box::new(GolbinDiscriminator::new()),
            28,
            UNIT,
            (128 * 256 + 256 + 256 * 784 + 784, 784 * 256 + 256 + 256 + 1),
        ),
        pair(
            "golbin-conditional",
            Box::new(GolbinGenerator::with_labels()),
            Box::new(GolbinDiscriminator::with_labels()),
            28,
            UNIT,
            (138 * 256 + 256 + 256 * 784 + 784, 794 * 256 + 256 + 256 + 1),
        ),
        pair(
            "modern",
            Box::new(ModernGenerator::new()),
            Box::new(ModernDiscriminator::new()),
            28,
            SYMMETRIC,
            (
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
        ),
        pair(
            "modern, conditional",
            Box::new(ModernGenerator::with_labels()),
            Box::new(ModernDiscriminator::with_labels()),
            28,
            SYMMETRIC,
            // The digit in the place of the group; ten answers beside the logit.
            (164_804, 146_849 + 10 * 16 * 128 + 10),
        ),
        // Both totals are printed in the original's notebook; by channels the
        // last two norms have 2·(100 + 50) parameters in place of 4·28.
        pair(
            "oshea",
            Box::new(OsheaGenerator::new(OsheaNorm::Columns)),
            Box::new(OsheaDiscriminator::new()),
            28,
            UNIT,
            (4_262_913, 9_707_266),
        ),
        pair(
            "oshea-channels",
            Box::new(OsheaGenerator::new(OsheaNorm::Channels)),
            Box::new(OsheaDiscriminator::new()),
            28,
            UNIT,
            (4_262_913 - 112 + 300, 9_707_266),
        ),
        pair(
            "goodfellow",
            Box::new(GoodfellowGenerator::new(Some(&[0.5; 784]))),
            Box::new(GoodfellowDiscriminator::new()),
            28,
            UNIT,
            (
                101 * 1200 + 1201 * 1200 + 1201 * 784,
                785 * 1200 + 241 * 1200 + 241,
            ),
        ),
        pair(
            "gaussian",
            Box::new(GaussianGenerator::new()),
            Box::new(GaussianDiscriminator::new()),
            1,
            (f64::NEG_INFINITY, f64::INFINITY),
            (4 + 4 + 4 + 1, 8 + 8 + 2 * (64 + 8) + 8 + 1),
        ),
        pair(
            "dcgan",
            Box::new(DcganGenerator::new()),
            Box::new(DcganDiscriminator::new()),
            32,
            SYMMETRIC,
            (
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
        ),
    ]
}

/// Digits for a batch, whether or not the network wants them.
fn digits(n: i64) -> Tensor {
    Tensor::arange(n, (Kind::Int64, Device::Cpu)).remainder(10)
}

#[test]
fn parameters_are_as_many_as_the_definition_has() {
    for Pair {
        name, g, d, numel, ..
    } in pairs()
    {
        assert_eq!(g.layout().numel(), numel.0, "G of {name}");
        assert_eq!(d.layout().numel(), numel.1, "D of {name}");
    }
}

#[test]
fn parameter_names_are_unique() {
    for Pair { name, g, d, .. } in pairs() {
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
fn shapes_kinds_and_ranges() {
    let _turn = take_turns();
    tch::manual_seed(1);
    for Pair {
        name,
        g,
        d,
        side,
        range,
        ..
    } in pairs()
    {
        let (n, g_flat, d_flat) = (
            5,
            g.layout().init(Device::Cpu),
            d.layout().init(Device::Cpu),
        );
        for kind in [Kind::Float, Kind::BFloat16] {
            let g_weights = g.layout().weights(&g_flat.to_kind(kind));
            let d_weights = d.layout().weights(&d_flat.to_kind(kind));
            for mode in [Mode::Train, Mode::Sample] {
                let z = g.latent().sample(n, Device::Cpu);
                assert_eq!(z.size(), [n, g.latent().size()]);
                assert_eq!(z.kind(), Kind::Float);
                let labels = digits(n);
                let images = g.forward(&g_weights, &z, Some(&labels), mode);
                assert_eq!(images.size(), [n, 1, side, side], "{name}");
                assert_eq!(images.kind(), kind, "{name}");
                // modern's overshoots a little at first; bytes are clamped.
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
fn every_parameter_matters() {
    let _turn = take_turns();
    tch::manual_seed(2);
    for Pair { name, g, d, .. } in pairs() {
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

/// `uses_batch_statistics` and `conditional` must tell the truth: callers split batches
/// and refuse presets by them.
#[test]
fn networks_say_whether_images_in_a_batch_influence_each_other() {
    let _turn = take_turns();
    tch::manual_seed(3);
    // In f64, so that rounding, which depends on the batch, stays small.
    let fresh = |layout: &Layout| layout.init(Device::Cpu).to_kind(Kind::Double);
    for Pair {
        name, g, d, side, ..
    } in pairs()
    {
        let (n, labels) = (6, digits(6));
        let g_weights = g.layout().weights(&fresh(g.layout()));
        let d_weights = d.layout().weights(&fresh(d.layout()));
        let z = match g.latent() {
            // The one of the toy depends on n.
            Latent::Even { .. } => Tensor::rand([n, 1], crate::DOUBLE),
            latent => latent.sample(n, Device::Cpu),
        };
        let half = n / 2;
        let (few_z, few_labels) = (z.narrow(0, 0, half), labels.narrow(0, 0, half));
        let mixes = |together: &Tensor, alone: &Tensor| {
            (together.narrow(0, 0, half) - alone)
                .abs()
                .max()
                .double_value(&[])
                > 1e-9
        };
        let all = g.forward(&g_weights, &z, Some(&labels), Mode::Sample);
        let few = g.forward(&g_weights, &few_z, Some(&few_labels), Mode::Sample);
        assert_eq!(mixes(&all, &few), g.uses_batch_statistics(), "G of {name}");

        let x = Tensor::rand([n, 1, side, side], crate::DOUBLE);
        let few_x = x.narrow(0, 0, half);
        let all = d.forward(&d_weights, &x, Some(&labels), Mode::Sample);
        let few = d.forward(&d_weights, &few_x, Some(&few_labels), Mode::Sample);
        assert_eq!(mixes(&all, &few), d.uses_batch_statistics(), "D of {name}");
    }
}

#[test]
fn networks_say_whether_labels_change_their_output() {
    let _turn = take_turns();
    tch::manual_seed(4);
    for Pair {
        name, g, d, side, ..
    } in pairs()
    {
        let g_weights = g.layout().weights(&g.layout().init(Device::Cpu));
        let d_weights = d.layout().weights(&d.layout().init(Device::Cpu));
        let (z, x) = (
            g.latent().sample(10, Device::Cpu),
            Tensor::rand([10, 1, side, side], crate::CPU),
        );
        let (these, those) = (digits(10), digits(10).flip(0));
        let forge = |labels| g.forward(&g_weights, &z, Some(labels), Mode::Sample);
        assert_eq!(
            !forge(&these).equal(&forge(&those)),
            g.conditional(),
            "{name}"
        );
        assert!(forge(&these).equal(&forge(&these)), "{name}");
        let discriminate = |labels| d.forward(&d_weights, &x, Some(labels), Mode::Sample);
        assert_eq!(
            !discriminate(&these).equal(&discriminate(&those)),
            d.conditional(),
            "{name}"
        );
        assert_eq!(g.conditional(), d.conditional(), "{name}");
    }
}

#[test]
#[should_panic(expected = "needs a label for each image")]
fn a_conditional_generator_refuses_to_guess_the_digit() {
    let _turn = take_turns();
    let g = GolbinGenerator::with_labels();
    let weights = g.layout().weights(&g.layout().init(Device::Cpu));
    let z = g.latent().sample(2, Device::Cpu);
    let _ = g.forward(&weights, &z, None, Mode::Sample);
}

#[test]
#[should_panic(expected = "Class values")]
fn a_digit_above_nine_is_refused() {
    let _turn = take_turns();
    let g = GolbinGenerator::with_labels();
    let weights = g.layout().weights(&g.layout().init(Device::Cpu));
    let z = g.latent().sample(1, Device::Cpu);
    let digit = Tensor::from_slice(&[10i64]);
    let _ = g.forward(&weights, &z, Some(&digit), Mode::Sample);
}
