//! What the trainer knows of a generator and of a discriminator.

use std::fmt::Debug;

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
    /// `[n, size + groups]`: standard normal values, and the group as a one-hot times
    /// `apart` (Mukherjee et al. 2019, section 3.1).
    Mixture {
        /// Normal values per image.
        size: i64,
        /// Groups, each as likely as another.
        groups: i64,
        /// What stands in the place of the group, 0 in the others'.
        apart: f64,
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
    /// `n` values evenly spaced from `low` to `high`, both included, each moved
    /// up by a uniform draw from `[0, jitter)`; `[n, 1]`, in ascending order where the
    /// space between two is at least `jitter`.
    Even {
        /// Least value, before it is moved.
        low: f64,
        /// Greatest value, before it is moved.
        high: f64,
        /// Bound of the move.
        jitter: f64,
    },
}

impl Latent {
    /// `n` fresh latents, f32 `[n, size]`, from libtorch's global generator of
    /// the CPU, so that a seed means the same latents on any device.
    pub fn sample(self, n: i64, device: Device) -> Tensor {
        let options = (Kind::Float, Device::Cpu);
        let latents = match self {
            Latent::Normal { size } => Tensor::randn([n, size], options),
            Latent::Mixture {
                size,
                groups,
                apart,
            } => {
                let values = Tensor::randn([n, size], options);
                let drawn = Tensor::randint(groups, [n], (Kind::Int64, Device::Cpu));
                let group = drawn.one_hot(groups).to_kind(Kind::Float) * apart;
                Tensor::cat(&[values, group], 1)
            }
            Latent::Uniform { size, low, high } => {
                Tensor::empty([n, size], options).uniform_(low, high)
            }
            Latent::Even { low, high, jitter } => {
                let moves = Tensor::rand([n, 1], options) * jitter;
                Tensor::linspace(low, high, n, options).view([n, 1]) + moves
            }
        };
        latents.to_device(device)
    }

    /// `n` pairs of fresh latents, each f32 `[n, size]`: the ends of straight lines
    /// that stay where latents are drawn, so both of one group where there are groups.
    pub fn ends(self, n: i64, device: Device) -> (Tensor, Tensor) {
        let (from, to) = (self.sample(n, device), self.sample(n, device));
        match self {
            Latent::Mixture { size, groups, .. } => {
                let group = from.narrow(1, size, groups);
                let to = Tensor::cat(&[to.narrow(1, 0, size), group], 1);
                (from, to)
            }
            _ => (from, to),
        }
    }

    /// Values per image.
    pub fn size(self) -> i64 {
        match self {
            Latent::Normal { size } | Latent::Uniform { size, .. } => size,
            Latent::Mixture { size, groups, .. } => size + groups,
            Latent::Even { .. } => 1,
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
pub trait Generator: Debug + Send + Sync {
    /// Its parameters.
    fn layout(&self) -> &Layout;

    /// The latents it expects.
    fn latent(&self) -> Latent;

    /// Whether it forges the digits that it is asked for; callers check this
    /// before they call [`Generator::forward`].
    fn conditional(&self) -> bool {
        false
    }

    /// Whether the other images of a batch influence an image, as they do
    /// through batch norm: then samples belong in batches about as large as
    /// those of training, and never alone.
    fn mixes_batch(&self) -> bool {
        false
    }

    /// Latents `[n, size]` to images `[n, 1, side, side]`, in the weights' kind and
    /// in the [`PixelRange`](crate::PixelRange) that the network's documentation
    /// names.
    ///
    /// `labels` are i64 `[n]` digits, 0 to 9; networks that are not conditional
    /// ignore them.
    ///
    /// # Panics
    /// Where a conditional network gets no labels, more or fewer than latents, or
    /// one outside 0 to 9: any image would be an answer to a question that nobody
    /// asked.
    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}

/// The police officer: images to logits.
pub trait Discriminator: Debug + Send + Sync {
    /// Its parameters.
    fn layout(&self) -> &Layout;

    /// Whether it judges images as forgeries of the digits that it is told;
    /// callers check this before they call [`Discriminator::forward`].
    fn conditional(&self) -> bool {
        false
    }

    /// Whether images in one batch influence each other's logits, as they do
    /// through batch norm. Such a network must see originals and forgeries in
    /// passes of their own, or it tells them apart by the batch's statistics;
    /// any other may see them in one.
    fn mixes_batch(&self) -> bool {
        false
    }

    /// Images `[n, 1, side, side]` to logits `[n]`, above 0 for "original", in
    /// the weights' kind.
    ///
    /// `labels` are i64 `[n]` digits, 0 to 9; networks that are not conditional
    /// ignore them.
    ///
    /// # Panics
    /// Where a conditional network gets no labels, more or fewer than images, or one
    /// outside 0 to 9.
    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}
