//! The default networks: small and convolutional, without normalization, designed for good
//! digits after the shortest training on a CPU.

use gan_graph::Op;
use tch::Tensor;

use crate::export::{ExportError, ExportResult, GraphExport};
use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::LeakyRelu;
use crate::layers::{
    ConcatLabels, Conv2d, ConvTranspose2d, Dependency, ForwardContext, Layer, Linear, Projection,
    Reshape,
};
use crate::network::Networks;
use crate::params::{Init, ParamLayout, Weights};
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

/// Rows and columns of an image.
const SIDE: i64 = 28;
/// Normal values of a latent. MNIST's intrinsic dimension is not much larger. With 64 values,
/// more samples mix two digits.
const LATENT: i64 = 16;
/// Clusters of the unconditional latents. A single cluster is connected, so G also generates
/// images between digits (Khayatkhoei et al. 2018). G learns what each cluster generates.
const CLUSTERS: i64 = 10;
/// The clusters' distance from the origin in standard deviations of the normal
/// values. G ignores the cluster at a distance of 1.
const CLUSTER_SCALE: f64 = 2.0;
/// Channels at 7×7, where most of the arithmetic is.
const CHANNELS_7: i64 = 64;
/// Channels at 4×4, where D's receptive field covers the digit.
const CHANNELS_4: i64 = 128;
/// Channels at 14×14, the finest grid of both networks: input and output images
/// are stored as 2×2 blocks of pixels in four channels (Shi et al. 2016).
const CHANNELS_14: i64 = 32;
/// Negative slope of the leaky ReLUs, as in most GANs since Radford et al. 2016.
const SLOPE: f64 = 0.2;
/// The most frequent foreground pixel of MNIST, 253 of 255, in [`PixelRange::Symmetric`].
const WHITE: f64 = 2.0 * 253.0 / 255.0 - 1.0;
/// Width of the ranges below -1 and above [`WHITE`] that [`Saturate`] maps to
/// exactly -1 and [`WHITE`].
const PLATEAU_WIDTH: f64 = 1.5;
/// Slope of [`Saturate`] beyond these ranges.
const OUTER_SLOPE: f64 = 0.1;

/// The networks.
///
/// G: linear to 7×7, 3×3, up to 14×14, 3×3, 3×3 to 2×2 blocks of pixels. D: 2×2
/// blocks of pixels, 3×3, down to 7×7, 3×3, down to 4×4, linear to the logit. Images
/// are 28×28 in [`PixelRange::Symmetric`]; few pixels of G lie outside.
pub fn networks() -> Networks {
    build(1, None)
}

/// The networks conditional on the class; `classes` is the number of classes.
///
/// G takes the one-hot class in place of the cluster. In D the class selects one of
/// further linear outputs, which is added to the logit: the projection of Miyato and
/// Koyama 2018, eq. 3.
pub fn conditional(classes: i64) -> Networks {
    build(1, Some(classes))
}

/// The unconditional networks with `width` times as many channels in each layer, for
/// benchmarks; `width` is at least 1.
pub fn wide(width: i64) -> Networks {
    build(width, None)
}

