//! The losses: each a pair of pure functions of D's logits.

use std::fmt;

use tch::{Kind, Tensor};

/// A function of D's logits for real images and for fake images, each f32 `[n]`.
/// Training minimizes its value, an f32 scalar.
pub type LossFn = fn(real: &Tensor, fake: &Tensor) -> Tensor;

/// A loss of D and one of G. A logit above the threshold means "real".
#[derive(Clone, Copy)]
pub struct Loss {
    /// The name in settings and in `config.toml`.
    pub name: &'static str,
    /// D's loss.
    pub discriminator: LossFn,
    /// G's loss. If `generator_uses_real` is false, it must not use its first argument.
    pub generator: LossFn,
    /// Whether G's loss depends on the logits of real images.
    pub generator_uses_real: bool,
    /// The logit above which D classifies an image as real.
    pub threshold: Threshold,
}

/// The logit above which D classifies an image as real.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// A fixed value.
    Fixed(f64),
    /// The middle between the mean logits of real and fake images, where only
    /// differences of logits have a meaning.
    Midpoint,
}

/// The losses of [`gan_config::LOSS_INFOS`], in the same order.
pub const LOSSES: &[Loss] = &[
    // Goodfellow et al. 2014, eq. 1: G minimizes log(1 − D(G(z))).
    Loss {
        name: "minimax",
        discriminator: cross_entropy,
        generator: |_, fake| -mean(softplus(fake)),
        generator_uses_real: false,
        threshold: Threshold::Fixed(0.0),
    },
    // Goodfellow et al. 2014, section 3: G maximizes log D(G(z)), which has the
    // same fixed point and stronger gradients early in training.
    Loss {
        name: "non-saturating",
        discriminator: cross_entropy,
        generator: |_, fake| mean(softplus(&-fake)),
        generator_uses_real: false,
        threshold: Threshold::Fixed(0.0),
    },
    // Mao et al. 2017, eq. 2 with a = 0, b = c = 1.
    Loss {
        name: "least-squares",
        discriminator: |real, fake| (mean((real - 1.0).square()) + mean(fake.square())) / 2.0,
        generator: |_, fake| mean((fake - 1.0).square()) / 2.0,
        generator_uses_real: false,
        threshold: Threshold::Fixed(0.5),
    },
    // Lim and Ye 2017; Miyato et al. 2018, eq. 16.
    Loss {
        name: "hinge",
        discriminator: |real, fake| mean((1.0f64 - real).relu()) + mean((fake + 1.0).relu()),
        generator: |_, fake| -mean(fake.shallow_clone()),
        generator_uses_real: false,
        threshold: Threshold::Fixed(0.0),
    },
    // Arjovsky et al. 2017, eq. 2. A penalty, clipping or spectral normalization
    // must bound D.
    Loss {
        name: "wasserstein",
        discriminator: |real, fake| mean(fake - real),
        generator: |_, fake| -mean(fake.shallow_clone()),
        generator_uses_real: false,
        threshold: Threshold::Midpoint,
    },
    // Jolicoeur-Martineau 2018; Huang et al. 2024, eq. 2: each real image is
    // paired with one fake image.
    Loss {
        name: "relativistic-pairing",
        discriminator: |real, fake| mean(softplus(&(fake - real))),
        generator: |real, fake| mean(softplus(&(real - fake))),
        generator_uses_real: true,
        threshold: Threshold::Midpoint,
    },
];

impl Loss {
    /// The loss of [`LOSSES`] with that name.
    pub fn by_name(name: &str) -> Option<Loss> {
        LOSSES.iter().copied().find(|loss| loss.name == name)
    }

    /// The threshold for logits f32 `[n]`, as an f32 scalar.
    pub fn threshold(&self, real: &Tensor, fake: &Tensor) -> Tensor {
        match self.threshold {
            Threshold::Fixed(logit) => Tensor::from(logit as f32).to_device(fake.device()),
            Threshold::Midpoint => (real.mean(Kind::Float) + fake.mean(Kind::Float)) / 2.0,
        }
    }

    /// The shares of real and of fake images that D classifies as real, 0 to 1, from its
    /// logits f32 `[n]`.
    pub fn shares_classified_real(&self, real: &Tensor, fake: &Tensor) -> (f64, f64) {
        let threshold = self.threshold(real, fake);
        let share = |logits: &Tensor| {
            let above = logits.gt_tensor(&threshold).to_kind(Kind::Float);
            above.mean(Kind::Float).double_value(&[])
        };
        (share(real), share(fake))
    }
}

impl fmt::Debug for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loss").field(&self.name).finish()
    }
}

/// −log σ(real) − log(1 − σ(fake)), from −log σ(a) = softplus(−a) and
/// −log(1 − σ(a)) = softplus(a).
fn cross_entropy(real: &Tensor, fake: &Tensor) -> Tensor {
    mean(softplus(&-real)) + mean(softplus(fake))
}

fn mean(x: Tensor) -> Tensor {
    x.mean(Kind::Float)
}

/// log(1 + eˣ), exact for any finite x.
fn softplus(x: &Tensor) -> Tensor {
    // −log σ(−x), computed as max(x, 0) + log1p(e^−|x|) by one kernel forward and
    // one backward: libtorch's own softplus is linear above 20.
    -(-x).log_sigmoid()
}
