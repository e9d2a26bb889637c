//! Each network against its definition: the layers one by one in f64, in plain
//! operations and the original's order.

use gan_models::dcgan::{DcganDiscriminator, DcganGenerator};
use gan_models::gaussian::{GaussianDiscriminator, GaussianGenerator};
use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::goodfellow::{GoodfellowDiscriminator, GoodfellowGenerator};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::oshea::{OsheaDiscriminator, OsheaGenerator, OsheaNorm};
use gan_models::{Discriminator, Generator, Layout, Mode, Weights};
use tch::{Device, Kind, Tensor};

use crate::{DOUBLE, distance, named, take_turns, values};

/// A network's weights, every one of them other than it starts.
struct Network<'a> {
    layout: &'a Layout,
    weights: Weights,
}

impl Network<'_> {
    /// Small enough that nothing saturates.
    fn random(layout: &Layout) -> Network<'_> {
        let flat = Tensor::randn([layout.numel()], DOUBLE) * 0.05;
        let weights = layout.leaves(&flat, Kind::Double);
        Network { layout, weights }
    }

    fn get(&self, name: &str) -> &Tensor {
        named(self.layout, &self.weights, name)
    }

    fn affine(&self, layer: &str) -> (&Tensor, Option<&Tensor>) {
        let weight = self.get(&format!("{layer}.weight"));
        (weight, Some(self.get(&format!("{layer}.bias"))))
    }

    fn dense(&self, layer: &str, x: &Tensor) -> Tensor {
        let (weight, bias) = self.affine(layer);
        x.linear(weight, bias)
    }

    fn conv(&self, layer: &str, x: &Tensor, (stride, padding): (i64, i64)) -> Tensor {
        let (weight, bias) = self.affine(layer);
        x.conv2d(weight, bias, stride, padding, 1, 1)
    }

    /// `γ (x - mean) / √(variance + ε) + β` over the channels of `[n, c, h, w]`.
    fn norm(&self, layer: &str, x: &Tensor, epsilon: f64) -> Tensor {
        let mean_of = |x: &Tensor| x.mean_dim([0i64, 2, 3].as_slice(), true, Kind::Double);
        let centered = x - mean_of(x);
        let variance = mean_of(&(&centered * &centered));
        let of_channels = |name| self.get(&format!("{layer}.{name}")).view([1, -1, 1, 1]);
        centered / (variance + epsilon).sqrt() * of_channels("gamma") + of_channels("beta")
    }
}

fn double_weights(layout: &Layout) -> Weights {
    layout.leaves(&layout.init(Device::Cpu), Kind::Double)
}

fn leaky(x: &Tensor) -> Tensor {
    x.maximum(&(x * 0.2))
}

/// Every pixel four times.
fn twice(x: &Tensor) -> Tensor {
    let rows = x.repeat_interleave_self_int(2, 2, None);
    rows.repeat_interleave_self_int(2, 3, None)
}

/// `[n, 1, 28, 28]` → `[n, 4, 14, 14]`: each 2×2 block row by row in the channels.
fn blocks(x: &Tensor) -> Tensor {
    let x = x.view([-1, 14, 2, 14, 2]).permute([0, 2, 4, 1, 3]);
    x.reshape([-1, 4, 14, 14])
}

/// What [`blocks`] undoes.
fn pixels(x: &Tensor) -> Tensor {
    let x = x.view([-1, 2, 2, 14, 14]).permute([0, 3, 1, 4, 2]);
    x.reshape([-1, 1, 28, 28])
}

/// Digits 3, 0 and 9, and their rows.
fn three_digits() -> (Tensor, Tensor) {
    let rows = Tensor::zeros([3, 10], DOUBLE);
    for (row, digit) in [(0, 3), (1, 0), (2, 9)] {
        let _ = rows.narrow(0, row, 1).narrow(1, digit, 1).fill_(1.0);
    }
    (Tensor::from_slice(&[3i64, 0, 9]), rows)
}

#[test]
fn golbin_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(5);
    let (labels, rows) = three_digits();
    for (g, d) in [
        (GolbinGenerator::new(), GolbinDiscriminator::new()),
        (
            GolbinGenerator::with_labels(),
            GolbinDiscriminator::with_labels(),
        ),
    ] {
        let joined = |x: &Tensor| match g.conditional() {
            true => Tensor::cat(&[x, &rows], 1),
            false => x.shallow_clone(),
        };
        let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
        let z = Tensor::randn([3, 128], DOUBLE);
        let x = gn.dense("hidden", &joined(&z)).relu();
        let x = gn.dense("output", &x).sigmoid();
        let images = g.forward(&gn.weights, &z, Some(&labels), Mode::Train);
        assert!(distance(&images, &x.view([3, 1, 28, 28])) < 1e-10);
        let x = dn.dense("hidden", &joined(&images.view([3, 784]))).relu();
        let logits = d.forward(&dn.weights, &images, Some(&labels), Mode::Train);
        assert!(distance(&logits, &dn.dense("output", &x).view([3])) < 1e-10);
    }
}

