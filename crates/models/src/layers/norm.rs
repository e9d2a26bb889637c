//! Batch norm (Ioffe and Szegedy 2015), always by the batch's own statistics.

use tch::Tensor;

use crate::params::{Init, Layout, ParamId, Weights};

/// `γ (x - mean) / √(variance + ε) + β`, mean and variance those of the batch,
/// in training and when sampling alike.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm {
    gamma: ParamId,
    beta: ParamId,
    epsilon: f64,
    axis: Axis,
}

impl BatchNorm {
    /// Over the channels of `[n, channels, h, w]` or the features of
    /// `[n, channels]`. Declares `NAME.gamma` and `NAME.beta`, `[channels]`, the
    /// latter starting at 0.
    pub fn channels(
        layout: &mut Layout,
        name: &str,
        channels: i64,
        gamma: Init,
        epsilon: f64,
    ) -> BatchNorm {
        BatchNorm::new(layout, name, channels, gamma, epsilon, Axis::Channels)
    }

    /// Over the columns of `[n, c, h, columns]`: mean and variance are taken
    /// over images, channels and rows. This is what Keras does with its default
    /// axis, the last, when channels come first. Declares `NAME.gamma` and
    /// `NAME.beta`, `[columns]`, the latter starting at 0.
    pub fn columns(
        layout: &mut Layout,
        name: &str,
        columns: i64,
        gamma: Init,
        epsilon: f64,
    ) -> BatchNorm {
        BatchNorm::new(layout, name, columns, gamma, epsilon, Axis::Columns)
    }

    fn new(
        layout: &mut Layout,
        name: &str,
        size: i64,
        gamma: Init,
        epsilon: f64,
        axis: Axis,
    ) -> BatchNorm {
        BatchNorm {
            gamma: layout.add(format!("{name}.gamma"), &[size], gamma),
            beta: layout.add(format!("{name}.beta"), &[size], Init::Constant(0.0)),
            epsilon,
            axis,
        }
    }

    /// `[n, c, h, w]`, or `[n, c]` over channels, to the same shape.
    pub fn forward(&self, weights: &Weights, x: &Tensor) -> Tensor {
        if x.dim() != 4 {
            return self.normalize(weights, x);
        }
        // Channels-last memory is [n, h, w, c]. Read as [n·h·w, c] or, for
        // columns, as [n·h, w, c], it needs no copy and has the size that is
        // normalized where libtorch expects it; in bf16 the first way is also
        // several times faster than libtorch's own for channels-last.
        let x = x.permute([0, 2, 3, 1]);
        let last = match self.axis {
            Axis::Channels => 2,
            Axis::Columns => 1,
        };
        let y = self.normalize(weights, &x.flatten(0, last));
        y.view_as(&x).permute([0, 3, 1, 2])
    }

    /// `x` `[n, size, …]`.
    fn normalize(&self, weights: &Weights, x: &Tensor) -> Tensor {
        // Without running statistics there is nothing for momentum to do.
        let (running, momentum) = (None::<&Tensor>, 0.0);
        x.batch_norm(
            Some(weights.get(self.gamma)),
            Some(weights.get(self.beta)),
            running,
            running,
            true,
            momentum,
            self.epsilon,
            true,
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Axis {
    Channels,
    Columns,
}
