//! Compares each network with its definition, computed layer by layer in f64 with
//! plain operations in the published program's order.

use gan_models::layers::NormAxis;
use gan_models::{
    DIGITS, Mode, Networks, ParamLayout, Weights, dcgan, gaussian, golbin, goodfellow, modern,
    oshea,
};
use tch::{Device, Kind, Tensor};

use crate::{DOUBLE, distance, lock_rng, named, values};

/// A network's layout and random weights.
struct Network<'a> {
    layout: &'a ParamLayout,
    weights: Weights,
}

impl Network<'_> {
    /// Weights small enough to avoid saturation.
    fn random(layout: &ParamLayout) -> Network<'_> {
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
        let per_channel = |name| self.get(&format!("{layer}.{name}")).view([1, -1, 1, 1]);
        centered / (variance + epsilon).sqrt() * per_channel("gamma") + per_channel("beta")
    }
}

fn double_weights(layout: &ParamLayout) -> Weights {
    layout.leaves(&layout.init(Device::Cpu), Kind::Double)
}

fn leaky(x: &Tensor) -> Tensor {
    x.maximum(&(x * 0.2))
}

/// Nearest-neighbor upsampling ×2.
fn upsample(x: &Tensor) -> Tensor {
    let rows = x.repeat_interleave_self_int(2, 2, None);
    rows.repeat_interleave_self_int(2, 3, None)
}

/// `[n, 1, 28, 28]` → `[n, 4, 14, 14]`: each 2×2 block row by row in the channels.
fn blocks(x: &Tensor) -> Tensor {
    let x = x.view([-1, 14, 2, 14, 2]).permute([0, 2, 4, 1, 3]);
    x.reshape([-1, 4, 14, 14])
}

/// The inverse of [`blocks`].
fn pixels(x: &Tensor) -> Tensor {
    let x = x.view([-1, 2, 2, 14, 14]).permute([0, 3, 1, 4, 2]);
    x.reshape([-1, 1, 28, 28])
}

/// The labels 3, 0 and 9, i64 `[3]`, and their one-hot rows `[3, 10]`.
fn three_labels() -> (Tensor, Tensor) {
    let rows = Tensor::zeros([3, 10], DOUBLE);
    for (row, digit) in [(0, 3), (1, 0), (2, 9)] {
        let _ = rows.narrow(0, row, 1).narrow(1, digit, 1).fill_(1.0);
    }
    (Tensor::from_slice(&[3i64, 0, 9]), rows)
}

#[test]
fn golbin_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(5);
    let (labels, one_hot) = three_labels();
    for networks in [golbin::networks(), golbin::conditional(DIGITS)] {
        let Networks { generator: g, discriminator: d } = networks;
        let joined = |x: &Tensor| match g.conditional() {
            true => Tensor::cat(&[x, &one_hot], 1),
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
fn goodfellow_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(6);
    let Networks { generator: g, discriminator: d } = goodfellow::networks(None);
    let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
    let z = Tensor::randn([3, 100], DOUBLE);
    let x = gn.dense("hidden1", &z).relu();
    let x = gn.dense("hidden2", &x).relu();
    let x = gn.dense("output", &x).sigmoid();
    let images = g.forward(&gn.weights, &z, None, Mode::Train);
    assert!(distance(&images, &x.view([3, 1, 28, 28])) < 1e-10);
    let maxout = |layer: &str, x: &Tensor| dn.dense(layer, x).view([3, 240, 5]).amax(2, false);
    let x = maxout("hidden2", &maxout("hidden1", &x));
    let logits = d.forward(&dn.weights, &images, None, Mode::Eval);
    assert!(distance(&logits, &dn.dense("output", &x).view([3])) < 1e-10);
}

/// Two pixels, 1 and 2, reach the logit through one unit of each layer.
#[test]
fn goodfellow_drops_a_fifth_of_the_pixels_and_half_of_the_units() {
    let _rng = lock_rng();
    tch::manual_seed(7);
    let d = goodfellow::networks(None).discriminator;
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
        let equal = logits.iter().filter(|&&l| (l - logit).abs() < 1e-9);
        equal.count() as f64 / n as f64
    };
    // Dropout scales the kept values by 1.25 · 2 · 2.
    let expected = [(5.0, 0.16), (10.0, 0.16), (15.0, 0.64)].map(|(l, p)| (l, p / 4.0));
    for (logit, expected) in expected {
        assert!((share(logit) - expected).abs() < 0.01, "{}", share(logit));
    }
    let nothing = 1.0 - expected.iter().map(|(_, share)| share).sum::<f64>();
    assert!((share(0.0) - nothing).abs() < 0.02, "{}", share(0.0));
}

