//! Networks built from this crate's layers without any conversion run in every kind.

use gan_models::layers::{
    BatchNorm, Conv2d, ConvUp2d, Linear, Maxout, NormAxis, UpsampleConv, concat_labels, leaky_relu,
};
use gan_models::{Init, Layout, Weights};
use tch::{Device, Kind, Tensor};

use crate::{CPU, lock_rng, values};

/// One of each layer with parameters.
struct Own {
    layout: Layout,
    dense: Linear,
    norm: BatchNorm,
    up: ConvUp2d,
    upsample: UpsampleConv,
    output: Conv2d,
    down: Conv2d,
    maxout: Maxout,
}

impl Own {
    fn new() -> Own {
        let (mut layout, init) = (Layout::new(), || Init::normal(0.3));
        let l = &mut layout;
        Own {
            dense: Linear::new(l, "dense", 6 + 10, 4 * 2 * 2, init()),
            norm: BatchNorm::new(l, "norm", 4, Init::Constant(1.0), 1e-5, NormAxis::Channels),
            up: ConvUp2d::new(l, "up", (4, 3), init()),
            upsample: UpsampleConv::new(l, "upsample", (3, 2), init()),
            output: Conv2d::new(l, "output", (2, 1), 3, (1, 1), init()),
            down: Conv2d::new(l, "down", (1, 2), 4, (2, 1), init()),
            maxout: Maxout::new(l, "maxout", 2 * 4 * 4, (1, 3), init()),
            layout,
        }
    }

    fn generate(&self, weights: &Weights, latents: &Tensor, labels: &Tensor) -> Tensor {
        let x = concat_labels(latents, Some(labels));
        let x = self.dense.forward(weights, &x).view([-1, 4, 2, 2]);
        let x = self.norm.forward(weights, &x).relu();
        let x = self.up.forward(weights, &x).relu();
        let x = self.upsample.forward(weights, &x).relu();
        self.output.forward(weights, &x).tanh()
    }

    fn discriminate(&self, weights: &Weights, images: &Tensor) -> Tensor {
        let x = leaky_relu(&self.down.forward(weights, images), 0.2);
        self.maxout.forward(weights, &x.flatten(1, -1)).view([-1])
    }
}

#[test]
fn own_network_trains_in_bf16_from_f32_inputs() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    let own = Own::new();
    let flat = own.layout.init(Device::Cpu);
    let (latents, images) = (
        Tensor::randn([5, 6], CPU),
        Tensor::rand([5, 1, 8, 8], CPU).set_requires_grad(true),
    );
    let labels = Tensor::from_slice(&[0i64, 3, 9, 3, 1]);
    for kind in [Kind::BFloat16, Kind::Float, Kind::Double] {
        let weights = own.layout.leaves(&flat, kind);
        let fake = own.generate(&weights, &latents, &labels);
        assert_eq!((fake.kind(), fake.size()), (kind, vec![5, 1, 8, 8]));
        let real_logits = own.discriminate(&weights, &images);
        let fake_logits = own.discriminate(&weights, &fake);
        assert_eq!((real_logits.kind(), real_logits.size()), (kind, vec![5]));
        let loss = (real_logits - fake_logits).to_kind(Kind::Float).softplus();
        let of: Vec<&Tensor> = weights.tensors().iter().chain([&images]).collect();
        let grads = Tensor::run_backward(&[loss.sum(Kind::Float)], &of, false, false);
        for grad in grads {
            assert!(
                values(&grad).iter().any(|&x| x != 0.0 && x.is_finite()),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn each_layer_converts_its_input_to_the_kind_of_its_weights() {
    let _rng = lock_rng();
    tch::manual_seed(2);
    let own = Own::new();
    let weights = own
        .layout
        .weights(&own.layout.init(Device::Cpu).to_kind(Kind::BFloat16));
    let image = |channels| Tensor::rand([2, channels, 4, 4], CPU);
    for y in [
        own.dense.forward(&weights, &Tensor::rand([2, 16], CPU)),
        own.norm.forward(&weights, &image(4)),
        own.up.forward(&weights, &image(4)),
        own.upsample.forward(&weights, &image(3)),
        own.output.forward(&weights, &image(2)),
        own.down.forward(&weights, &image(1)),
        own.maxout.forward(&weights, &Tensor::rand([2, 32], CPU)),
    ] {
        assert_eq!(y.kind(), Kind::BFloat16);
        assert!(values(&y).iter().all(|x| x.is_finite()));
    }
}
