//! Batch normalization (Ioffe and Szegedy 2015) with the batch's own statistics.

use gan_graph::Op;
use tch::Tensor;

use super::{Dependency, ForwardContext, Layer};
use crate::export::{ExportError, ExportResult, GraphExport};
use crate::params::{Init, ParamId, ParamLayout, Weights};

/// `γ (x - mean) / √(variance + ε) + β` with the mean and variance of the batch,
/// both in training and when sampling.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm {
    gamma: ParamId,
    beta: ParamId,
    epsilon: f64,
    axis: NormAxis,
}

/// The axis of `[n, c, h, w]` that keeps its own mean and variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormAxis {
    /// The channels, as usual: statistics over images, rows and columns.
    Channels,
    /// The image columns: statistics over images, channels and rows.
    ///
    /// Keras does this if channels come first and its `axis` stays at the default,
    /// the last.
    Columns,
}

impl BatchNorm {
    /// Declares `NAME.gamma` `[size]` and `NAME.beta` `[size]`, which starts at 0.
    /// `size` is the length of `axis`.
    pub fn new(
        layout: &mut ParamLayout,
        name: &str,
        size: i64,
        gamma: Init,
        epsilon: f64,
        axis: NormAxis,
    ) -> BatchNorm {
        BatchNorm {
            gamma: layout.add(format!("{name}.gamma"), &[size], gamma),
            beta: layout.add(format!("{name}.beta"), &[size], Init::Constant(0.0)),
            epsilon,
            axis,
        }
    }
}

impl Layer for BatchNorm {
    /// Normalizes `[n, c, h, w]`, or `[n, c]` over the channels; the shape is unchanged.
    fn forward(&self, weights: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let gamma = weights.get(self.gamma);
        // `x` `[n, size, …]`. Momentum has no effect without running statistics.
        let (running, training, momentum) = (None::<&Tensor>, true, 0.0);
        let normalize = |x: &Tensor| {
            x.to_kind(gamma.kind()).batch_norm(
                Some(gamma),
                Some(weights.get(self.beta)),
                running,
                running,
                training,
                momentum,
                self.epsilon,
                true,
            )
        };
        if x.dim() != 4 {
            return normalize(x);
        }
        // Channels-last memory is [n, h, w, c]. Viewed as [n·h·w, c] or, for
        // columns, as [n·h, w, c], it needs no copy and has the normalized axis
        // where libtorch expects it. In bf16 the first view is also several times
        // faster than libtorch's batch norm of channels-last images.
        let x = x.permute([0, 2, 3, 1]);
        let last = match self.axis {
            NormAxis::Channels => 2,
            NormAxis::Columns => 1,
        };
        let y = normalize(&x.flatten(0, last));
        y.view_as(&x).permute([0, 3, 1, 2])
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Batch
    }

    fn export(
        &self,
        export: &mut GraphExport,
        x: &str,
        calibration: Option<&Tensor>,
    ) -> ExportResult {
        let weights = export.weights;
        let (gamma, beta) = (weights.get(self.gamma), weights.get(self.beta));
        let x_batch = calibration.ok_or(ExportError::NoCalibration)?.to_kind(gamma.kind());
        // Every axis but the normalized one.
        let axes: &[i64] = match (x_batch.dim(), self.axis) {
            (4, NormAxis::Channels) => &[0, 2, 3],
            (4, NormAxis::Columns) => &[0, 1, 2],
            _ => &[0],
        };
        let (variance, mean) = x_batch.var_mean_dim(axes, false, false);
        if x_batch.dim() == 4 && self.axis == NormAxis::Columns {
            // ONNX's BatchNormalization supports axis 1 only. For columns, multiply and add along
            // the last axis.
            let scale = gamma / (variance + self.epsilon).sqrt();
            let shift = beta - mean * &scale;
            let scale = export.add_layer_tensor(self.gamma, "scale", &scale)?;
            let shift = export.add_layer_tensor(self.gamma, "shift", &shift)?;
            let x = export.graph.node(Op::Mul, &[x, &scale])?;
            return Ok(export.graph.node(Op::Add, &[&x, &shift])?);
        }
        let (gamma, beta) = (export.add_parameter(self.gamma)?, export.add_parameter(self.beta)?);
        let mean = export.add_layer_tensor(self.gamma, "mean", &mean)?;
        let variance = export.add_layer_tensor(self.gamma, "variance", &variance)?;
        let op = Op::BatchNormalization { epsilon: self.epsilon as f32 };
        Ok(export.graph.node(op, &[x, &gamma, &beta, &mean, &variance])?)
    }
}
