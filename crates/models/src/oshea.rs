//! The convolutional networks of O'Shea's KerasGAN (2016): G has 4,262,913
//! parameters, D 9,707,266.

use gan_graph::Op;
use tch::Tensor;

use crate::export::{ExportResult, GraphExport};
use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::{LeakyRelu, Relu, Sigmoid};
use crate::layers::{
    BatchNorm, Conv2d, Dependency, Dropout, ForwardContext, Layer, Linear, NormAxis, Reshape,
    UpsampleConv,
};
use crate::network::Networks;
use crate::params::{Init, ParamLayout, Weights};
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

const LATENT: i64 = 100;
const SIDE: i64 = 28;
/// Channels of G at 14×14; G has half and a quarter of them at 28×28.
const CHANNELS: i64 = 200;
/// ε of the batch norms: Keras's default of 2016. It is small beside the first
/// layer's variance of 4e-4; Keras's later default, 1e-3, is not.
const EPSILON: f64 = 1e-6;
/// Dropout rate after each hidden layer of D.
const DROPOUT: f64 = 0.25;
/// Negative slope of the leaky ReLU after D's hidden linear layer.
const SLOPE: f64 = 0.2;

/// The networks as their author defined them, with [`NormAxis::Columns`] for the
/// batch norms after G's convolutions, or with the usual [`NormAxis::Channels`].
///
/// G: linear to 200×14×14, batch norm, ReLU; ×2, 3×3 to 100, batch norm, ReLU; 3×3
/// to 50, batch norm, ReLU; 1×1 to 1, sigmoid. D: 5×5 stride 2 to 256 channels,
/// ReLU, dropout; 5×5 stride 2 to 512, ReLU, dropout; linear to 256, leaky ReLU,
/// dropout; linear to two. Images are 28×28 in [`PixelRange::Unit`].
///
/// D of the published program ends in a softmax over (fake, real) with categorical
/// cross-entropy. This equals the logistic loss of one logit: the second output
/// minus the first. The published program also has a leaky ReLU after each ReLU of D, which
/// changes nothing. Its "same" padding is Theano's, 2 on every side; TensorFlow's
/// would be 1 above and 2 below.
pub fn networks(norm_axis: NormAxis) -> Networks {
    let units = CHANNELS * 14 * 14;
    let up = (CHANNELS, CHANNELS / 2);
    let fine = (CHANNELS / 2, CHANNELS / 4);
    let output = (CHANNELS / 4, 1);
    let norm = |l: &mut ParamLayout, name, channels, axis| {
        let size = match axis {
            NormAxis::Columns => SIDE,
            NormAxis::Channels => channels,
        };
        BatchNorm::new(l, name, size, Init::Constant(1.0), EPSILON, axis)
    };
    let dense_init = Init::glorot_normal(LATENT, units);
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                Linear::new(l, "dense", LATENT, units, dense_init),
                norm(l, "dense_norm", units, NormAxis::Channels),
                Relu,
                Reshape::Unflatten([14, 14, CHANNELS]),
                UpsampleConv::new(l, "up", up, glorot(up, 3)),
                norm(l, "up_norm", up.1, norm_axis),
                Relu,
                Conv2d::new(l, "fine", fine, 3, (1, 1), glorot(fine, 3)),
                norm(l, "fine_norm", fine.1, norm_axis),
                Relu,
                Conv2d::new(l, "output", output, 1, (1, 0), glorot(output, 1)),
                Sigmoid,
            ]
        }),
        latent: LatentDistribution::Uniform { size: LATENT, low: 0.0, high: 1.0 },
        image_side: SIDE,
        pixel_range: PixelRange::Unit,
        data_parallel: false, // Batch norm.
    };
    let (down1, down2, units) = ((1, 256), (256, 512), 512 * 7 * 7);
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Conv2d::new(l, "down1", down1, 5, (2, 2), glorot(down1, 5)),
                Relu,
                Dropout(DROPOUT),
                Conv2d::new(l, "down2", down2, 5, (2, 2), glorot(down2, 5)),
                Relu,
                Dropout(DROPOUT),
                Reshape::Flatten,
                Linear::new(l, "dense", units, 256, Init::glorot_uniform(units, 256)),
                LeakyRelu(SLOPE),
                Dropout(DROPOUT),
                Linear::new(l, "output", 256, 2, Init::glorot_uniform(256, 2)),
                RealMinusFake,
            ]
        }),
        data_parallel: false, // Dropout.
    };
    Networks::new(generator, discriminator)
}

/// Keras's default for a convolution; its fans count the kernel's positions.
fn glorot((inputs, outputs): (i64, i64), kernel: i64) -> Init {
    let area = kernel * kernel;
    Init::glorot_uniform(inputs * area, outputs * area)
}

/// `[n, 2]` → `[n]`: the output for "real" minus the output for "fake".
#[derive(Debug)]
struct RealMinusFake;

impl Layer for RealMinusFake {
    fn forward(&self, _: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        x.select(1, 1) - x.select(1, 0)
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let difference =
            export.add_tensor("real_minus_fake", &Tensor::from_slice2(&[[-1f32, 1.0]]))?;
        let x = export.graph.node(Op::Gemm, &[x, &difference])?;
        Ok(export.graph.reshape(&x, &[0])?)
    }
}
