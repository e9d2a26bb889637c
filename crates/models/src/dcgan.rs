//! The 32×32 DCGAN of the collection PyTorch-GAN, after Radford et al. 2016.

use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::{LeakyRelu, Tanh};
use crate::layers::{
    AffineInit, BatchNorm, ChannelDropout, Conv2d, Linear, NormAxis, Reshape, UpsampleConv,
};
use crate::network::Networks;
use crate::params::{Init, ParamLayout};
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

const LATENT: i64 = 100;
const SIDE: i64 = 32;
/// Negative slope of the leaky ReLUs.
const SLOPE: f64 = 0.2;
/// Channel dropout rate of D.
const DROPOUT: f64 = 0.25;
/// ε of G's first batch norm: PyTorch's default.
const FIRST_EPSILON: f64 = 1e-5;
/// ε of the other batch norms. A port passed Keras's `momentum=0.8` as PyTorch's
/// second positional argument, which is epsilon; later copies kept it.
const EPSILON: f64 = 0.8;

/// The networks as their author defined them.
///
/// G: linear to 128×8×8, batch norm; ×2, 3×3, batch norm, leaky ReLU; ×2, 3×3 to 64,
/// batch norm, leaky ReLU; 3×3 to 1, hyperbolic tangent. D: four 3×3 stride-2
/// convolutions to 16, 32, 64 and 128 channels, each with leaky ReLU, channel
/// dropout and, after the first, batch norm; linear to the logit. Images are 32×32
/// in [`PixelRange::Symmetric`].
pub fn networks() -> Networks {
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                Linear::new(l, "dense", LATENT, 128 * 8 * 8, linear_init(LATENT)),
                Reshape::Unflatten([8, 8, 128]),
                norm(l, "dense_norm", 128, FIRST_EPSILON),
                UpsampleConv::new(l, "up1", (128, 128), conv_init(128)),
                norm(l, "up1_norm", 128, EPSILON),
                LeakyRelu(SLOPE),
                UpsampleConv::new(l, "up2", (128, 64), conv_init(128)),
                norm(l, "up2_norm", 64, EPSILON),
                LeakyRelu(SLOPE),
                Conv2d::new(l, "output", (64, 1), 3, (1, 1), conv_init(64)),
                Tanh,
            ]
        }),
        latent: LatentDistribution::Normal { size: LATENT },
        image_side: SIDE,
        pixel_range: PixelRange::Symmetric,
        data_parallel: false, // Batch norm.
    };
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                down(l, "down1", (1, 16)),
                LeakyRelu(SLOPE),
                ChannelDropout(DROPOUT),
                down(l, "down2", (16, 32)),
                LeakyRelu(SLOPE),
                ChannelDropout(DROPOUT),
                norm(l, "down2_norm", 32, EPSILON),
                down(l, "down3", (32, 64)),
                LeakyRelu(SLOPE),
                ChannelDropout(DROPOUT),
                norm(l, "down3_norm", 64, EPSILON),
                down(l, "down4", (64, 128)),
                LeakyRelu(SLOPE),
                ChannelDropout(DROPOUT),
                norm(l, "down4_norm", 128, EPSILON),
                Reshape::Flatten,
                Linear::new(l, "output", 128 * 2 * 2, 1, linear_init(128 * 2 * 2)),
            ]
        }),
        data_parallel: false, // Batch norm and dropout.
    };
    Networks::new(generator, discriminator)
}

/// Weights as in the paper, biases by PyTorch's default.
fn conv_init(inputs: i64) -> AffineInit {
    let (weight, bias) = (Init::normal(0.02), Init::torch_default(inputs * 9));
    AffineInit { weight, bias }
}

fn linear_init(inputs: i64) -> AffineInit {
    let (weight, bias) = (Init::torch_default(inputs), Init::torch_default(inputs));
    AffineInit { weight, bias }
}

fn norm(layout: &mut ParamLayout, name: &str, channels: i64, epsilon: f64) -> BatchNorm {
    let gamma = Init::Normal { mean: 1.0, std: 0.02 };
    BatchNorm::new(layout, name, channels, gamma, epsilon, NormAxis::Channels)
}

/// 3×3, stride 2: `[n, inputs, h, w]` → `[n, outputs, h/2, w/2]`.
fn down(layout: &mut ParamLayout, name: &str, channels: (i64, i64)) -> Conv2d {
    Conv2d::new(layout, name, channels, 3, (2, 1), conv_init(channels.0))
}
