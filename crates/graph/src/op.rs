//! The operators: those of ONNX that the networks need, with their attributes.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

/// An operator of the ONNX standard with its attributes.
///
/// Each variant has the name of its operator. Attributes without a field have the
/// value stated here, or ONNX's default. `FromStr` parses a name only: attributes with a field are
/// then 0 or empty.
#[derive(Debug, Clone, PartialEq, Serialize, EnumString, IntoStaticStr)]
#[serde(tag = "op")]
pub enum Op {
    /// `x · weightᵀ + bias`. Inputs: x `[n, i]`, weight `[o, i]`, optional bias `[o]`.
    /// `transB` is 1.
    Gemm,
    /// A square convolution with zero padding. Inputs: x `[n, i, h, w]`, weight
    /// `[o, i, k, k]`, optional bias `[o]`. Output: `[n, o, h', w']` with
    /// `h' = (h + 2 padding - k) / stride + 1`, rounded down.
    Conv {
        /// `strides`: pixels between positions.
        stride: usize,
        /// `pads`: zeros on each side.
        padding: usize,
    },
    /// A square transposed convolution. Inputs: x `[n, i, h, w]`, weight
    /// `[i, o, k, k]`, optional bias `[o]`. Output: `[n, o, h', w']` with
    /// `h' = (h - 1) stride - 2 padding + k`.
    ConvTranspose {
        /// `strides`: output pixels between input pixels.
        stride: usize,
        /// `pads`: output pixels cut off on each side.
        padding: usize,
    },
    /// `max(x, 0)`.
    Relu,
    /// `x` where `x ≥ 0`, otherwise `alpha · x`.
    LeakyRelu {
        /// The slope below 0.
        alpha: f32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `min(max(x, low), high)`. Inputs: x, low `[]`, high `[]`.
    Clip,
    /// `a + b`. Shapes broadcast: they are aligned at the last axis, and an axis of
    /// length 1 or a missing axis is repeated.
    Add,
    /// `a - b` with broadcasting as in [`Op::Add`].
    Sub,
    /// `a · b` with broadcasting as in [`Op::Add`].
    Mul,
    /// The largest value along the axes. Inputs: x, axes i64 `[k]`, which is a
    /// tensor of the graph. `keepdims` is 0: the axes disappear.
    ReduceMax,
    /// The sum along the axes; otherwise as [`Op::ReduceMax`].
    ReduceSum,
    /// Joins its inputs along an axis.
    Concat {
        /// The axis, from 0.
        axis: usize,
    },
    /// Another shape for the same values in row-major order. Inputs: x, shape i64
    /// `[k]`, which is a tensor of the graph. In it 0 means the length of the same
    /// axis of x, such as the batch, and one -1 means the remaining length.
    Reshape,
    /// Reorders the axes: axis `i` of the output is axis `perm[i]` of x.
    Transpose {
        /// A permutation of the axes.
        perm: Vec<usize>,
    },
    /// `[n, c b², h, w]` → `[n, c, b h, b w]`: channel `c b² + y b + x` becomes the
    /// pixel at row y and column x of each block. `mode` is `CRD`.
    DepthToSpace {
        /// `b`: rows and columns of a block.
        blocksize: usize,
    },
    /// `[n, c, b h, b w]` → `[n, c b², h, w]`: the pixel at row y and column x of
    /// each block becomes channel `(y b + x) c`. The inverse of
    /// [`Op::DepthToSpace`] for one channel.
    SpaceToDepth {
        /// `b`: rows and columns of a block.
        blocksize: usize,
    },
    /// `scale (x - mean) / √(variance + epsilon) + bias` for each channel, axis 1 of
    /// x. Inputs: x `[n, c, …]`, scale, bias, mean and variance, each `[c]`.
    BatchNormalization {
        /// Added to the variance.
        epsilon: f32,
    },
    /// A new last axis that is 1 at the label and 0 elsewhere. Inputs: labels i64
    /// `[n]`, depth i64 `[]`, which is a tensor of the graph, and values f32 `[2]`:
    /// the value elsewhere and the value at the label. Output: f32 `[n, depth]`.
    OneHot,
}

impl Op {
    /// The operator's name in ONNX.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