#[test]
fn goodfellow_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(6);
    let (g, d) = (
        GoodfellowGenerator::new(None),
        GoodfellowDiscriminator::new(),
    );
    let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
    let z = Tensor::randn([3, 100], DOUBLE);
    let x = gn.dense("hidden1", &z).relu();
    let x = gn.dense("hidden2", &x).relu();
    let x = gn.dense("output", &x).sigmoid();
    let images = g.forward(&gn.weights, &z, None, Mode::Train);
    assert!(distance(&images, &x.view([3, 1, 28, 28])) < 1e-10);
    let maxout = |layer: &str, x: &Tensor| dn.dense(layer, x).view([3, 240, 5]).amax(2, false);
    let x = maxout("hidden2", &maxout("hidden1", &x));
    let logits = d.forward(&dn.weights, &images, None, Mode::Sample);
    assert!(distance(&logits, &dn.dense("output", &x).view([3])) < 1e-10);
}

/// Of two pixels, 1 and 2, that reach the logit by one unit of each layer.
#[test]
fn goodfellow_drops_a_fifth_of_the_pixels_and_half_of_each_layer() {
    let _turn = take_turns();
    tch::manual_seed(7);
    let d = GoodfellowDiscriminator::new();
    let flat = Tensor::zeros([d.layout().numel()], DOUBLE);
    let weights = d.layout().weights(&flat);
    for (layer, inputs) in [("hidden1", 2), ("hidden2", 1), ("output", 1)] {
        let weight = named(d.layout(), &weights, &format!("{layer}.weight"));
        let _ = weight.narrow(1, 0, inputs).fill_(1.0);
    }
    let n = 20_000;
    let images = Tensor::zeros([n, 1, 28, 28], DOUBLE);
    for (pixel, value) in [(0, 1.0), (1, 2.0)] {
        let _ = images.narrow(2, 0, 1).narrow(3, pixel, 1).fill_(value);
    }
    let logits = values(&d.forward(&weights, &images, None, Mode::Train));
    let share = |logit: f64| {
        let such = logits.iter().filter(|&&l| (l - logit).abs() < 1e-9);
        such.count() as f64 / n as f64
    };
    // What is kept is scaled by 1.25 · 2 · 2.
    let expected = [(5.0, 0.16), (10.0, 0.16), (15.0, 0.64)].map(|(l, p)| (l, p / 4.0));
    for (logit, expected) in expected {
        assert!((share(logit) - expected).abs() < 0.01, "{}", share(logit));
    }
    let nothing = 1.0 - expected.iter().map(|(_, share)| share).sum::<f64>();
    assert!((share(0.0) - nothing).abs() < 0.02, "{}", share(0.0));
}

#[test]
fn dcgan_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(8);
    let (g, d) = (DcganGenerator::new(), DcganDiscriminator::new());
    let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
    let z = Tensor::randn([3, 100], DOUBLE);
    // The dense layer's units renamed from [128, 8, 8] to [8, 8, 128].
    let x = gn.dense("dense", &z).view([3, 8, 8, 128]);
    let x = gn.norm("dense_norm", &x.permute([0, 3, 1, 2]), 1e-5);
    let x = gn.conv("up1", &twice(&x), (1, 1));
    let x = leaky(&gn.norm("up1_norm", &x, 0.8));
    let x = gn.conv("up2", &twice(&x), (1, 1));
    let x = leaky(&gn.norm("up2_norm", &x, 0.8));
    let x = gn.conv("output", &x, (1, 1)).tanh();
    let images = g.forward(&gn.weights, &z, None, Mode::Train);
    assert!(distance(&images, &x) < 1e-10);

    for mode in [Mode::Sample, Mode::Train] {
        let drop = |x: &Tensor| x.feature_dropout(0.25, mode == Mode::Train);
        // The same channels on both sides.
        tch::manual_seed(9);
        let mut x = drop(&leaky(&dn.conv("down1", &images, (2, 1))));
        for layer in ["down2", "down3", "down4"] {
            x = drop(&leaky(&dn.conv(layer, &x, (2, 1))));
            x = dn.norm(&format!("{layer}_norm"), &x, 0.8);
        }
        // Renamed from [128, 2, 2] to [2, 2, 128].
        let x = dn.dense("output", &x.permute([0, 2, 3, 1]).flatten(1, -1));
        tch::manual_seed(9);
        let logits = d.forward(&dn.weights, &images, None, mode);
        assert!(distance(&logits, &x.view([3])) < 1e-10, "{mode:?}");
    }
}

