//! Compares initial values and latents of each network with its definition.

use gan_models::layers::NormAxis;
use gan_models::{
    DIGITS, Init, LatentDistribution, Networks, ParamLayout, dcgan, gaussian, golbin, goodfellow,
    modern, oshea,
};
use tch::Device;

use crate::{lock_rng, named, values};

/// The name and initialization of every parameter.
fn inits(layout: &ParamLayout) -> Vec<(&str, Init)> {
    layout.params().iter().map(|p| (p.name.as_str(), p.init.clone())).collect()
}

/// He et al. 2015, eq. 14, for a leaky ReLU of slope 0.2.
#[test]
fn modern_weights_have_the_variance_of_he_et_al() {
    let _rng = lock_rng();
    let he = |fan_in: f64| Init::normal((2.0 / 1.04 / fan_in).sqrt());
    let close = |a: &Init, b: &Init| match (a, b) {
        (Init::Normal { mean: 0.0, std: a }, Init::Normal { mean: 0.0, std: b }) => {
            (a - b).abs() < 1e-12
        }
        _ => a == b,
    };
    let expect = |layout: &ParamLayout, fan_ins: &[(&str, f64)]| {
        let weights = fan_ins.len();
        assert_eq!(layout.params().len(), 2 * weights);
        for (name, start) in inits(layout) {
            let layer = name.split('.').next();
            let (_, fan_in) = fan_ins.iter().find(|(l, _)| Some(*l) == layer).unwrap();
            let expected = match name.ends_with("bias") {
                true => Init::Constant(0.0),
                false => he(*fan_in),
            };
            assert!(close(&start, &expected), "{name}: {start:?}");
        }
    };
    for networks in [modern::networks(), modern::conditional(DIGITS)] {
        let Networks { generator: g, discriminator: d } = networks;
        let g_layers = [
            ("dense", 16.0),
            ("coarse", 64.0 * 9.0),
            // 2×2 of the 4×4 kernel reach any one pixel.
            ("up", 64.0 * 4.0),
            ("fine", 32.0 * 9.0),
            ("output", 32.0 * 9.0),
        ];
        expect(g.layout(), &g_layers);
        let mut d_layers = vec![
            ("input", 4.0 * 9.0),
            ("down", 32.0 * 16.0),
            ("coarse", 64.0 * 9.0),
            ("deep", 64.0 * 9.0),
            ("dense", 16.0 * 128.0),
        ];
        if d.conditional() {
            d_layers.push(("digits", 16.0 * 128.0));
        }
        expect(d.layout(), &d_layers);
    }
    let latent = LatentDistribution::Mixture { normal_size: 16, clusters: 10, scale: 2.0 };
    assert_eq!(modern::networks().generator.latent(), latent);
    assert_eq!(
        modern::conditional(DIGITS).generator.latent(),
        LatentDistribution::Normal { size: 16 }
    );
}

#[test]
fn golbin_weights_are_normal_with_deviation_0_01() {
    let Networks { generator: g, discriminator: d } = golbin::networks();
    for layout in [g.layout(), d.layout()] {
        for (name, start) in inits(layout) {
            let expected =
                if name.ends_with("bias") { Init::Constant(0.0) } else { Init::normal(0.01) };
            assert_eq!(start, expected, "{name}");
        }
    }
    assert_eq!(g.latent(), LatentDistribution::Normal { size: 128 });
}

#[test]
fn golbin_conditional_has_tensorflows_default_initialization() {
    let Networks { generator: g, discriminator: d } = golbin::conditional(DIGITS);
    let zero = Init::Constant(0.0);
    assert_eq!(
        inits(g.layout()),
        [
            ("hidden.weight", Init::glorot_uniform(138, 256)),
            ("hidden.bias", zero.clone()),
            ("output.weight", Init::glorot_uniform(256, 784)),
            ("output.bias", zero.clone()),
        ]
    );
    assert_eq!(
        inits(d.layout()),
        [
            ("hidden.weight", Init::glorot_uniform(794, 256)),
            ("hidden.bias", zero.clone()),
            ("output.weight", Init::glorot_uniform(256, 1)),
            ("output.bias", zero),
        ]
    );
    let latent = LatentDistribution::Uniform { size: 128, low: -1.0, high: 1.0 };
    assert_eq!(g.latent(), latent);
}

