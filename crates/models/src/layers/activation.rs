//! Activations that `tch` lacks.

use tch::Tensor;

/// `max(x, slope·x)`, for a slope between 0 and 1.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Tensor {
    // tch offers the activation with slope 0.01 only, but its backward
    // function, g ↦ g·(1 or slope by the sign of x), with any: applied to x
    // itself that is the activation, one kernel forward and one backward.
    x.detach().leaky_relu_backward(x, slope, false)
}
