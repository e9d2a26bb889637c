//! Activation functions that `tch` lacks.

use tch::Tensor;

/// Leaky ReLU, `max(x, slope·x)`, for a slope between 0 and 1.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Tensor {
    // tch binds the activation only with slope 0.01, but its backward function
    // g ↦ g·(1 if x > 0 else slope) with any slope. Applied to g = x, that is the
    // activation: one kernel forward and one backward.
    x.detach().leaky_relu_backward(x, slope, false)
}
