//! The interface of networks: a generator, a discriminator, and the two together.

use std::fmt::Debug;
use std::sync::Arc;

use gan_graph::Graph;
use tch::Tensor;

use crate::export::{Calibration, ExportError};
use crate::latent::LatentDistribution;
use crate::params::{ParamLayout, Weights};
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
    /// Inference: dropout is inactive. Batch norm uses the statistics of the batch in both modes.
    Eval,
}

/// A generator: latents to images. All methods except `conditional` are required.
pub trait Generator: Debug + Send + Sync {
    /// Names, shapes and initial values of the network's parameters.
    fn layout(&self) -> &ParamLayout;

    /// The distribution of its latents.
    fn latent(&self) -> LatentDistribution;

    /// The number of classes if the network takes labels.
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
    /// Generate samples of such a network in batches of about the training size.
    fn uses_batch_statistics(&self) -> bool;

    /// Whether threads should compute a training step of this network on shards of the batch.
    ///
    /// This requires a network without batch statistics and dropout. It pays off only if a
    /// step takes several milliseconds.
    fn data_parallel(&self) -> bool;

    /// Computes images `[n, 1, side, side]` from latents `[n, dim]`.
    ///
    /// The images have the weights' data type and lie in [`Generator::pixel_range`]. Networks
    /// without a final sigmoid or hyperbolic tangent can exceed this range.
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

    /// Exports the network with `weights`, f32, as a graph of ONNX operators, that computes the
    /// same as [`Generator::forward`] with [`Mode::Eval`].
    ///
    /// Its inputs are `latent`, f32 `[n, dim]`, and, for conditional networks, `label`, i64
    /// `[n]`. Its output is `image`, f32 `[n, 1, side, side]`. A network with batch norm needs
    /// `calibration`: it computes its statistics from these latents, and stores them in the
    /// graph as constants. The metadata has [`Generator::pixel_range`] and
    /// [`Generator::latent`].
    ///
    /// # Errors
    /// [`ExportError::Unsupported`] if the network has no description as a graph;
    /// [`ExportError::NoCalibration`]; [`ExportError::Torch`].
    fn to_graph(
        &self,
        weights: &Weights,
        calibration: Option<Calibration>,
    ) -> Result<Graph, ExportError>;
}

/// A discriminator: images to logits. All methods except `conditional` are required.
pub trait Discriminator: Debug + Send + Sync {
    /// Names, shapes and initial values of the network's parameters.
    fn layout(&self) -> &ParamLayout;

    /// The number of classes if the network takes labels.
    fn classes(&self) -> Option<i64>;

    /// Whether [`Discriminator::forward`] needs labels.
    fn conditional(&self) -> bool {
        self.classes().is_some()
    }

    /// Whether the images of a batch influence each other's logits, as in batch
    /// norm.
    ///
    /// Use separate forward passes for real and fake images. One pass would compute
    /// the statistics from real and fake images together.
    fn uses_batch_statistics(&self) -> bool;

    /// Whether threads should compute a training step of this network on shards of the batch; see
    /// [`Generator::data_parallel`].
    fn data_parallel(&self) -> bool;

    /// Computes logits `[n]` from images `[n, 1, side, side]`.
    ///
    /// A higher logit means "more real"; the loss defines the threshold. Logits have the
    /// weights' data type. `labels` are
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

    /// Exports the network with `weights`, f32, as a graph of ONNX operators, that computes the
    /// same as [`Discriminator::forward`] with [`Mode::Eval`]; see [`Generator::to_graph`].
    ///
    /// Its inputs are `image`, f32 `[n, 1, side, side]`, and, for conditional networks,
    /// `label`, i64 `[n]`. Its output is `logit`, f32 `[n]`.
    ///
    /// # Errors
    /// Those of [`Generator::to_graph`].
    fn to_graph(
        &self,
        side: i64,
        weights: &Weights,
        calibration: Option<Calibration>,
    ) -> Result<Graph, ExportError>;
}
