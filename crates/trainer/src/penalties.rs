//! Gradient penalties: what keeps D from winning outright.
//!
//! Each is a mean over images of a function of D's gradient there; where D's
//! gradient is asked for, images must require gradients, and logits `[n]` be D's
//! answer to them, each to its own image alone.

use tch::{Kind, Tensor};

/// Squared length of D's gradient at each image, f32 `[n]`, differentiable once
/// more: ‖∇ₓD(x)‖².
///
/// R1 of Mescheder et al. 2018, eq. 9, is γ/2 times its mean over originals;
/// R2, eq. 10, over forgeries.
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

/// How far the length of D's gradient at each image is from 1, squared, f32
/// `[n]`, differentiable once more: (‖∇ₓD(x)‖ − 1)².
///
/// λ times its mean is the penalty of Gulrajani et al. 2017, eq. 3, where the
/// images are [`between`] forgeries and originals, and that of Kodali et al.
/// 2017, section 2.4, where they are [`around`] originals.
pub fn off_unit_gradient(images: &Tensor, logits: &Tensor) -> Tensor {
    // The root has no slope at 0, where a D that is flat stands.
    let length = (squared_gradient(images, logits) + 1e-12).sqrt();
    (length - 1.0).square()
}

/// The points that lie `shares`, each 0 to 1, of the way from `forgeries` to
/// `originals`, one for each pair; `shares` are `[n, 1, 1, 1]`.
pub fn between(originals: &Tensor, forgeries: &Tensor, shares: &Tensor) -> Tensor {
    originals * shares + forgeries * (1.0 - shares)
}

/// The points that lie `shares` of the way from `originals` to where noise of
/// half the pixels' standard deviation moves them.
///
/// The deviation is that of all pixels of the batch; `draws`, uniform on [0, 1),
/// are one for each pixel and `shares`, the same, `[n, 1, 1, 1]`, as in the
/// program that Kodali et al. published.
pub fn around(originals: &Tensor, draws: &Tensor, shares: &Tensor) -> Tensor {
    originals + draws * shares * (originals.std(false) * 0.5)
}