fn build(width: i64, classes: Option<i64>) -> Networks {
    let [fine, coarse, deep] = [CHANNELS_14, CHANNELS_7, CHANNELS_4].map(|c| width * c);
    let inputs = LATENT + classes.unwrap_or(CLUSTERS);
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                ConcatLabels(classes),
                Linear::new(l, "dense", inputs, 49 * coarse, he_leaky(LATENT)),
                LeakyRelu(SLOPE),
                Reshape::Unflatten([7, 7, coarse]),
                conv(l, "coarse", (coarse, coarse), 3, 1),
                LeakyRelu(SLOPE),
                // Each output pixel uses 2×2 positions of the 4×4 kernel: fan-in is 4 × inputs.
                ConvTranspose2d::new(l, "up", (coarse, fine), he_leaky(coarse * 4)),
                LeakyRelu(SLOPE),
                conv(l, "fine", (fine, fine), 3, 1),
                LeakyRelu(SLOPE),
                conv(l, "output", (fine, 4), 3, 1),
                Reshape::PixelShuffle,
                Saturate,
            ]
        }),
        latent: match classes {
            Some(_) => LatentDistribution::Normal { size: LATENT },
            None => LatentDistribution::Mixture {
                normal_size: LATENT,
                clusters: CLUSTERS,
                scale: CLUSTER_SCALE,
            },
        },
        image_side: SIDE,
        pixel_range: PixelRange::Symmetric,
        data_parallel: true,
    };
    let units = 16 * deep;
    let linear =
        |l: &mut ParamLayout, name, outputs| Linear::new(l, name, units, outputs, he_leaky(units));
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Reshape::PixelUnshuffle,
                conv(l, "input", (4, fine), 3, 1),
                LeakyRelu(SLOPE),
                conv(l, "down", (fine, coarse), 4, 2),
                LeakyRelu(SLOPE),
                conv(l, "coarse", (coarse, coarse), 3, 1),
                LeakyRelu(SLOPE),
                conv(l, "deep", (coarse, deep), 3, 2),
                LeakyRelu(SLOPE),
                Reshape::Flatten,
                Projection {
                    logit: linear(l, "dense", 1),
                    // `digits` is the name in existing checkpoints.
                    classes: classes.map(|classes| (classes, linear(l, "digits", classes))),
                },
            ]
        }),
        data_parallel: true,
    };
    Networks::new(generator, discriminator)
}

/// He et al. 2015 for a leaky ReLU: gain² = 2 / (1 + slope²).
fn he_leaky(fan_in: i64) -> Init {
    Init::he_normal(fan_in, (2.0 / (1.0 + SLOPE * SLOPE)).sqrt())
}

/// A convolution with padding 1; `channels` are inputs and outputs.
fn conv(l: &mut ParamLayout, name: &str, channels: (i64, i64), kernel: i64, stride: i64) -> Conv2d {
    let init = he_leaky(channels.0 * kernel * kernel);
    Conv2d::new(l, name, channels, kernel, (stride, 1), init)
}

/// G's output activation, piecewise linear.
///
/// | x | value | gradient |
/// |---|---|---|
/// | -1 to [`WHITE`] | x | 1 |
/// | up to 1.5 below or above | -1 or [`WHITE`] | 0.1 |
/// | beyond | continues with slope 0.1 | 0.1 |
///
/// A hyperbolic tangent saturates on the black background early in training. This function
/// always has a gradient. On the plateaus, pixels are exactly black or white. Without them, G
/// leaves gray pixels that D does not penalize. The outer slope limits the input values.
#[derive(Debug)]
struct Saturate;

impl Layer for Saturate {
    fn forward(&self, _: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let inside = x.clamp(-1.0, WHITE);
        let plateau = (x.clamp(-1.0 - PLATEAU_WIDTH, WHITE + PLATEAU_WIDTH) - &inside).detach();
        &inside + (x - &inside - plateau) * OUTER_SLOPE
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let mut clip = |low, high| {
            let (low, high) = (export.add_scalar(low)?, export.add_scalar(high)?);
            Ok::<_, ExportError>(export.graph.node(Op::Clip, &[x, &low, &high])?)
        };
        let inside = clip(-1.0, WHITE)?;
        let plateau = clip(-1.0 - PLATEAU_WIDTH, WHITE + PLATEAU_WIDTH)?;
        let slope = export.add_scalar(OUTER_SLOPE)?;
        let outside = export.graph.node(Op::Sub, &[x, &plateau])?;
        let outside = export.graph.node(Op::Mul, &[&outside, &slope])?;
        Ok(export.graph.node(Op::Add, &[&inside, &outside])?)
    }
}
