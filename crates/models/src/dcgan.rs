//! The 32×32 DCGAN of the collection PyTorch-GAN, after Radford et al. 2016.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::{
    AffineInit, BatchNorm, Conv2d, Linear, NormAxis, UpsampleConv, channel_dropout, leaky_relu,
};
use crate::network::{Discriminator, Generator, Mode, Networks};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const LATENT: i64 = 100;
const SIDE: i64 = 32;
/// Negative slope of the leaky ReLUs.
const SLOPE: f64 = 0.2;
/// Channel dropout rate of D.
const DROPOUT: f64 = 0.25;
/// ε of G's first batch norm: PyTorch's default.
const FIRST_EPSILON: f64 = 1e-5;
/// ε of the other batch norms. A port turned Keras's `momentum=0.8` into PyTorch's
/// second positional argument, which is epsilon; its descendants kept it.
const EPSILON: f64 = 0.8;

/// The networks as their author defined them.
///
/// G: linear to 128×8×8, batch norm; ×2, 3×3, batch norm, leaky ReLU; ×2, 3×3 to 64,
/// batch norm, leaky ReLU; 3×3 to 1, hyperbolic tangent. D: four 3×3 stride-2
/// convolutions to 16, 32, 64 and 128 channels, each with leaky ReLU, channel
/// dropout and, after the first, batch norm; linear to the logit. Images are 32×32
/// in [`PixelRange::Symmetric`].
pub fn networks() -> Networks {
    Networks::new(DcganGenerator::new(), DcganDiscriminator::new())
}

/// Weights as in the paper, biases by PyTorch's default.
fn conv_init(inputs: i64) -> AffineInit {
    AffineInit {
        weight: Init::normal(0.02),
        bias: Init::torch_default(inputs * 9),
    }
}

fn linear_init(inputs: i64) -> AffineInit {
    AffineInit {
        weight: Init::torch_default(inputs),
        bias: Init::torch_default(inputs),
    }
}

fn norm(layout: &mut Layout, name: &str, channels: i64, epsilon: f64) -> BatchNorm {
    let gamma = Init::Normal {
        mean: 1.0,
        std: 0.02,
    };
    BatchNorm::new(layout, name, channels, gamma, epsilon, NormAxis::Channels)
}

#[derive(Debug)]
struct DcganGenerator {
    layout: Layout,
    dense: Linear,
    dense_norm: BatchNorm,
    up1: UpsampleConv,
    up1_norm: BatchNorm,
    up2: UpsampleConv,
    up2_norm: BatchNorm,
    output: Conv2d,
}

impl DcganGenerator {
    fn new() -> DcganGenerator {
        let mut layout = Layout::new();
        let l = &mut layout;
        DcganGenerator {
            dense: Linear::new(l, "dense", LATENT, 128 * 8 * 8, linear_init(LATENT)),
            dense_norm: norm(l, "dense_norm", 128, FIRST_EPSILON),
            up1: UpsampleConv::new(l, "up1", (128, 128), conv_init(128)),
            up1_norm: norm(l, "up1_norm", 128, EPSILON),
            up2: UpsampleConv::new(l, "up2", (128, 64), conv_init(128)),
            up2_norm: norm(l, "up2_norm", 64, EPSILON),
            output: Conv2d::new(l, "output", (64, 1), 3, (1, 1), conv_init(64)),
            layout,
        }
    }
}

impl Generator for DcganGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        Latent::Normal { size: LATENT }
    }

    fn conditional(&self) -> bool {
        false
    }

    fn image_side(&self) -> i64 {
        SIDE
    }

    fn pixel_range(&self) -> PixelRange {
        PixelRange::Symmetric
    }

    fn uses_batch_statistics(&self) -> bool {
        true
    }

    fn shardable(&self) -> bool {
        false // Batch norm.
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let x = self.dense.forward(weights, latents);
        // Units are viewed as [8, 8, 128], which is channels-last without a copy.
        // The original's order [128, 8, 8] differs only in the units' numbering.
        let x = x.view([-1, 8, 8, 128]).permute([0, 3, 1, 2]);
        let x = self.dense_norm.forward(weights, &x);
        let x = self.up1.forward(weights, &x);
        let x = leaky_relu(&self.up1_norm.forward(weights, &x), SLOPE);
        let x = self.up2.forward(weights, &x);
        let x = leaky_relu(&self.up2_norm.forward(weights, &x), SLOPE);
        self.output.forward(weights, &x).tanh()
    }
}

#[derive(Debug)]
struct DcganDiscriminator {
    layout: Layout,
    first: Conv2d,
    others: [(Conv2d, BatchNorm); 3],
    output: Linear,
}

impl DcganDiscriminator {
    fn new() -> DcganDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let down = |l: &mut Layout, name: &str, inputs, outputs| {
            Conv2d::new(l, name, (inputs, outputs), 3, (2, 1), conv_init(inputs))
        };
        DcganDiscriminator {
            first: down(l, "down1", 1, 16),
            others: [(2, 16), (3, 32), (4, 64)].map(|(i, inputs)| {
                let conv = down(l, &format!("down{i}"), inputs, 2 * inputs);
                let name = format!("down{i}_norm");
                (conv, norm(l, &name, 2 * inputs, EPSILON))
            }),
            output: Linear::new(l, "output", 128 * 2 * 2, 1, linear_init(128 * 2 * 2)),
            layout,
        }
    }
}

impl Discriminator for DcganDiscriminator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn conditional(&self) -> bool {
        false
    }

    fn uses_batch_statistics(&self) -> bool {
        true
    }

    fn shardable(&self) -> bool {
        false // Batch norm and dropout.
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor {
        let drop = |x: &Tensor| channel_dropout(&leaky_relu(x, SLOPE), DROPOUT, mode);
        let mut x = drop(&self.first.forward(weights, images));
        for (conv, norm) in &self.others {
            x = norm.forward(weights, &drop(&conv.forward(weights, &x)));
        }
        // Flattened in memory order, [n, 2, 2, 128], without a copy.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        self.output.forward(weights, &x).view([-1])
    }
}
