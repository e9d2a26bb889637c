//! Dropout (Srivastava et al. 2014): part of the values to 0, the others scaled
//! up so that the mean stays; nothing at all when sampling.

use tch::{Device, Kind, Tensor};

use crate::network::Mode;

/// Drops each value of `x` with probability `rate`, at least 0 and below 1, on the
/// CPU rounded to 1/65536.
///
/// # Panics
/// With another rate.
pub fn dropout(x: &Tensor, rate: f64, mode: Mode) -> Tensor {
    assert_rate(rate);
    if mode == Mode::Sample || x.device() != Device::Cpu {
        return x.dropout(rate, mode == Mode::Train);
    }
    x * in_place_of(x, factors(x, rate))
}

/// What each value is multiplied by, 0 or 1 / (1 − rate), in memory order.
///
/// Four values share one draw from libtorch's generator, which is the slow part:
/// its own dropout draws for each.
fn factors(x: &Tensor, rate: f64) -> Tensor {
    let (numel, options) = (x.numel() as i64, (Kind::Int64, Device::Cpu));
    let draws = Tensor::empty([(numel + 3) / 4], options).random_from_(i64::MIN, None);
    let mut uniform = draws.view_dtype(Kind::Int16).narrow(0, 0, numel);
    let least = (rate * 65536.0).round() as i64 + i64::from(i16::MIN);
    // 1 or 0 in place of the draw: into booleans it would go one by one.
    let mut kept = uniform.ge_(least);
    let scale = Tensor::from(1.0 / (1.0 - rate)).to_kind(x.kind());
    if x.kind() == Kind::BFloat16 {
        // A product of the bits is the factor's bits, and needs no conversion.
        return kept
            .g_mul_(&scale.view_dtype(Kind::Int16))
            .view_dtype(Kind::BFloat16);
    }
    kept.to_kind(x.kind()) * scale
}

/// `flat` `[numel]`, which is in the memory order of `x`, in its shape.
fn in_place_of(x: &Tensor, flat: Tensor) -> Tensor {
    match *x.size().as_slice() {
        // Images lie channels-last.
        [n, c, h, w] => flat.view([n, h, w, c]).permute([0, 3, 1, 2]),
        _ => flat.view_as(x),
    }
}

/// Drops each whole channel of each image in `x` `[n, c, h, w]` with probability
/// `rate`, at least 0 and below 1 (Tompson et al. 2015).
///
/// # Panics
/// With another rate.
pub fn channel_dropout(x: &Tensor, rate: f64, mode: Mode) -> Tensor {
    assert_rate(rate);
    x.feature_dropout(rate, mode == Mode::Train)
}

fn assert_rate(rate: f64) {
    assert!((0.0..1.0).contains(&rate), "a dropout rate of {rate}");
}
