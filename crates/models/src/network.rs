//! What the trainer knows of a generator and of a discriminator.

use std::fmt::Debug;

use tch::{Device, Kind, Tensor};

use crate::params::{Layout, Weights};
use crate::pixels::PixelRange;

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

/// A generator: latents to images.
///
/// Every method is required, because the trainer relies on every answer.
pub trait Generator: Debug + Send + Sync {
    /// The network's parameters.
    fn layout(&self) -> &Layout;

    /// The distribution of its latents.
    fn latent(&self) -> Latent;

    /// Whether the network generates images of given digits. If so,
    /// [`Generator::forward`] needs labels.
    fn conditional(&self) -> bool;

    /// Rows of an image, which are as many as its columns.
    fn image_side(&self) -> i64;

    /// The range of its pixels.
    fn pixel_range(&self) -> PixelRange;

    /// Whether the other images of a batch influence an image, as in batch norm.
    ///
    /// Such a network should generate samples in batches about as large as those
    /// of training, and never one at a time.
    fn uses_batch_statistics(&self) -> bool;

    /// Whether threads should compute a training step of this network on parts of
    /// the batch in parallel.
    ///
    /// This requires that each image passes through the network independently:
    /// no batch statistics, no random numbers such as dropout. It pays off only if
    /// a step takes several milliseconds.
    fn shardable(&self) -> bool;

    /// Computes images `[n, 1, side, side]` from latents `[n, size]`.
    ///
    /// The images have the weights' kind and lie in [`Generator::pixel_range`];
    /// networks without a final sigmoid or hyperbolic tangent may overshoot it.
    /// `labels` are i64 `[n]` digits, 0 to 9. Unconditional networks ignore them.
    ///
    /// # Panics
    /// Conditional networks panic without labels, with a number of labels other
    /// than `n`, or with a label outside 0 to 9.
    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}

/// A discriminator: images to logits.
///
/// Every method is required, because the trainer relies on every answer.
pub trait Discriminator: Debug + Send + Sync {
    /// The network's parameters.
    fn layout(&self) -> &Layout;

    /// Whether the network classifies images as real or fake images of given
    /// digits. If so, [`Discriminator::forward`] needs labels.
    fn conditional(&self) -> bool;

    /// Whether the images of a batch influence each other's logits, as in batch
    /// norm.
    ///
    /// Such a network needs a forward pass for real images and another for fake
    /// ones. In a shared pass the batch statistics would reveal which are fake.
    fn uses_batch_statistics(&self) -> bool;

    /// Whether threads should compute a training step of this network on parts of
    /// the batch in parallel; see [`Generator::shardable`].
    fn shardable(&self) -> bool;

    /// Computes logits `[n]` from images `[n, 1, side, side]`.
    ///
    /// A logit above 0 means "real". Logits have the weights' kind. `labels` are
    /// i64 `[n]` digits, 0 to 9. Unconditional networks ignore them.
    ///
    /// # Panics
    /// Conditional networks panic without labels, with a number of labels other
    /// than `n`, or with a label outside 0 to 9.
    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;
}
