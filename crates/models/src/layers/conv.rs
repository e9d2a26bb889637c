//! Convolutions, plain and transposed.

use gan_graph::Op;
use tch::{Device, Kind, Tensor};

use super::{Affine, AffineInit, Dependency, ForwardContext, Layer};
use crate::export::{ExportResult, GraphExport};
use crate::params::{ParamLayout, Weights};

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
        layout: &mut ParamLayout,
        name: &str,
        (inputs, outputs): (i64, i64),
        kernel: i64,
        (stride, padding): (i64, i64),
        init: impl Into<AffineInit>,
    ) -> Conv2d {
        let shape = [outputs, inputs, kernel, kernel];
        Conv2d { affine: Affine::new(layout, name, &shape, outputs, init.into()), stride, padding }
    }
}

impl Layer for Conv2d {
    /// `[n, inputs, h, w]` → `[n, outputs, h', w']` with
    /// `h' = (h + 2 padding - kernel) / stride + 1`.
    fn forward(&self, weights: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let (weight, bias, x) = self.affine.prepare(weights, x);
        let (outputs, kernel) = (weight.size()[0], weight.size()[3]);
        let one_channel = outputs == 1 && kernel > 1 && self.stride == 1 && self.padding < kernel;
        if one_channel && x.device() == Device::Cpu {
            return to_one_channel(&x, weight, bias, self.padding);
        }
        x.conv2d(weight, Some(bias), self.stride, self.padding, 1, 1)
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let [stride, padding] = [self.stride, self.padding].map(|length| length as usize);
        self.affine.export(export, Op::Conv { stride, padding }, x)
    }
}

/// A convolution to one output channel with stride 1, weight `[1, inputs, k, k]`
/// and padding below `k`.
///
/// oneDNN computes at least 16 output channels. Here one matrix product multiplies
/// each input pixel with all k² kernel positions, and `col2im` sums the products
/// that belong to the same output pixel.
fn to_one_channel(x: &Tensor, weight: &Tensor, bias: &Tensor, padding: i64) -> Tensor {
    let (kernel, size) = (weight.size()[3], x.size());
    let (n, h, w) = (size[0], size[2], size[3]);
    // [k², inputs] times [inputs, n·h·w], from channels-last memory. The kernel is
    // flipped because col2im scatters where a convolution gathers.
    let taps = weight.flip([2, 3]).permute([2, 3, 0, 1]).flatten(0, 2);
    let pixels = x.permute([0, 2, 3, 1]).flatten(0, 2);
    let products = taps.matmul(&pixels.tr()).view([-1, n, h * w]);
    let crop = kernel - 1 - padding;
    let side = |input: i64| input + 2 * padding - kernel + 1;
    let sum_kind = match x.kind() {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    };
    let sums = products.transpose(0, 1).to_kind(sum_kind).col2im(
        [side(h), side(w)],
        [kernel, kernel],
        [1, 1],
        [crop, crop],
        [1, 1],
    );
    (sums + bias.to_kind(sum_kind)).to_kind(x.kind())
}

/// A transposed convolution with kernel 4, stride 2 and padding 1, which doubles the
/// image size.
#[derive(Debug, Clone, Copy)]
pub struct ConvTranspose2d(Affine);

impl ConvTranspose2d {
    /// Declares `NAME.weight` `[inputs, outputs, 4, 4]` and `NAME.bias`
    /// `[outputs]`.
    pub fn new(
        layout: &mut ParamLayout,
        name: &str,
        (inputs, outputs): (i64, i64),
        init: impl Into<AffineInit>,
    ) -> ConvTranspose2d {
        let shape = [inputs, outputs, 4, 4];
        ConvTranspose2d(Affine::new(layout, name, &shape, outputs, init.into()))
    }
}

impl Layer for ConvTranspose2d {
    /// `[n, inputs, h, w]` → `[n, outputs, 2h, 2w]`.
    fn forward(&self, weights: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let (weight, bias, x) = self.0.prepare(weights, x);
        conv_transpose_2x(&x, weight, bias)
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        self.0.export(export, TRANSPOSE_2X, x)
    }
}

/// The operator of [`ConvTranspose2d`].
pub(super) const TRANSPOSE_2X: Op = Op::ConvTranspose { stride: 2, padding: 1 };

/// The function of [`ConvTranspose2d`], weight `[inputs, outputs, 4, 4]`.
pub(super) fn conv_transpose_2x(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    let (stride, padding) = (2, 1);
    let mut y = x.conv_transpose2d(weight, None::<&Tensor>, stride, padding, 0, 1, 1);
    // On a CPU, libtorch's bias gradient of a transposed convolution is slow: it
    // takes two thirds as long as the weight gradient. That of an addition is fast.
    let _ = y.g_add_(&bias.view([1, -1, 1, 1]));
    y
}
