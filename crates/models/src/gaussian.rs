//! A one-dimensional toy problem from AYLIEN's introduction to GANs (2016, after
//! Jang): single numbers in place of images.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::Linear;
use crate::network::{Discriminator, Generator, Mode, Networks};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const HIDDEN_G: i64 = 4;
const HIDDEN_D: i64 = 8;
const INIT: Init = Init::normal(1.0);

/// The networks as their author defined them.
///
/// G: linear 1→4, softplus, linear 4→1. An "image" is one number, `[n, 1, 1, 1]`.
/// D: linear 1→8, 8→8, 8→8, each with ReLU, linear 8→1.
pub fn networks() -> Networks {
    Networks::new(GaussianGenerator::new(), GaussianDiscriminator::new())
}

#[derive(Debug)]
struct GaussianGenerator {
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GaussianGenerator {
    fn new() -> GaussianGenerator {
        let mut layout = Layout::new();
        GaussianGenerator {
            hidden: Linear::new(&mut layout, "hidden", 1, HIDDEN_G, INIT),
            output: Linear::new(&mut layout, "output", HIDDEN_G, 1, INIT),
            layout,
        }
    }
}

impl Generator for GaussianGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        Latent::EvenlySpaced {
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
        // Unused: the numbers are unbounded and never converted to bytes.
        PixelRange::Unit
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        false // Too fast.
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let hidden = self.hidden.forward(weights, latents).softplus();
        self.output.forward(weights, &hidden).view([-1, 1, 1, 1])
    }
}

#[derive(Debug)]
struct GaussianDiscriminator {
    layout: Layout,
    hidden: [Linear; 3],
    output: Linear,
}

impl GaussianDiscriminator {
    fn new() -> GaussianDiscriminator {
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
        false // Too fast.
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let mut x = images.reshape([-1, 1]);
        for layer in &self.hidden {
            x = layer.forward(weights, &x).relu();
        }
        self.output.forward(weights, &x).view([-1])
    }
}
