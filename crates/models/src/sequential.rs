//! Networks that are lists of layers.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::{Context, Layer};
use crate::network::{Discriminator, Generator, Mode};
use crate::params::{Layout, Weights};
use crate::pixels::PixelRange;

/// Boxes layers for [`Sequential::new`], in the order of computation.
#[macro_export]
macro_rules! layers {
    ($($layer:expr),* $(,)?) => {{
        let layers: Vec<Box<dyn $crate::layers::Layer>> = vec![$(Box::new($layer)),*];
        layers
    }};
}

/// A list of layers and their parameters. Each layer computes from the output of the
/// layer before it.
#[derive(Debug)]
pub struct Sequential {
    layout: Layout,
    layers: Vec<Box<dyn Layer>>,
}

impl Sequential {
    /// Builds the layers with [`layers!`](crate::layers!). They declare their
    /// parameters in the [`Layout`].
    pub fn new(build: impl FnOnce(&mut Layout) -> Vec<Box<dyn Layer>>) -> Sequential {
        let mut layout = Layout::new();
        let layers = build(&mut layout);
        Sequential { layout, layers }
    }

    /// The layers in the order of computation.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    fn forward(&self, weights: &Weights, x: &Tensor, context: &Context) -> Tensor {
        let layers = self.layers.iter();
        layers.fold(x.shallow_clone(), |x, l| l.forward(weights, &x, context))
    }
}

/// A generator whose layers map latents `[n, size]` to images
/// `[n, 1, side, side]`.
#[derive(Debug)]
pub struct SequentialGenerator {
    /// The layers.
    pub network: Sequential,
    /// The distribution of the latents.
    pub latent: Latent,
    /// Rows of an image, which are as many as its columns.
    pub image_side: i64,
    /// The range of the pixels.
    pub pixel_range: PixelRange,
    /// See [`Generator::shardable`].
    pub shardable: bool,
}

impl Generator for SequentialGenerator {
    fn layout(&self) -> &Layout {
        &self.network.layout
    }

    fn latent(&self) -> Latent {
        self.latent
    }

    fn conditional(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_labels())
    }

    fn image_side(&self) -> i64 {
        self.image_side
    }

    fn pixel_range(&self) -> PixelRange {
        self.pixel_range
    }

    fn uses_batch_statistics(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_batch())
    }

    fn shardable(&self) -> bool {
        self.shardable
    }

    fn forward(&self, w: &Weights, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        self.network.forward(w, z, &Context { labels, mode })
    }
}

/// A discriminator whose layers map images `[n, 1, side, side]` to logits `[n]`
/// or `[n, 1]`.
#[derive(Debug)]
pub struct SequentialDiscriminator {
    /// The layers.
    pub network: Sequential,
    /// See [`Discriminator::shardable`].
    pub shardable: bool,
}

impl Discriminator for SequentialDiscriminator {
    fn layout(&self) -> &Layout {
        &self.network.layout
    }

    fn conditional(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_labels())
    }

    fn uses_batch_statistics(&self) -> bool {
        let mut layers = self.network.layers.iter();
        layers.any(|layer| layer.input().has_batch())
    }

    fn shardable(&self) -> bool {
        self.shardable
    }

    fn forward(&self, w: &Weights, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Tensor {
        let logits = self.network.forward(w, images, &Context { labels, mode });
        logits.view([-1])
    }
}
