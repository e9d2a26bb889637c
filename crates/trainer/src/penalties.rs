//! Gradient penalties of D: functions of the gradient of its logits with respect to the images.
//!
//! The images must require gradients, and each of D's logits `[n]` must depend on
//! its own image only.

use tch::{Kind, Tensor};

/// Squared norm of D's gradient at each image, f32 `[n]`: ‖∇ₓD(x)‖². It can be
/// differentiated once more.
///
/// R1 of Mescheder et al. 2018, eq. 9, is γ/2 times its mean over real images;
/// R2, eq. 10, over fake images.
pub fn squared_gradient_norm(images: &Tensor, logits: &Tensor) -> Tensor {
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

/// Squared difference between the norm of D's gradient and 1, f32 `[n]`:
/// (‖∇ₓD(x)‖ − 1)². It can be differentiated once more.
///
/// λ times its mean is the penalty of Gulrajani et al. 2017, eq. 3, for images
/// from [`interpolate`], and that of Kodali et al. 2017, section 2.4, for images
/// from [`perturb`].
pub fn one_centered_penalty(images: &Tensor, logits: &Tensor) -> Tensor {
    // Add ε, because the square root has no derivative at 0.
    let norm = (squared_gradient_norm(images, logits) + 1e-12).sqrt();
    (norm - 1.0).square()
}

/// Points on the lines from `fake` to `real` images, one for each pair. `alpha`
/// `[n, 1, 1, 1]`, 0 to 1, is their position: 1 gives the real image.
pub fn interpolate(real: &Tensor, fake: &Tensor, alpha: &Tensor) -> Tensor {
    real * alpha + fake * (1.0 - alpha)
}

/// Adds noise to real images: x + ½ · std(x) · α · u, as in the program that Kodali et al.
/// published.
///
/// std(x) is the standard deviation of all pixels of the batch. `noise` u has the shape of
/// `real`, and `alpha` is `[n, 1, 1, 1]`. Both are uniform on [0, 1).
pub fn perturb(real: &Tensor, noise: &Tensor, alpha: &Tensor) -> Tensor {
    real + noise * alpha * (real.std(false) * 0.5)
}