#[test]
fn modern_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(10);
    let (labels, rows) = three_digits();
    for (g, d) in [
        (ModernGenerator::new(), ModernDiscriminator::new()),
        (
            ModernGenerator::with_labels(),
            ModernDiscriminator::with_labels(),
        ),
    ] {
        let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
        let z = Tensor::randn([3, g.latent().size()], DOUBLE) * 20.0;
        let x = match g.conditional() {
            true => Tensor::cat(&[&z, &rows], 1),
            false => z.shallow_clone(),
        };
        // Units named [7, 7, 64].
        let x = leaky(&gn.dense("dense", &x)).view([3, 7, 7, 64]);
        let x = leaky(&gn.conv("coarse", &x.permute([0, 3, 1, 2]), (1, 1)));
        let (weight, bias) = gn.affine("up");
        let x = leaky(&x.conv_transpose2d(weight, bias, 2, 1, 0, 1, 1));
        let x = leaky(&gn.conv("fine", &x, (1, 1)));
        let x = pixels(&gn.conv("output", &x, (1, 1)));
        let ink = values(&x).into_iter().map(ink).collect::<Vec<_>>();
        let x = Tensor::from_slice(&ink).view([3, 1, 28, 28]);
        let images = g.forward(&gn.weights, &z, Some(&labels), Mode::Train);
        assert!(distance(&images, &x) < 1e-10);

        let x = leaky(&dn.conv("input", &blocks(&images), (1, 1)));
        let x = leaky(&dn.conv("down", &x, (2, 1)));
        let x = leaky(&dn.conv("coarse", &x, (1, 1)));
        let x = leaky(&dn.conv("deep", &x, (2, 1)));
        // Renamed from [128, 4, 4] to [4, 4, 128].
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let mut expected = dn.dense("dense", &x).view([3]);
        if d.conditional() {
            let of_digit = (dn.dense("digits", &x) * &rows).sum_dim_intlist(1, false, Kind::Double);
            expected += of_digit;
        }
        let logits = d.forward(&dn.weights, &images, Some(&labels), Mode::Train);
        assert!(distance(&logits, &expected) < 1e-10);
    }
}

/// The pixel that G's last layer means by `x`.
fn ink(x: f64) -> f64 {
    let white = 2.0 * 253.0 / 255.0 - 1.0;
    if x < -2.5 {
        -1.0 + 0.1 * (x + 2.5)
    } else if x <= white {
        x.max(-1.0)
    } else if x <= white + 1.5 {
        white
    } else {
        white + 0.1 * (x - white - 1.5)
    }
}

/// What G's last layer says, here its bias alone, and the image and the gradient that
/// come of it.
#[test]
fn modern_forges_black_and_white_from_ranges_and_has_a_gradient_everywhere() {
    let white = 2.0 * 253.0 / 255.0 - 1.0;
    ink_of([-2.8, -1.2, 0.3, 1.5], [-1.03, -1.0, 0.3, white]);
    let beyond = white + (3.0 - white - 1.5) * 0.1;
    ink_of([-2.4, -0.9, 0.99, 3.0], [-1.0, -0.9, white, beyond]);
}

fn ink_of(said: [f64; 4], image: [f64; 4]) {
    let g = ModernGenerator::new();
    let layout = g.layout();
    let weights = double_weights(layout).map(|place, weight| {
        let value = match layout.params()[place].name.as_str() {
            "output.bias" => Tensor::from_slice(&said),
            "output.weight" => weight.zeros_like(),
            _ => weight.detach(),
        };
        value.set_requires_grad(true)
    });
    let z = g.latent().sample(1, Device::Cpu).to_kind(Kind::Double);
    let images = g.forward(&weights, &z, None, Mode::Train);
    // Channels are pixels of 2×2 blocks.
    let block = images.narrow(2, 0, 2).narrow(3, 0, 2);
    assert!(distance(&block.flatten(0, -1), &Tensor::from_slice(&image)) < 1e-12);
    let bias = named(layout, &weights, "output.bias");
    let gradient = &Tensor::run_backward(&[images.sum(Kind::Double)], &[bias], false, false)[0];
    // Each for 14×14 blocks.
    let slopes = said.map(|x| if image.contains(&x) { 1.0 } else { 0.1 });
    let expected = Tensor::from_slice(&slopes) * 196.0;
    assert!(distance(gradient, &expected) < 1e-9);
}

