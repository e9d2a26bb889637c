//! Networks and their parts, each against an oracle.

#![allow(clippy::unwrap_used, clippy::panic)]

use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::layers::{channels_last, leaky_relu};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::{Discriminator, Generator, Init, Layout, Mode, PixelRange};
use tch::{Device, Kind, Tensor};

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

struct Pair {
    name: &'static str,
    g: Box<dyn Generator>,
    d: Box<dyn Discriminator>,
    range: PixelRange,
}

fn pairs() -> [Pair; 2] {
    [
        Pair {
            name: "golbin",
            g: Box::new(GolbinGenerator::new()),
            d: Box::new(GolbinDiscriminator::new()),
            range: PixelRange::Unit,
        },
        Pair {
            name: "modern",
            g: Box::new(ModernGenerator::new()),
            d: Box::new(ModernDiscriminator::new()),
            range: PixelRange::Symmetric,
        },
    ]
}

#[test]
fn golbin_has_its_authors_parameters() {
    let (g, d) = (GolbinGenerator::new(), GolbinDiscriminator::new());
    // 128→256→784 and 784→256→1, weights and biases.
    assert_eq!(g.layout().numel(), 128 * 256 + 256 + 256 * 784 + 784);
    assert_eq!(d.layout().numel(), 784 * 256 + 256 + 256 + 1);
    for layout in [g.layout(), d.layout()] {
        for param in layout.params() {
            let expected = if param.name.ends_with("bias") {
                Init::Constant(0.0)
            } else {
                Init::Normal { std: 0.01 }
            };
            assert_eq!(param.init, expected, "{}", param.name);
        }
    }
}

#[test]
fn shapes_and_ranges() {
    tch::manual_seed(1);
    for Pair { name, g, d, range } in pairs() {
        for kind in [Kind::Float, Kind::BFloat16] {
            let g_flat = g.layout().init(Device::Cpu).to_kind(kind);
            let d_flat = d.layout().init(Device::Cpu).to_kind(kind);
            let z = g.latent().sample(5, Device::Cpu);
            assert_eq!(z.size(), [5, g.latent().size()]);
            let images = g.forward(&g.layout().weights(&g_flat), &z, None, Mode::Sample);
            assert_eq!(images.size(), [5, 1, 28, 28], "{name}");
            assert_eq!(images.kind(), kind, "{name}");
            let (low, high) = match range {
                PixelRange::Unit => (0.0, 1.0),
                PixelRange::Symmetric => (-1.0, 1.0),
            };
            // A generator may overshoot its range a little at first; bytes are
            // clamped.
            let inside = |x: &f64| (low - 0.5..=high + 0.5).contains(x);
            assert!(values(&images).iter().all(inside), "{name}");
            let logits = d.forward(&d.layout().weights(&d_flat), &images, None, Mode::Sample);
            assert_eq!(logits.size(), [5], "{name}");
            assert_eq!(logits.kind(), kind, "{name}");
        }
    }
}

#[test]
fn every_parameter_matters() {
    tch::manual_seed(2);
    for Pair { name, g, d, .. } in pairs() {
        let g_weights = g
            .layout()
            .leaves(&g.layout().init(Device::Cpu), Kind::Float);
        let d_weights = d
            .layout()
            .leaves(&d.layout().init(Device::Cpu), Kind::Float);
        let z = g.latent().sample(16, Device::Cpu);
        let images = g.forward(&g_weights, &z, None, Mode::Train);
        let logits = d.forward(&d_weights, &images, None, Mode::Train);
        let loss = (&logits * &logits).sum(Kind::Float);
        for (layout, weights) in [(g.layout(), &g_weights), (d.layout(), &d_weights)] {
            let gradients = Tensor::run_backward(&[&loss], weights.tensors(), true, false);
            for (param, gradient) in layout.params().iter().zip(&gradients) {
                let reach = gradient.abs().max().double_value(&[]);
                assert!(reach > 0.0, "{name} {} has no gradient", param.name);
            }
        }
    }
}

