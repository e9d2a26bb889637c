//! The interface of networks: a generator, a discriminator, and the two together.

use std::fmt::Debug;
use std::sync::Arc;

use gan_graph::Graph;
use tch::Tensor;

use crate::export::{Calibration, ExportError};
use crate::latent::Latent;
use crate::params::{Layout, Weights};
use crate::pixels::PixelRange;

/// A generator and the discriminator to train it with.
#[derive(Debug, Clone)]
pub struct Networks {
    /// Maps latents to images.
    pub generator: Arc<dyn Generator>,
    /// Classifies images as real or fake.
    pub discriminator: Arc<dyn Discriminator>,
}

impl Networks {
    /// Combines the two networks.
    pub fn new(
        generator: impl Generator + 'static,
        discriminator: impl Discriminator + 'static,
    ) -> Networks {
        Networks { generator: Arc::new(generator), discriminator: Arc::new(discriminator) }
    }
}

/// The purpose of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: dropout is active.
    Train,
    /// Sampling or evaluation: dropout is inactive.
    Sample,
}

/// A generator: latents to images.
///
/// Every other method is required, because the trainer uses all of them.
pub trait Generator: Debug + Send + Sync {
    /// Names, shapes and initial values of the network's parameters.
    fn layout(&self) -> &Layout;

    /// The distribution of its latents.
    fn latent(&self) -> Latent;

    /// The number of classes if the network generates images of given classes. If so,
    /// [`Generator::forward`] needs labels.
    fn classes(&self) -> Option<i64>;

    /// Whether [`Generator::forward`] needs labels.
    fn conditional(&self) -> bool {
        self.classes().is_some()
    }

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
    /// `labels` are i64 `[n]` classes from 0. Unconditional networks ignore them.
    ///
    /// # Panics
    /// Conditional networks panic without labels, with a number of labels other
    /// than `n`, or with a label that is not below the number of classes.
    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;

    /// Describes the network with `weights`, f32, as a graph of ONNX operators: from
    /// `latent` f32 `[n, size]`, and `label` i64 `[n]` if it is conditional, to `image`
    /// f32 `[n, 1, side, side]`, as [`Generator::forward`] with [`Mode::Sample`].
    ///
    /// A network with batch norm needs `batch`, latents and their labels: it computes the
    /// statistics from them and stores them in the graph as constants. Other networks
    /// ignore `batch`. The metadata has [`Generator::pixel_range`] and
    /// [`Generator::latent`].
    ///
    /// # Errors
    /// [`ExportError::Unsupported`] if the network has no description as a graph;
    /// [`ExportError::NoBatch`]; [`ExportError::Torch`].
    fn graph(&self, weights: &Weights, batch: Option<Calibration>) -> Result<Graph, ExportError>;
}

/// A discriminator: images to logits.
///
/// Every other method is required, because the trainer uses all of them.
pub trait Discriminator: Debug + Send + Sync {
    /// Names, shapes and initial values of the network's parameters.
    fn layout(&self) -> &Layout;

    /// The number of classes if the network classifies images as real or fake images of
    /// given classes. If so, [`Discriminator::forward`] needs labels.
    fn classes(&self) -> Option<i64>;

    /// Whether [`Discriminator::forward`] needs labels.
    fn conditional(&self) -> bool {
        self.classes().is_some()
    }

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
    /// i64 `[n]` classes from 0. Unconditional networks ignore them.
    ///
    /// # Panics
    /// Conditional networks panic without labels, with a number of labels other
    /// than `n`, or with a label that is not below the number of classes.
    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor;

    /// Describes the network with `weights`, f32, as a graph of ONNX operators: from
    /// `image` f32 `[n, 1, side, side]`, and `label` i64 `[n]` if it is conditional, to
    /// `logit` f32 `[n]`, as [`Discriminator::forward`] with [`Mode::Sample`]; see
    /// [`Generator::graph`].
    ///
    /// # Errors
    /// Those of [`Generator::graph`].
    fn graph(
        &self,
        side: i64,
        weights: &Weights,
        batch: Option<Calibration>,
    ) -> Result<Graph, ExportError>;
}