#[test]
fn dcgan_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(8);
    let Networks { generator: g, discriminator: d } = dcgan::networks();
    let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
    let z = Tensor::randn([3, 100], DOUBLE);
    // The linear layer's units are numbered as [8, 8, 128], not [128, 8, 8].
    let x = gn.dense("dense", &z).view([3, 8, 8, 128]);
    let x = gn.norm("dense_norm", &x.permute([0, 3, 1, 2]), 1e-5);
    let x = gn.conv("up1", &upsample(&x), (1, 1));
    let x = leaky(&gn.norm("up1_norm", &x, 0.8));
    let x = gn.conv("up2", &upsample(&x), (1, 1));
    let x = leaky(&gn.norm("up2_norm", &x, 0.8));
    let x = gn.conv("output", &x, (1, 1)).tanh();
    let images = g.forward(&gn.weights, &z, None, Mode::Train);
    assert!(distance(&images, &x) < 1e-10);

    for mode in [Mode::Eval, Mode::Train] {
        let drop = |x: &Tensor| x.feature_dropout(0.25, mode == Mode::Train);
        // The same seed drops the same channels in both computations.
        tch::manual_seed(9);
        let mut x = drop(&leaky(&dn.conv("down1", &images, (2, 1))));
        for layer in ["down2", "down3", "down4"] {
            x = drop(&leaky(&dn.conv(layer, &x, (2, 1))));
            x = dn.norm(&format!("{layer}_norm"), &x, 0.8);
        }
        // Numbered as [2, 2, 128], not [128, 2, 2].
        let x = dn.dense("output", &x.permute([0, 2, 3, 1]).flatten(1, -1));
        tch::manual_seed(9);
        let logits = d.forward(&dn.weights, &images, None, mode);
        assert!(distance(&logits, &x.view([3])) < 1e-10, "{mode:?}");
    }
}

#[test]
fn modern_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(10);
    let (labels, one_hot) = three_labels();
    for networks in [modern::networks(), modern::conditional(DIGITS)] {
        let Networks { generator: g, discriminator: d } = networks;
        let (gn, dn) = (Network::random(g.layout()), Network::random(d.layout()));
        let z = Tensor::randn([3, g.latent().dim()], DOUBLE) * 20.0;
        let x = match g.conditional() {
            true => Tensor::cat(&[&z, &one_hot], 1),
            false => z.shallow_clone(),
        };
        // Units numbered as [7, 7, 64].
        let x = leaky(&gn.dense("dense", &x)).view([3, 7, 7, 64]);
        let x = leaky(&gn.conv("coarse", &x.permute([0, 3, 1, 2]), (1, 1)));
        let (weight, bias) = gn.affine("up");
        let x = leaky(&x.conv_transpose2d(weight, bias, 2, 1, 0, 1, 1));
        let x = leaky(&gn.conv("fine", &x, (1, 1)));
        let x = pixels(&gn.conv("output", &x, (1, 1)));
        let saturated: Vec<f64> = values(&x).into_iter().map(saturate).collect();
        let x = Tensor::from_slice(&saturated).view([3, 1, 28, 28]);
        let images = g.forward(&gn.weights, &z, Some(&labels), Mode::Train);
        assert!(distance(&images, &x) < 1e-10);

        let x = leaky(&dn.conv("input", &blocks(&images), (1, 1)));
        let x = leaky(&dn.conv("down", &x, (2, 1)));
        let x = leaky(&dn.conv("coarse", &x, (1, 1)));
        let x = leaky(&dn.conv("deep", &x, (2, 1)));
        // Numbered as [4, 4, 128], not [128, 4, 4].
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let mut expected = dn.dense("dense", &x).view([3]);
        if d.conditional() {
            let projection =
                (dn.dense("digits", &x) * &one_hot).sum_dim_intlist(1, false, Kind::Double);
            expected += projection;
        }
        let logits = d.forward(&dn.weights, &images, Some(&labels), Mode::Train);
        assert!(distance(&logits, &expected) < 1e-10);
    }
}

