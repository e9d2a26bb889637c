//! Gradient penalties: what keeps D from winning outright.

use tch::{Kind, Tensor};

/// Squared length of D's gradient at each image, f32 `[n]`, differentiable once
/// more: ‖∇ₓD(x)‖².
///
/// R1 of Mescheder et al. 2018, eq. 9, is γ/2 times its mean over originals;
/// R2, eq. 10, over forgeries. `images` must require gradients, and `logits`
/// `[n]` be D's answer to them, each to its own image alone.
pub fn squared_gradient(images: &Tensor, logits: &Tensor) -> Tensor {
    let total = logits.sum(Kind::Float);
    let gradients = Tensor::run_backward(&[total], &[images], true, true);
    gradients
        .first()
        .map(|g| {
            let g = g.to_kind(Kind::Float).flatten(1, -1);
            (&g * &g).sum_dim_intlist(1, false, Kind::Float)
        })
        .unwrap_or_else(|| logits.zeros_like())
}
