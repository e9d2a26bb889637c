//! Dropout (Srivastava et al. 2014): zeros random values and scales up the others
//! to keep the mean; inactive when sampling.

use tch::{Device, Kind, Tensor};

use super::{Dependency, ForwardContext, Layer};
use crate::export::{ExportResult, GraphExport};
use crate::network::Mode;
use crate::params::Weights;

/// Zeros each value with this probability, at least 0 and below 1; the shape is unchanged.
///
/// On a CPU the rate is rounded to a multiple of 1/65536.
///
/// # Panics
/// [`Layer::forward`] panics if the rate is outside `[0, 1)`.
#[derive(Debug, Clone, Copy)]
pub struct Dropout(pub f64);

impl Layer for Dropout {
    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        check_rate(self.0);
        let x = x.to_kind(weights.kind());
        if context.mode == Mode::Eval || x.device() != Device::Cpu {
            return x.dropout(self.0, context.mode == Mode::Train);
        }
        let factors = factors(&x, self.0);
        match *x.size().as_slice() {
            // Images are channels-last in memory.
            [n, c, h, w] => x * factors.view([n, h, w, c]).permute([0, 3, 1, 2]),
            _ => &x * factors.view_as(&x),
        }
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, _: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        Ok(x.to_owned())
    }
}

/// Zeros each channel of each image `[n, c, h, w]` with this probability, at least 0
/// and below 1 (Tompson et al. 2015).
///
/// # Panics
/// [`Layer::forward`] panics if the rate is outside `[0, 1)`.
#[derive(Debug, Clone, Copy)]
pub struct ChannelDropout(pub f64);

impl Layer for ChannelDropout {
    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        check_rate(self.0);
        let x = x.to_kind(weights.kind());
        x.feature_dropout(self.0, context.mode == Mode::Train)
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, _: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        Ok(x.to_owned())
    }
}

fn check_rate(rate: f64) {
    assert!((0.0..1.0).contains(&rate), "dropout rate {rate}");
}

/// The factor of each value, 0 or 1 / (1 − rate), `[numel]` in memory order.
///
/// Drawing random numbers takes most of the time. Four values share a draw here;
/// libtorch's own dropout draws for each value.
fn factors(x: &Tensor, rate: f64) -> Tensor {
    let (numel, options) = (x.numel() as i64, (Kind::Int64, Device::Cpu));
    let draws = Tensor::empty([(numel + 3) / 4], options).random_from_(i64::MIN, None);
    let mut uniform = draws.view_dtype(Kind::Int16).narrow(0, 0, numel);
    let threshold = (rate * 65536.0).round() as i64 + i64::from(i16::MIN);
    // In place, 1 or 0 for each draw: a comparison into booleans is not vectorized.
    let mut kept = uniform.ge_(threshold);
    let scale = Tensor::from(1.0 / (1.0 - rate)).to_kind(x.kind());
    if x.kind() == Kind::BFloat16 {
        // 1 or 0 times the scale's bit pattern is the factor's bit pattern.
        return kept.g_mul_(&scale.view_dtype(Kind::Int16)).view_dtype(Kind::BFloat16);
    }
    kept.to_kind(x.kind()) * scale
}
