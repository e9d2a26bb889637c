//! Dropout (Srivastava et al. 2014): part of the values to 0, the others scaled
//! up so that the mean stays; nothing at all when sampling.

use tch::{Device, Kind, Tensor};

use crate::network::Mode;

/// Drops each value of `x` with probability `rate`, on the CPU rounded to
/// 1/65536.
pub fn dropout(x: &Tensor, rate: f64, mode: Mode) -> Tensor {
    if mode == Mode::Sample || x.device() != Device::Cpu {
        return x.dropout(rate, mode == Mode::Train);
    }
    let kept = kept(x, rate).to_kind(x.kind());
    x * (kept / (1.0 - rate))
}

/// Which values of `x` stay, in their places in memory.
///
/// Four values share one draw from libtorch's generator, which is the slow part:
/// its own dropout draws for each.
fn kept(x: &Tensor, rate: f64) -> Tensor {
    let (numel, options) = (x.numel() as i64, (Kind::Int64, Device::Cpu));
    let draws = Tensor::empty([(numel + 3) / 4], options).random_from_(i64::MIN, None);
    let uniform = draws.view_dtype(Kind::Int16).narrow(0, 0, numel);
    let least = (rate * 65536.0).round() as i64 + i64::from(i16::MIN);
    let kept = uniform.ge(least);
    match *x.size().as_slice() {
        // Images lie channels-last.
        [n, c, h, w] => kept.view([n, h, w, c]).permute([0, 3, 1, 2]),
        _ => kept.view_as(x),
    }
}

/// Drops each whole channel of each image in `x` `[n, c, h, w]` with probability
/// `rate` (Tompson et al. 2015).
pub fn channel_dropout(x: &Tensor, rate: f64, mode: Mode) -> Tensor {
    x.feature_dropout(rate, mode == Mode::Train)
}
