//! Convolution of an image upsampled ×2, computed on the small image.

use tch::Tensor;

use super::conv::{TRANSPOSE_2X, conv_transpose_2x};
use super::{Affine, AffineInit, Dependency, ForwardContext, Layer};
use crate::export::{ExportResult, GraphExport};
use crate::params::{ParamLayout, Weights};

/// Nearest-neighbor upsampling ×2, then a 3×3 convolution with zero padding 1.
///
/// Each output pixel depends on at most 2×2 input pixels. The two operations
/// therefore equal one transposed convolution of the small image with kernel 4,
/// stride 2 and padding 1, whose kernel holds sums of the 3×3 kernel's values. This
/// computes the same function of the same parameters with 4/9 of the arithmetic.
#[derive(Debug, Clone, Copy)]
pub struct UpsampleConv(Affine);

/// `ROW_SUMS[k][j]` is 1 if row k of the 4×4 kernel contains row j of the 3×3 kernel.
const ROW_SUMS: [[f32; 3]; 4] = [[0., 0., 1.], [0., 1., 1.], [1., 1., 0.], [1., 0., 0.]];

impl UpsampleConv {
    /// Declares `NAME.weight` `[outputs, inputs, 3, 3]` and `NAME.bias`
    /// `[outputs]`.
    pub fn new(
        layout: &mut ParamLayout,
        name: &str,
        (inputs, outputs): (i64, i64),
        init: impl Into<AffineInit>,
    ) -> UpsampleConv {
        let shape = [outputs, inputs, 3, 3];
        UpsampleConv(Affine::new(layout, name, &shape, outputs, init.into()))
    }
}

impl Layer for UpsampleConv {
    /// `[n, inputs, h, w]` → `[n, outputs, 2h, 2w]`.
    fn forward(&self, weights: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let (weight, bias, x) = self.0.prepare(weights, x);
        conv_transpose_2x(&x, &transposed_kernel(weight), bias)
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let (weight, bias) = (self.0.weight, self.0.bias);
        let kernel = transposed_kernel(export.weights.get(weight));
        let kernel = export.add_layer_tensor(weight, "transposed_weight", &kernel)?;
        let bias = export.add_parameter(bias)?;
        Ok(export.graph.node(TRANSPOSE_2X, &[x, &kernel, &bias])?)
    }
}

/// `[o, i, 3, 3]` → `[i, o, 4, 4]`, `K = S w Sᵀ` for each pair of channels.
fn transposed_kernel(weight: &Tensor) -> Tensor {
    let size = weight.size();
    let (o, i) = (size[0], size[1]);
    let sums = Tensor::from_slice2(&ROW_SUMS).to_device(weight.device()).to_kind(weight.kind());
    // Kernels lie in memory as [o, 3, 3, i]: (S ⊗ S) [16, 9] times [o, 9, i].
    let flat = weight.permute([0, 2, 3, 1]).reshape([o, 9, i]);
    let kernels = sums.kron(&sums).matmul(&flat).view([o, 4, 4, i]);
    kernels.permute([3, 1, 2, 0]).contiguous().permute([0, 3, 1, 2])
}
