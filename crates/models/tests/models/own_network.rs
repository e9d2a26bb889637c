//! Networks built from this crate's layers without any conversion run in every kind.

use gan_models::layers::Activation::{LeakyRelu, Relu, Tanh};
use gan_models::layers::{
    BatchNorm, ConcatLabels, Conv2d, ConvTranspose2d, Layer, Linear, Maxout, NormAxis, Reshape,
    UpsampleConv,
};
use gan_models::{
    Discriminator, Generator, Init, LatentDistribution, Mode, ParamLayout, PixelRange, Sequential,
    SequentialDiscriminator, SequentialGenerator, layers,
};
use tch::{Device, Kind, Tensor};

use crate::{CPU, TRAIN, lock_rng, values};

fn init() -> Init {
    Init::normal(0.3)
}

fn norm(layout: &mut ParamLayout) -> BatchNorm {
    let (gamma, epsilon) = (Init::Constant(1.0), 1e-5);
    BatchNorm::new(layout, "norm", 4, gamma, epsilon, NormAxis::Channels)
}

/// Together with [`discriminator`], one of each layer with parameters.
fn generator() -> SequentialGenerator {
    SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                ConcatLabels(Some(10)),
                Linear::new(l, "dense", 6 + 10, 4 * 2 * 2, init()),
                Reshape::To(&[4, 2, 2]),
                norm(l),
                Relu,
                ConvTranspose2d::new(l, "up", (4, 3), init()),
                Relu,
                UpsampleConv::new(l, "upsample", (3, 2), init()),
                Relu,
                Conv2d::new(l, "output", (2, 1), 3, (1, 1), init()),
                Tanh,
            ]
        }),
        latent: LatentDistribution::Normal { size: 6 },
        image_side: 8,
        pixel_range: PixelRange::Symmetric,
        data_parallel: false,
    }
}

fn discriminator() -> SequentialDiscriminator {
    SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Conv2d::new(l, "down", (1, 2), 4, (2, 1), init()),
                LeakyRelu(0.2),
                Reshape::Flatten,
                Maxout::new(l, "maxout", 2 * 4 * 4, (1, 3), init()),
            ]
        }),
        data_parallel: false,
    }
}

#[test]
fn own_network_trains_in_bf16_from_f32_inputs() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    let (g, d) = (generator(), discriminator());
    let (g_flat, d_flat) = (g.layout().init(Device::Cpu), d.layout().init(Device::Cpu));
    let (latents, images) =
        (Tensor::randn([5, 6], CPU), Tensor::rand([5, 1, 8, 8], CPU).set_requires_grad(true));
    let labels = Tensor::from_slice(&[0i64, 3, 9, 3, 1]);
    for kind in [Kind::BFloat16, Kind::Float, Kind::Double] {
        let g_weights = g.layout().leaves(&g_flat, kind);
        let d_weights = d.layout().leaves(&d_flat, kind);
        let fake = g.forward(&g_weights, &latents, Some(&labels), Mode::Train);
        assert_eq!((fake.kind(), fake.size()), (kind, vec![5, 1, 8, 8]));
        let real_logits = d.forward(&d_weights, &images, None, Mode::Train);
        let fake_logits = d.forward(&d_weights, &fake, None, Mode::Train);
        assert_eq!((real_logits.kind(), real_logits.size()), (kind, vec![5]));
        let loss = (real_logits - fake_logits).to_kind(Kind::Float).softplus();
        let both = [g_weights.tensors(), d_weights.tensors()];
        let of: Vec<&Tensor> = both.into_iter().flatten().chain([&images]).collect();
        let grads = Tensor::run_backward(&[loss.sum(Kind::Float)], &of, false, false);
        for grad in grads {
            assert!(values(&grad).iter().any(|&x| x != 0.0 && x.is_finite()), "{kind:?}");
        }
    }
}

#[test]
fn a_list_of_layers_tells_whether_it_uses_labels_and_batch_statistics() {
    let (g, d) = (generator(), discriminator());
    assert!(g.conditional() && g.uses_batch_statistics());
    assert!(!d.conditional() && !d.uses_batch_statistics());
    assert_eq!((g.network.layers().len(), d.network.layers().len()), (11, 4));
}

#[test]
fn each_layer_converts_its_input_to_the_kind_of_its_weights() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    let mut layout = ParamLayout::new();
    let l = &mut layout;
    let vectors = |size| Tensor::rand([2, size], CPU);
    let images = |channels| Tensor::rand([2, channels, 4, 4], CPU);
    let layers: [(Box<dyn Layer>, Tensor); 7] = [
        (Box::new(Linear::new(l, "dense", 16, 16, init())), vectors(16)),
        (Box::new(norm(l)), images(4)),
        (Box::new(ConvTranspose2d::new(l, "up", (4, 3), init())), images(4)),
        (Box::new(UpsampleConv::new(l, "upsample", (3, 2), init())), images(3)),
        (Box::new(Conv2d::new(l, "output", (2, 1), 3, (1, 1), init())), images(2)),
        (Box::new(Conv2d::new(l, "down", (1, 2), 4, (2, 1), init())), images(1)),
        (Box::new(Maxout::new(l, "maxout", 32, (1, 3), init())), vectors(32)),
    ];
    let weights = layout.weights(&layout.init(Device::Cpu).to_kind(Kind::BFloat16));
    for (layer, x) in layers {
        let y = layer.forward(&weights, &x, &TRAIN);
        assert_eq!(y.kind(), Kind::BFloat16);
        assert!(values(&y).iter().all(|x| x.is_finite()));
    }
}