#[test]
fn starting_values_follow_their_distribution() {
    tch::manual_seed(3);
    let mut layout = Layout::new();
    let bound = 0.3;
    layout.add("constant", &[7], Init::Constant(2.5));
    layout.add("normal", &[200, 200], Init::Normal { std: 0.02 });
    layout.add("uniform", &[200, 200], Init::Uniform { bound });
    let flat = layout.init(Device::Cpu);
    let weights = layout.weights(&flat);
    let [constant, normal, uniform] = weights.tensors() else {
        panic!("three parameters");
    };
    assert_eq!(values(constant), [2.5; 7]);
    let std = |x: &Tensor| x.std(true).double_value(&[]);
    assert!((std(normal) - 0.02).abs() < 0.0005);
    // The standard deviation of a uniform distribution is its width / √12.
    assert!((std(uniform) - 2.0 * bound / 12f64.sqrt()).abs() < 0.003);
    assert!(values(uniform).iter().all(|x| x.abs() <= bound));
}

#[test]
fn named_initializations_are_their_formulas() {
    assert_eq!(Init::glorot_uniform(2, 4), Init::Uniform { bound: 1.0 });
    let Init::Normal { std } = Init::he_normal(8, 2f64.sqrt()) else {
        panic!("normal");
    };
    assert!((std - 0.5).abs() < 1e-12);
}

/// Gradients gathered into the flat buffer must lie where the parameter's own
/// values lie, kernels included, or the optimizer moves the wrong weights.
#[test]
fn gathered_gradients_lie_where_the_values_lie() {
    let mut layout = Layout::new();
    layout.add("dense", &[2, 3], Init::Constant(0.0));
    layout.add("kernel", &[2, 3, 4, 5], Init::Constant(0.0));
    layout.add("untouched", &[2], Init::Constant(0.0));
    let flat = Tensor::arange(layout.numel(), CPU);
    let leaves = layout.leaves(&flat, Kind::Float);
    let (dense, kernel) = (&leaves.tensors()[0], &leaves.tensors()[1]);
    // d/dx of Σ x²/2 is x itself.
    let loss = ((dense * dense).sum(Kind::Float) + (kernel * kernel).sum(Kind::Float)) / 2.0;
    let mut gradients = Tensor::run_backward(&[loss], &[dense, kernel], false, false);
    gradients.push(Tensor::new());
    let gathered = values(&layout.gather(&gradients, Device::Cpu));
    let mut expected = values(&flat);
    let n = expected.len();
    expected[n - 2..].fill(0.0);
    assert_eq!(gathered, expected);
}

#[test]
fn kernels_are_channels_last_in_memory() {
    let mut layout = Layout::new();
    layout.add("kernel", &[2, 3, 4, 5], Init::Constant(0.0));
    let weights = layout.weights(&layout.init(Device::Cpu));
    assert_eq!(weights.tensors()[0].stride(), [60, 1, 15, 3]);
    let x = channels_last(&Tensor::zeros([2, 3, 4, 5], CPU));
    assert_eq!(x.size(), [2, 3, 4, 5]);
    assert_eq!(x.stride(), [60, 1, 15, 3]);
}

#[test]
fn leaky_relu_is_its_formula_with_its_gradient_and_bends_nowhere_else() {
    let x = Tensor::from_slice(&[-3.0f32, -0.5, 0.5, 4.0]).set_requires_grad(true);
    let y = leaky_relu(&x, 0.25);
    assert_eq!(values(&y), [-0.75, -0.125, 0.5, 4.0]);
    // Σ y² has the gradient 2·y·slope, and that once more 2·slope².
    let first = Tensor::run_backward(&[(&y * &y).sum(Kind::Float)], &[&x], true, true);
    assert_eq!(values(&first[0]), [-0.375, -0.0625, 1.0, 8.0]);
    let second = Tensor::run_backward(&[first[0].sum(Kind::Float)], &[&x], false, false);
    assert_eq!(values(&second[0]), [0.125, 0.125, 2.0, 2.0]);
}

#[test]
fn bytes_survive_the_way_into_a_network_and_back() {
    let bytes = Tensor::arange(256, (Kind::Uint8, Device::Cpu));
    for range in [PixelRange::Unit, PixelRange::Symmetric] {
        for kind in [Kind::Float, Kind::Double] {
            let back = range.to_bytes(&range.from_bytes(&bytes, kind));
            assert!(back.equal(&bytes), "{range:?} {kind:?}");
        }
    }
}

#[test]
fn values_outside_the_range_are_clamped_and_nan_is_background() {
    let wild = Tensor::from_slice(&[-7.0f32, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    for range in [PixelRange::Unit, PixelRange::Symmetric] {
        assert_eq!(values(&range.to_bytes(&wild)), [0., 255., 0., 255., 0.]);
    }
}
