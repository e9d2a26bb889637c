//! The two-layer perceptrons of "3-minute deep learning", first GAN program:
//! G 128→256→784, D 784→256→1.

use tch::Tensor;

use crate::layers::{Linear, to_compute_kind};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};

const LATENT: i64 = 128;
const HIDDEN: i64 = 256;
const SIDE: i64 = 28;
const INIT: Init = Init::Normal { std: 0.01 };

/// Dense 128→256, ReLU, dense 256→784, sigmoid.
#[derive(Debug)]
pub struct GolbinGenerator {
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GolbinGenerator {
    /// The network as its author defined it.
    pub fn new() -> GolbinGenerator {
        let mut layout = Layout::new();
        GolbinGenerator {
            hidden: Linear::new(&mut layout, "hidden", LATENT, HIDDEN, INIT),
            output: Linear::new(&mut layout, "output", HIDDEN, SIDE * SIDE, INIT),
            layout,
        }
    }
}

impl Default for GolbinGenerator {
    fn default() -> Self {
        GolbinGenerator::new()
    }
}

impl Generator for GolbinGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        Latent::Normal { size: LATENT }
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let z = to_compute_kind(latents, weights);
        let hidden = self.hidden.forward(weights, &z).relu();
        let pixels = self.output.forward(weights, &hidden).sigmoid();
        pixels.view([-1, 1, SIDE, SIDE])
    }
}

/// Dense 784→256, ReLU, dense 256→1; the logit, before the sigmoid.
#[derive(Debug)]
pub struct GolbinDiscriminator {
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GolbinDiscriminator {
    /// The network as its author defined it.
    pub fn new() -> GolbinDiscriminator {
        let mut layout = Layout::new();
        GolbinDiscriminator {
            hidden: Linear::new(&mut layout, "hidden", SIDE * SIDE, HIDDEN, INIT),
            output: Linear::new(&mut layout, "output", HIDDEN, 1, INIT),
            layout,
        }
    }
}

impl Default for GolbinDiscriminator {
    fn default() -> Self {
        GolbinDiscriminator::new()
    }
}

impl Discriminator for GolbinDiscriminator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let x = to_compute_kind(images, weights).reshape([-1, SIDE * SIDE]);
        let hidden = self.hidden.forward(weights, &x).relu();
        self.output.forward(weights, &hidden).view([-1])
    }
}