/// The logistic loss of the logit is the cross-entropy of the two-way softmax.
#[test]
fn oshea_logit_is_its_softmax() {
    let _turn = take_turns();
    tch::manual_seed(1);
    let d = OsheaDiscriminator::new();
    let weights = double_weights(d.layout());
    let images = Tensor::rand([3, 1, 28, 28], DOUBLE);
    let logits = d.forward(&weights, &images, None, Mode::Sample);

    // The original, its layers one by one, channels first throughout.
    let get = |name: &str| named(d.layout(), &weights, name);
    let conv = |x: &Tensor, name: &str| {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let y = x
            .contiguous()
            .conv2d(&weight.contiguous(), Some(bias), 2, 2, 1, 1);
        y.relu().maximum(&(y.relu() * 0.2))
    };
    let x = conv(&conv(&images, "down1"), "down2");
    assert_eq!(x.size(), [3, 512, 7, 7]);
    // Dense columns renamed from this order, [512, 7, 7], to [7, 7, 512].
    let dense = get("dense.weight")
        .view([256, 7, 7, 512])
        .permute([0, 3, 1, 2])
        .flatten(1, -1);
    let x = x.flatten(1, -1).linear(&dense, Some(get("dense.bias")));
    let x = x.maximum(&(&x * 0.2));
    let two = x.linear(get("output.weight"), Some(get("output.bias")));
    let log_softmax = two.log_softmax(1, Kind::Double);

    let real = (-&logits).softplus();
    assert!(distance(&real, &-log_softmax.select(1, 1)) < 1e-10);
    let forged = logits.softplus();
    assert!(distance(&forged, &-log_softmax.select(1, 0)) < 1e-10);
}

#[test]
fn oshea_generator_is_its_layers_one_by_one() {
    let _turn = take_turns();
    tch::manual_seed(2);
    for norm in [OsheaNorm::Columns, OsheaNorm::Channels] {
        let g = OsheaGenerator::new(norm);
        let weights = double_weights(g.layout());
        let z = Tensor::rand([4, 100], DOUBLE);
        let images = g.forward(&weights, &z, None, Mode::Train);

        let get = |name: &str| named(g.layout(), &weights, name);
        let axis = if norm == OsheaNorm::Columns { 3 } else { 1 };
        // No parameter of the norms has moved from γ = 1, β = 0 yet.
        let normalize = |x: &Tensor, axis: i64| {
            let others: Vec<i64> = (0..x.dim() as i64).filter(|&a| a != axis).collect();
            let mean = x.mean_dim(&others[..], true, Kind::Double);
            let centered = x - mean;
            let variance = (&centered * &centered).mean_dim(&others[..], true, Kind::Double);
            centered / (variance + 1e-6).sqrt()
        };
        let x = z.linear(get("dense.weight"), Some(get("dense.bias")));
        let x = normalize(&x, 1)
            .relu()
            .view([4, 14, 14, 200])
            .permute([0, 3, 1, 2]);
        let x = x
            .repeat_interleave_self_int(2, 2, None)
            .repeat_interleave_self_int(2, 3, None);
        let x = x.conv2d(get("up.weight"), Some(get("up.bias")), 1, 1, 1, 1);
        let x = normalize(&x, axis).relu();
        let x = x.conv2d(get("fine.weight"), Some(get("fine.bias")), 1, 1, 1, 1);
        let x = normalize(&x, axis).relu();
        let x = x.conv2d(get("output.weight"), Some(get("output.bias")), 1, 0, 1, 1);
        assert!(distance(&images, &x.sigmoid()) < 1e-9, "{norm:?}");
    }
}

#[test]
fn gaussian_networks_are_their_formulas() {
    let _turn = take_turns();
    tch::manual_seed(4);
    let (g, d) = (GaussianGenerator::new(), GaussianDiscriminator::new());
    let (gw, dw) = (double_weights(g.layout()), double_weights(d.layout()));
    let dense = |layout: &Layout, weights: &Weights, name: &str, x: &[f64]| -> Vec<f64> {
        let weight = named(layout, weights, &format!("{name}.weight"));
        let bias = values(named(layout, weights, &format!("{name}.bias")));
        let row = |(i, b): (usize, &f64)| {
            let row = values(&weight.select(0, i as i64));
            row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + b
        };
        bias.iter().enumerate().map(row).collect()
    };
    let z = [-3.0, 0.5, 7.0];
    let latents = Tensor::from_slice(&z).view([3, 1]);
    let images = g.forward(&gw, &latents, None, Mode::Train);
    let logits = d.forward(&dw, &images, None, Mode::Train);
    for (i, z) in z.into_iter().enumerate() {
        let hidden = dense(g.layout(), &gw, "hidden", &[z]);
        let hidden: Vec<f64> = hidden.iter().map(|x| x.exp().ln_1p()).collect();
        let x = dense(g.layout(), &gw, "output", &hidden);
        assert!((values(&images)[i] - x[0]).abs() < 1e-9);
        let mut h = x;
        for name in ["hidden1", "hidden2", "hidden3"] {
            h = dense(d.layout(), &dw, name, &h);
            h.iter_mut().for_each(|x| *x = x.max(0.0));
        }
        let logit = dense(d.layout(), &dw, "output", &h);
        assert!((values(&logits)[i] - logit[0]).abs() < 1e-9);
    }
}
