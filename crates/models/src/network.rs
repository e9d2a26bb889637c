//! What the trainer knows of a generator and of a discriminator.

use tch::{Device, Kind, Tensor};

use crate::params::{Layout, Weights};

/// How latents are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latent {
    /// Standard normal `[n, size]`.
    Normal {
        /// Values per image.
        size: i64,
    },
    /// Uniform on `[low, high)`, `[n, size]`.
    Uniform {
        /// Values per image.
        size: i64,
        /// Least value.
        low: f64,
        /// Bound above.
        high: f64,
    },
}

impl Latent {
    /// `n` fresh latents, f32 `[n, size]`, from libtorch's global generator of
    /// the CPU, so that a seed means the same latents on any device.
    pub fn sample(self, n: i64, device: Device) -> Tensor {
        let options = (Kind::Float, Device::Cpu);
        let latents = match self {
            Latent::Normal { size } => Tensor::randn([n, size], options),
            Latent::Uniform { size, low, high } => {
                Tensor::empty([n, size], options).uniform_(low, high)
            }
        };
        latents.to_device(device)
    }

    /// Values per image.
    pub fn size(self) -> i64 {
        match self {
            Latent::Normal { size } | Latent::Uniform { size, .. } => size,
        }
    }
}

/// What a forward pass is for; dropout works in training alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Gradients will be asked for.
    Train,
    /// Only the result counts.
    Sample,
}

/// The counterfeiter: latents to images.
pub trait Generator: Send {
    /// Its parameters.
    fn layout(&self) -> &Layout;

    /// The latents it expects.
    fn latent(&self) -> Latent;

    /// Latents `[n, size]` to images `[n, 1, side, side]` in the range that the
    /// preset names, in the weights' kind.
    ///
    /// `labels` are i64 `[n]` digits for a conditional network, else `None`.
    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}

/// The police officer: images to logits.
pub trait Discriminator: Send {
    /// Its parameters.
    fn layout(&self) -> &Layout;

    /// Images `[n, 1, side, side]` to logits `[n]`, above 0 for "original", in
    /// the weights' kind.
    ///
    /// `labels` are i64 `[n]` digits for a conditional network, else `None`.
    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}
