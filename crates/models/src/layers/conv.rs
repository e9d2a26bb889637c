//! Convolutions, plain and transposed.

use tch::Tensor;

use super::{Affine, AffineInit};
use crate::params::{Layout, Weights};

/// A square convolution with zero padding.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    affine: Affine,
    stride: i64,
    padding: i64,
}

impl Conv2d {
    /// Declares `NAME.weight` `[outputs, inputs, kernel, kernel]` and
    /// `NAME.bias` `[outputs]`.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (inputs, outputs): (i64, i64),
        kernel: i64,
        (stride, padding): (i64, i64),
        init: impl Into<AffineInit>,
    ) -> Conv2d {
        let shape = [outputs, inputs, kernel, kernel];
        Conv2d {
            affine: Affine::new(layout, name, &shape, outputs, init.into()),
            stride,
            padding,
        }
    }

    /// `[n, inputs, h, w]` → `[n, outputs, h', w']` with
    /// `h' = (h + 2 padding - kernel) / stride + 1`.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        let (weight, bias) = self.affine.get(weights);
        x.conv2d(weight, bias, self.stride, self.padding, 1, 1)
    }
}

/// A transposed convolution, kernel 4, stride 2, padding 1: twice the size.
#[derive(Debug, Clone, Copy)]
pub struct ConvUp2d(Affine);

impl ConvUp2d {
    /// Declares `NAME.weight` `[inputs, outputs, 4, 4]` and `NAME.bias`
    /// `[outputs]`.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (inputs, outputs): (i64, i64),
        init: impl Into<AffineInit>,
    ) -> ConvUp2d {
        let shape = [inputs, outputs, 4, 4];
        ConvUp2d(Affine::new(layout, name, &shape, outputs, init.into()))
    }

    /// `[n, inputs, h, w]` → `[n, outputs, 2h, 2w]`.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        let (weight, bias) = self.0.get(weights);
        twice_the_size(x, weight, bias)
    }
}

/// [`ConvUp2d`]'s function, weight `[inputs, outputs, 4, 4]`.
pub(super) fn twice_the_size(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let (stride, padding) = (2, 1);
    let mut y = x.conv_transpose2d(weight, None::<&Tensor>, stride, padding, 0, 1, 1);
    // On processors libtorch sums the bias's gradient of a transposed
    // convolution number by number, for two thirds of the time that the weight's
    // takes; that of a sum is quick.
    if let Some(bias) = bias {
        let _ = y.g_add_(&bias.view([1, -1, 1, 1]));
    }
    y
}

/// The same values `[n, c, h, w]` laid out channels-last in memory.
pub fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