/// G's output activation.
fn saturate(x: f64) -> f64 {
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

/// The output layer's bias alone determines the pixels here.
#[test]
fn modern_output_has_plateaus_at_black_and_white_and_a_gradient_everywhere() {
    let white = 2.0 * 253.0 / 255.0 - 1.0;
    check_output([-2.8, -1.2, 0.3, 1.5], [-1.03, -1.0, 0.3, white]);
    let outside = white + (3.0 - white - 1.5) * 0.1;
    check_output([-2.4, -0.9, 0.99, 3.0], [-1.0, -0.9, white, outside]);
}

fn check_output(bias: [f64; 4], image: [f64; 4]) {
    let g = modern::networks().generator;
    let layout = g.layout();
    let weights = double_weights(layout).map(|i, weight| {
        let value = match layout.params()[i].name.as_str() {
            "output.bias" => Tensor::from_slice(&bias),
            "output.weight" => weight.zeros_like(),
            _ => weight.detach(),
        };
        value.set_requires_grad(true)
    });
    let z = g.latent().sample(1, Device::Cpu).to_kind(Kind::Double);
    let images = g.forward(&weights, &z, None, Mode::Train);
    // The four channels are the pixels of a 2×2 block.
    let block = images.narrow(2, 0, 2).narrow(3, 0, 2);
    assert!(distance(&block.flatten(0, -1), &Tensor::from_slice(&image)) < 1e-12);
    let leaf = named(layout, &weights, "output.bias");
    let gradient = &Tensor::run_backward(&[images.sum(Kind::Double)], &[leaf], false, false)[0];
    // Summed over 14×14 blocks.
    let slopes = bias.map(|x| if image.contains(&x) { 1.0 } else { 0.1 });
    let expected = Tensor::from_slice(&slopes) * 196.0;
    assert!(distance(gradient, &expected) < 1e-9);
}

/// The logistic loss of the logit equals the cross-entropy of the published program's softmax.
#[test]
fn oshea_discriminator_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    let d = oshea::networks(NormAxis::Columns).discriminator;
    let weights = double_weights(d.layout());
    let images = Tensor::rand([3, 1, 28, 28], DOUBLE);
    let logits = d.forward(&weights, &images, None, Mode::Eval);

    // The published program, channels first throughout.
    let get = |name: &str| named(d.layout(), &weights, name);
    let conv = |x: &Tensor, name: &str| {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let y = x.contiguous().conv2d(&weight.contiguous(), Some(bias), 2, 2, 1, 1);
        y.relu().maximum(&(y.relu() * 0.2))
    };
    let x = conv(&conv(&images, "down1"), "down2");
    assert_eq!(x.size(), [3, 512, 7, 7]);
    // The linear layer's inputs are numbered as [7, 7, 512], not [512, 7, 7].
    let dense = get("dense.weight").view([256, 7, 7, 512]).permute([0, 3, 1, 2]).flatten(1, -1);
    let x = x.flatten(1, -1).linear(&dense, Some(get("dense.bias")));
    let x = x.maximum(&(&x * 0.2));
    let two = x.linear(get("output.weight"), Some(get("output.bias")));
    let log_softmax = two.log_softmax(1, Kind::Double);

    let real = (-&logits).softplus();
    assert!(distance(&real, &-log_softmax.select(1, 1)) < 1e-10);
    let fake = logits.softplus();
    assert!(distance(&fake, &-log_softmax.select(1, 0)) < 1e-10);
}

#[test]
fn oshea_generator_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    for norm in [NormAxis::Columns, NormAxis::Channels] {
        let g = oshea::networks(norm).generator;
        let weights = double_weights(g.layout());
        let z = Tensor::rand([4, 100], DOUBLE);
        let images = g.forward(&weights, &z, None, Mode::Train);

        let get = |name: &str| named(g.layout(), &weights, name);
        let axis = if norm == NormAxis::Columns { 3 } else { 1 };
        // The norms' initial parameters are γ = 1 and β = 0.
        let normalize = |x: &Tensor, axis: i64| {
            let others: Vec<i64> = (0..x.dim() as i64).filter(|&a| a != axis).collect();
            let mean = x.mean_dim(&others[..], true, Kind::Double);
            let centered = x - mean;
            let variance = (&centered * &centered).mean_dim(&others[..], true, Kind::Double);
            centered / (variance + 1e-6).sqrt()
        };
        let x = z.linear(get("dense.weight"), Some(get("dense.bias")));
        let x = normalize(&x, 1).relu().view([4, 14, 14, 200]).permute([0, 3, 1, 2]);
        let x = x.repeat_interleave_self_int(2, 2, None).repeat_interleave_self_int(2, 3, None);
        let x = x.conv2d(get("up.weight"), Some(get("up.bias")), 1, 1, 1, 1);
        let x = normalize(&x, axis).relu();
        let x = x.conv2d(get("fine.weight"), Some(get("fine.bias")), 1, 1, 1, 1);
        let x = normalize(&x, axis).relu();
        let x = x.conv2d(get("output.weight"), Some(get("output.bias")), 1, 0, 1, 1);
        assert!(distance(&images, &x.sigmoid()) < 1e-9, "{norm:?}");
    }
}

#[test]
fn gaussian_matches_its_definition() {
    let _rng = lock_rng();
    tch::manual_seed(4);
    let Networks { generator: g, discriminator: d } = gaussian::networks();
    let (gw, dw) = (double_weights(g.layout()), double_weights(d.layout()));
    let dense = |layout: &ParamLayout, weights: &Weights, name: &str, x: &[f64]| -> Vec<f64> {
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
