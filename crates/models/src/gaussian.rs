//! The one-dimensional toy of AYLIEN's introduction to GANs (2016, after Jang):
//! single numbers in place of images.

use tch::Tensor;

use crate::layers::{Linear, to_compute_kind};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const HIDDEN_G: i64 = 4;
const HIDDEN_D: i64 = 8;
const INIT: Init = Init::normal(1.0);

/// Dense 1→4, softplus, dense 4→1; its "images" are numbers, `[n, 1, 1, 1]`.
#[derive(Debug)]
pub struct GaussianGenerator {
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GaussianGenerator {
    /// The network as its author defined it.
    pub fn new() -> GaussianGenerator {
        let mut layout = Layout::new();
        GaussianGenerator {
            hidden: Linear::new(&mut layout, "hidden", 1, HIDDEN_G, INIT),
            output: Linear::new(&mut layout, "output", HIDDEN_G, 1, INIT),
            layout,
        }
    }
}

impl Default for GaussianGenerator {
    fn default() -> Self {
        GaussianGenerator::new()
    }
}

impl Generator for GaussianGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        Latent::Even {
            low: -8.0,
            high: 8.0,
            jitter: 0.01,
        }
    }

    fn conditional(&self) -> bool {
        false
    }

    fn image_side(&self) -> i64 {
        1
    }

    fn pixel_range(&self) -> PixelRange {
        PixelRange::Unit
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        false
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let z = to_compute_kind(latents, weights);
        let hidden = self.hidden.forward(weights, &z).softplus();
        self.output.forward(weights, &hidden).view([-1, 1, 1, 1])
    }
}

/// Dense 1→8, 8→8, 8→8, each with ReLU, and 8→1; the logit, before the sigmoid.
#[derive(Debug)]
pub struct GaussianDiscriminator {
    layout: Layout,
    hidden: [Linear; 3],
    output: Linear,
}

impl GaussianDiscriminator {
    /// The network as its author defined it.
    pub fn new() -> GaussianDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        GaussianDiscriminator {
            hidden: [("hidden1", 1), ("hidden2", HIDDEN_D), ("hidden3", HIDDEN_D)]
                .map(|(name, inputs)| Linear::new(l, name, inputs, HIDDEN_D, INIT)),
            output: Linear::new(l, "output", HIDDEN_D, 1, INIT),
            layout,
        }
    }
}

impl Default for GaussianDiscriminator {
    fn default() -> Self {
        GaussianDiscriminator::new()
    }
}

impl Discriminator for GaussianDiscriminator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn conditional(&self) -> bool {
        false
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        false
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let mut x = to_compute_kind(images, weights).reshape([-1, 1]);
        for layer in &self.hidden {
            x = layer.forward(weights, &x).relu();
        }
        self.output.forward(weights, &x).view([-1])
    }
}
