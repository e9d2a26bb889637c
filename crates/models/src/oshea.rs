//! The convolutional pair of O'Shea's KerasGAN (2016): G 4,262,913 parameters,
//! D 9,707,266.

use tch::Tensor;

use crate::layers::{
    BatchNorm, Conv2d, Linear, UpsampleConv, dropout, leaky_relu, to_compute_kind,
};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const LATENT: i64 = 100;
const SIDE: i64 = 28;
/// Channels of G at 14×14; half and a quarter of them at 28×28.
const CHANNELS: i64 = 200;
/// Of the batch norms: Keras's default at the time, which hardly counts beside
/// the first layer's variance of 4e-4. Its later 1e-3 would.
const EPSILON: f64 = 1e-6;
/// D's, after each hidden layer.
const DROPOUT: f64 = 0.25;
/// Of D's dense layer.
const SLOPE: f64 = 0.2;

/// Keras's default for a convolution, whose fans count the kernel's taps.
fn glorot((inputs, outputs): (i64, i64), kernel: i64) -> Init {
    let taps = kernel * kernel;
    Init::glorot_uniform(inputs * taps, outputs * taps)
}

/// What the batch norms after G's convolutions normalize over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OsheaNorm {
    /// The columns of the image, the last axis, as the original does: it leaves
    /// Keras's `axis` at -1 while its channels come first.
    Columns,
    /// The channels, as is usual.
    Channels,
}

/// Dense to 200×14×14, batch norm, ReLU; ×2, 3×3 to 100, batch norm, ReLU; 3×3
/// to 50, batch norm, ReLU; 1×1 to 1, sigmoid; 28×28 pixels in
/// [`PixelRange::Unit`](crate::PixelRange::Unit).
#[derive(Debug)]
pub struct OsheaGenerator {
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
    /// The network, its author's with [`OsheaNorm::Columns`].
    pub fn new(norm: OsheaNorm) -> OsheaGenerator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let one = Init::Constant(1.0);
        let normalize = |l: &mut Layout, name, channels| match norm {
            OsheaNorm::Columns => BatchNorm::columns(l, name, SIDE, one.clone(), EPSILON),
            OsheaNorm::Channels => BatchNorm::channels(l, name, channels, one.clone(), EPSILON),
        };
        let units = CHANNELS * 14 * 14;
        let up = (CHANNELS, CHANNELS / 2);
        let fine = (CHANNELS / 2, CHANNELS / 4);
        let output = (CHANNELS / 4, 1);
        OsheaGenerator {
            dense: Linear::new(
                l,
                "dense",
                LATENT,
                units,
                Init::glorot_normal(LATENT, units),
            ),
            dense_norm: BatchNorm::channels(l, "dense_norm", units, one.clone(), EPSILON),
            up: UpsampleConv::new(l, "up", up, glorot(up, 3)),
            up_norm: normalize(l, "up_norm", up.1),
            fine: Conv2d::new(l, "fine", fine, 3, (1, 1), glorot(fine, 3)),
            fine_norm: normalize(l, "fine_norm", fine.1),
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
        false
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let z = to_compute_kind(latents, weights);
        let x = self.dense.forward(weights, &z);
        let x = self.dense_norm.forward(weights, &x).relu();
        // Units read as [14, 14, 200], channels-last without a copy; the
        // original's order, [200, 14, 14], only names them otherwise.
        let x = x.view([-1, 14, 14, CHANNELS]).permute([0, 3, 1, 2]);
        let x = self.up.forward(weights, &x);
        let x = self.up_norm.forward(weights, &x).relu();
        let x = self.fine.forward(weights, &x);
        let x = self.fine_norm.forward(weights, &x).relu();
        self.output.forward(weights, &x).sigmoid()
    }
}

/// 5×5 stride 2 to 256 channels, ReLU, dropout; 5×5 stride 2 to 512, ReLU,
/// dropout; dense to 256, leaky ReLU, dropout; dense to two.
///
/// The original ends in a softmax over (forged, real) with categorical
/// cross-entropy. A softmax over two outputs is the logistic function of their
/// difference and its cross-entropy the logistic loss, so that the logit is the
/// second output minus the first.
///
/// The original puts a leaky ReLU after each ReLU, which changes nothing. Its
/// "same" padding is Theano's, 2 on every side, where TensorFlow's would be 1
/// above and 2 below.
#[derive(Debug)]
pub struct OsheaDiscriminator {
    layout: Layout,
    down1: Conv2d,
    down2: Conv2d,
    dense: Linear,
    output: Linear,
}

impl OsheaDiscriminator {
    /// The network as its author defined it.
    pub fn new() -> OsheaDiscriminator {
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

impl Default for OsheaDiscriminator {
    fn default() -> Self {
        OsheaDiscriminator::new()
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
        false
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor {
        let x = to_compute_kind(images, weights);
        let x = dropout(&self.down1.forward(weights, &x).relu(), DROPOUT, mode);
        let x = dropout(&self.down2.forward(weights, &x).relu(), DROPOUT, mode);
        // Read in memory order, [n, 7, 7, 512], so that nothing is copied.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let x = leaky_relu(&self.dense.forward(weights, &x), SLOPE);
        let x = dropout(&x, DROPOUT, mode);
        let forged_real = self.output.forward(weights, &x);
        forged_real.select(1, 1) - forged_real.select(1, 0)
    }
}