#[test]
fn oshea_has_keras_default_initialization() {
    let g = oshea::networks(NormAxis::Columns).generator;
    let d = oshea::networks(NormAxis::Columns).discriminator;
    for (layout, name, expected) in [
        (g.layout(), "dense.weight", Init::glorot_normal(100, 39_200)),
        (g.layout(), "dense_norm.gamma", Init::Constant(1.0)),
        (g.layout(), "up.weight", Init::glorot_uniform(200 * 9, 100 * 9)),
        (g.layout(), "fine.weight", Init::glorot_uniform(100 * 9, 50 * 9)),
        (g.layout(), "output.weight", Init::glorot_uniform(50, 1)),
        (d.layout(), "down1.weight", Init::glorot_uniform(25, 256 * 25)),
        (d.layout(), "down2.weight", Init::glorot_uniform(256 * 25, 512 * 25)),
        (d.layout(), "dense.weight", Init::glorot_uniform(25_088, 256)),
        (d.layout(), "output.weight", Init::glorot_uniform(256, 2)),
    ] {
        let (_, start) = inits(layout).into_iter().find(|(n, _)| *n == name).unwrap();
        assert_eq!(start, expected, "{name}");
    }
    let (columns, channels) = (g.layout(), oshea::networks(NormAxis::Channels).generator);
    let size = |layout: &ParamLayout, name| {
        layout.params().iter().find(|p| p.name == name).unwrap().numel()
    };
    assert_eq!(size(columns, "up_norm.gamma"), 28);
    assert_eq!(size(columns, "fine_norm.beta"), 28);
    assert_eq!(size(channels.layout(), "up_norm.gamma"), 100);
    assert_eq!(size(channels.layout(), "fine_norm.beta"), 50);
    let latent = LatentDistribution::Uniform { size: 100, low: 0.0, high: 1.0 };
    assert_eq!(g.latent(), latent);
}

#[test]
fn goodfellow_has_its_authors_initialization_and_starts_at_the_mean_image() {
    let _rng = lock_rng();
    let mut means = [0.25; 784];
    means[0] = 0.0;
    means[783] = 1.0;
    let g = goodfellow::networks(Some(&means)).generator;
    let d = goodfellow::networks(None).discriminator;
    for (layout, bound) in [(g.layout(), 0.05), (d.layout(), 0.005)] {
        for (name, start) in inits(layout) {
            if name.ends_with("weight") {
                assert_eq!(start, Init::Uniform { bound }, "{name}");
            } else if name != "output.bias" || layout == d.layout() {
                assert_eq!(start, Init::Constant(0.0), "{name}");
            }
        }
    }
    // The bias alone gives the mean image.
    let flat = g.layout().init(Device::Cpu);
    let weights = g.layout().weights(&flat);
    let bias = named(g.layout(), &weights, "output.bias");
    let pixels = values(&bias.sigmoid());
    assert!(pixels[1..783].iter().all(|p| (p - 0.25).abs() < 1e-6));
    // Means of 0 and 1 are clamped.
    let logit = (1e-7f64 / (1.0 - 1e-7)).ln();
    assert!((values(bias)[0] - logit).abs() < 1e-4);
    assert!((values(bias)[783] + logit).abs() < 1e-4);
    let z = values(&g.latent().sample(1000, Device::Cpu));
    let variance = z.iter().map(|z| z * z).sum::<f64>() / z.len() as f64;
    assert!((variance - 1.0).abs() < 0.02);
}

#[test]
fn dcgan_has_its_authors_initialization() {
    let Networks { generator: g, discriminator: d } = dcgan::networks();
    for layout in [g.layout(), d.layout()] {
        let mut fan_in = 0;
        for param in layout.params() {
            let expected = match (param.shape.as_slice(), param.name.as_str()) {
                (&[_, inputs], _) => {
                    fan_in = inputs;
                    Init::torch_default(fan_in)
                }
                (&[_, inputs, h, w], _) => {
                    fan_in = inputs * h * w;
                    Init::normal(0.02)
                }
                (_, name) if name.ends_with("gamma") => Init::Normal { mean: 1.0, std: 0.02 },
                (_, name) if name.ends_with("beta") => Init::Constant(0.0),
                _ => Init::torch_default(fan_in),
            };
            assert_eq!(param.init, expected, "{}", param.name);
        }
    }
    assert_eq!(g.latent(), LatentDistribution::Normal { size: 100 });
}

#[test]
fn gaussian_latents_are_evenly_spaced_with_jitter() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    let Networks { generator: g, discriminator: d } = gaussian::networks();
    for layout in [g.layout(), d.layout()] {
        for (name, start) in inits(layout) {
            let bias = name.ends_with("bias");
            assert_eq!(start, if bias { Init::Constant(0.0) } else { Init::normal(1.0) });
        }
    }
    let z = g.latent().sample(9, Device::Cpu);
    assert_eq!(z.size(), [9, 1]);
    for (i, z) in values(&z).iter().enumerate() {
        let jitter = z - (2.0 * i as f64 - 8.0);
        assert!((-1e-6..0.01 + 1e-6).contains(&jitter), "{z}");
    }
    assert!(!z.equal(&g.latent().sample(9, Device::Cpu)));
}
