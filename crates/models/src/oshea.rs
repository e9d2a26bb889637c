//! The convolutional networks of O'Shea's KerasGAN (2016): G has 4,262,913
//! parameters, D 9,707,266.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::{BatchNorm, Conv2d, Linear, NormAxis, UpsampleConv, dropout, leaky_relu};
use crate::network::{Discriminator, Generator, Mode, Networks};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

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
/// D of the original ends in a softmax over (fake, real) with categorical
/// cross-entropy. This equals the logistic loss of one logit: the second output
/// minus the first. The original also has a leaky ReLU after each ReLU of D, which
/// changes nothing. Its "same" padding is Theano's, 2 on every side; TensorFlow's
/// would be 1 above and 2 below.
pub fn networks(norm_axis: NormAxis) -> Networks {
    Networks::new(OsheaGenerator::new(norm_axis), OsheaDiscriminator::new())
}

/// Keras's default for a convolution; its fans count the kernel's positions.
fn glorot((inputs, outputs): (i64, i64), kernel: i64) -> Init {
    let area = kernel * kernel;
    Init::glorot_uniform(inputs * area, outputs * area)
}

#[derive(Debug)]
struct OsheaGenerator {
    layout: Layout,
    dense: Linear,
    dense_norm: BatchNorm,
    up: UpsampleConv,
    up_norm: BatchNorm,
    fine: Conv2d,
    fine_norm: BatchNorm,
    output: Conv2d,
}

impl OsheaGenerator {
    fn new(norm_axis: NormAxis) -> OsheaGenerator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let norm = |l: &mut Layout, name, size, axis| {
            BatchNorm::new(l, name, size, Init::Constant(1.0), EPSILON, axis)
        };
        let conv_norm = |l: &mut Layout, name, channels| match norm_axis {
            NormAxis::Columns => norm(l, name, SIDE, norm_axis),
            NormAxis::Channels => norm(l, name, channels, norm_axis),
        };
        let units = CHANNELS * 14 * 14;
        let init = Init::glorot_normal(LATENT, units);
        let up = (CHANNELS, CHANNELS / 2);
        let fine = (CHANNELS / 2, CHANNELS / 4);
        let output = (CHANNELS / 4, 1);
        OsheaGenerator {
            dense: Linear::new(l, "dense", LATENT, units, init),
            dense_norm: norm(l, "dense_norm", units, NormAxis::Channels),
            up: UpsampleConv::new(l, "up", up, glorot(up, 3)),
            up_norm: conv_norm(l, "up_norm", up.1),
            fine: Conv2d::new(l, "fine", fine, 3, (1, 1), glorot(fine, 3)),
            fine_norm: conv_norm(l, "fine_norm", fine.1),
            output: Conv2d::new(l, "output", output, 1, (1, 0), glorot(output, 1)),
            layout,
        }
    }
}

impl Generator for OsheaGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        Latent::Uniform {
            size: LATENT,
            low: 0.0,
            high: 1.0,
        }
    }

    fn conditional(&self) -> bool {
        false
    }

    fn image_side(&self) -> i64 {
        SIDE
    }

    fn pixel_range(&self) -> PixelRange {
        PixelRange::Unit
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
        let x = self.dense_norm.forward(weights, &x).relu();
        // Units are viewed as [14, 14, 200], which is channels-last without a copy.
        // The original's order [200, 14, 14] differs only in the units' numbering.
        let x = x.view([-1, 14, 14, CHANNELS]).permute([0, 3, 1, 2]);
        let x = self.up.forward(weights, &x);
        let x = self.up_norm.forward(weights, &x).relu();
        let x = self.fine.forward(weights, &x);
        let x = self.fine_norm.forward(weights, &x).relu();
        self.output.forward(weights, &x).sigmoid()
    }
}

#[derive(Debug)]
struct OsheaDiscriminator {
    layout: Layout,
    down1: Conv2d,
    down2: Conv2d,
    dense: Linear,
    output: Linear,
}

impl OsheaDiscriminator {
    fn new() -> OsheaDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let (down1, down2, units) = ((1, 256), (256, 512), 512 * 7 * 7);
        OsheaDiscriminator {
            down1: Conv2d::new(l, "down1", down1, 5, (2, 2), glorot(down1, 5)),
            down2: Conv2d::new(l, "down2", down2, 5, (2, 2), glorot(down2, 5)),
            dense: Linear::new(l, "dense", units, 256, Init::glorot_uniform(units, 256)),
            output: Linear::new(l, "output", 256, 2, Init::glorot_uniform(256, 2)),
            layout,
        }
    }
}

impl Discriminator for OsheaDiscriminator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn conditional(&self) -> bool {
        false
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        false // Dropout.
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor {
        let x = self.down1.forward(weights, images).relu();
        let x = dropout(&x, DROPOUT, mode);
        let x = dropout(&self.down2.forward(weights, &x).relu(), DROPOUT, mode);
        // Flattened in memory order, [n, 7, 7, 512], without a copy.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let x = leaky_relu(&self.dense.forward(weights, &x), SLOPE);
        let x = dropout(&x, DROPOUT, mode);
        let fake_real = self.output.forward(weights, &x);
        fake_real.select(1, 1) - fake_real.select(1, 0)
    }
}
