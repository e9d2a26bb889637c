//! What this machine can do at most: a convolution and a matrix product that suit
//! it, in the arithmetic that the networks compute in.

use std::time::Duration;

use gan_models::layers::channels_last;
use tch::{Device, Kind, Tensor, no_grad};

use super::Rounds;

/// Images, channels (in and out) and side of the convolution, 3×3: large enough
/// for every thread, small enough for the caches.
const CONVOLUTION: (i64, i64, i64) = (64, 256, 14);
/// Rows and columns of the matrices.
const MATRIX: i64 = 2048;

/// Medians in floating-point operations a second, an addition and a
/// multiplication counted as two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Of a convolution alone.
    pub convolution_forward: f64,
    /// Of a convolution with both of its gradients.
    pub convolution: f64,
    /// Of a matrix product.
    pub matrix_product: f64,
}

/// Measures each of the three for about a third of `budget`.
pub fn measure_peak(kind: Kind, device: Device, budget: Duration) -> Peak {
    let rate = |flops: i64, play: &mut dyn FnMut()| {
        let rounds = Rounds::time(budget / 3, device, play);
        flops as f64 / rounds.median()
    };
    let (n, channels, side) = CONVOLUTION;
    let convolution = 2 * n * side * side * channels * channels * 9;
    let tensor = |shape: [i64; 4]| {
        let values = Tensor::randn(shape, (Kind::Float, device)) * 0.1;
        channels_last(&values).to_kind(kind).set_requires_grad(true)
    };
    let x = tensor([n, channels, side, side]);
    let weight = tensor([channels, channels, 3, 3]);
    let convolve = || x.conv2d(&weight, None::<&Tensor>, 1, 1, 1, 1);
    let matrix = || Tensor::randn([MATRIX, MATRIX], (Kind::Float, device)).to_kind(kind);
    let (a, b) = (matrix(), matrix());
    Peak {
        convolution_forward: rate(convolution, &mut || drop(no_grad(convolve))),
        // As much again for each of the two gradients.
        convolution: rate(3 * convolution, &mut || {
            Tensor::run_backward(&[&convolve().sum(kind)], &[&x, &weight], false, false);
        }),
        matrix_product: rate(2 * MATRIX * MATRIX * MATRIX, &mut || drop(a.matmul(&b))),
    }
}
