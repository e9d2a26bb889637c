//! The layers that networks are made of; each declares its parameters in a
//! [`Layout`] and computes from [`Weights`].

use tch::{Kind, Tensor};

use crate::params::{Init, Layout, ParamId, Weights};

/// `y = x Wᵀ + b`.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    weight: ParamId,
    bias: ParamId,
}

impl Linear {
    /// Declares `NAME.weight` `[outputs, inputs]` and `NAME.bias` `[outputs]`,
    /// the latter starting at 0.
    pub fn new(layout: &mut Layout, name: &str, inputs: i64, outputs: i64, init: Init) -> Linear {
        Linear {
            weight: layout.add(format!("{name}.weight"), &[outputs, inputs], init),
            bias: layout.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0)),
        }
    }

    /// `[n, inputs]` → `[n, outputs]`.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        x.linear(weights.get(self.weight), Some(weights.get(self.bias)))
    }
}

/// A square convolution with zero padding.
#[derive(Debug, Clone, Copy)]
pub struct Conv2d {
    weight: ParamId,
    bias: ParamId,
    stride: i64,
    padding: i64,
}

impl Conv2d {
    /// Declares `NAME.weight` `[outputs, inputs, kernel, kernel]` and
    /// `NAME.bias` `[outputs]`, the latter starting at 0.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (inputs, outputs): (i64, i64),
        kernel: i64,
        (stride, padding): (i64, i64),
        init: Init,
    ) -> Conv2d {
        let shape = [outputs, inputs, kernel, kernel];
        Conv2d {
            weight: layout.add(format!("{name}.weight"), &shape, init),
            bias: layout.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0)),
            stride,
            padding,
        }
    }

    /// `[n, inputs, h, w]` → `[n, outputs, h', w']` with
    /// `h' = (h + 2 padding - kernel) / stride + 1`.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        x.conv2d(
            weights.get(self.weight),
            Some(weights.get(self.bias)),
            self.stride,
            self.padding,
            1,
            1,
        )
    }
}

/// A transposed convolution, kernel 4, stride 2, padding 1: twice the size.
#[derive(Debug, Clone, Copy)]
pub struct ConvUp2d {
    weight: ParamId,
    bias: ParamId,
}

impl ConvUp2d {
    /// Declares `NAME.weight` `[inputs, outputs, 4, 4]` and `NAME.bias`
    /// `[outputs]`, the latter starting at 0.
    pub fn new(
        layout: &mut Layout,
        name: &str,
        (inputs, outputs): (i64, i64),
        init: Init,
    ) -> ConvUp2d {
        let shape = [inputs, outputs, 4, 4];
        ConvUp2d {
            weight: layout.add(format!("{name}.weight"), &shape, init),
            bias: layout.add(format!("{name}.bias"), &[outputs], Init::Constant(0.0)),
        }
    }

    /// `[n, inputs, h, w]` → `[n, outputs, 2h, 2w]`.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        x.conv_transpose2d(
            weights.get(self.weight),
            Some(weights.get(self.bias)),
            2,
            1,
            0,
            1,
            1,
        )
    }
}

/// `max(x, slope·x)`, for a slope between 0 and 1.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Tensor {
    // tch offers the activation with slope 0.01 only, but its backward
    // function, g ↦ g·(1 or slope by the sign of x), with any: applied to x
    // itself that is the activation, one kernel forward and one backward.
    x.detach().leaky_relu_backward(x, slope, false)
}

/// The same values `[n, c, h, w]` laid out channels-last in memory.
pub fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// `x` in the kind that `weights` compute in.
pub fn to_compute_kind(x: &Tensor, weights: &Weights) -> Tensor {
    let kind: Kind = weights.kind();
    x.to_kind(kind)
}
