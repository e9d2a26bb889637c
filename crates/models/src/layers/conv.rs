//! Convolutions, plain and transposed.

use tch::{Device, Kind, Tensor};

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
        let size = weight.size();
        let quicker = size[0] == 1 && size[3] > 1 && self.stride == 1 && self.padding < size[3];
        match (bias, x.device()) {
            (Some(bias), Device::Cpu) if quicker => to_one_channel(x, weight, bias, self.padding),
            _ => x.conv2d(weight, bias, self.stride, self.padding, 1, 1),
        }
    }
}

/// [`Conv2d`]'s function for one output channel, weight `[1, inputs, k, k]`, and
/// less padding than `k`.
///
/// oneDNN computes 16 output channels at least. Here the k² products of each
/// input pixel with the kernel's taps are one matrix product, and what is left is
/// to sum, for each output pixel, those that meet there.
fn to_one_channel(x: &Tensor, weight: &Tensor, bias: &Tensor, padding: i64) -> Tensor {
    let (kernel, size) = (weight.size()[3], x.size());
    let (n, h, w) = (size[0], size[2], size[3]);
    // [k², inputs] times [inputs, n·h·w], read from channels-last memory. An
    // output pixel meets the taps in the opposite order.
    let taps = weight.flip([2, 3]).permute([2, 3, 0, 1]).flatten(0, 2);
    let pixels = x.permute([0, 2, 3, 1]).flatten(0, 2);
    let products = taps
        .matmul(&pixels.tr())
        .view([-1, n, h * w])
        .transpose(0, 1);
    let beyond = kernel - 1 - padding;
    let side = |input: i64| input + 2 * padding - kernel + 1;
    let precise = match x.kind() {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    };
    let sums = products.to_kind(precise).col2im(
        [side(h), side(w)],
        [kernel, kernel],
        [1, 1],
        [beyond, beyond],
        [1, 1],
    );
    (sums + bias.to_kind(precise)).to_kind(x.kind())
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
