//! The perceptrons of the first GAN paper (Goodfellow et al. 2014), as its
//! authors' MNIST configuration defines them.

use tch::Tensor;

use crate::layers::{AffineInit, Linear, Maxout, dropout, to_compute_kind};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const LATENT: i64 = 100;
const HIDDEN: i64 = 1200;
const SIDE: i64 = 28;
/// Pixels of an image.
pub const PIXELS: usize = 784;
/// D's maxout layers: units and pieces of each.
const MAXOUT: (i64, i64) = (240, 5);
/// Dropped of D's input: 0.8 of the pixels stay, scaled by 1.25.
const DROPOUT_PIXELS: f64 = 0.2;
/// Dropped of D's hidden layers: half the units stay, scaled by 2.
const DROPOUT_HIDDEN: f64 = 0.5;
/// Pixels that are always black would start at -∞.
const MARGINAL_MIN: f64 = 1e-7;

const INIT_G: Init = Init::Uniform { bound: 0.05 };
const INIT_D: Init = Init::Uniform { bound: 0.005 };

/// Dense 100→1200, ReLU, 1200→1200, ReLU, 1200→784, sigmoid; no dropout. 28×28
/// pixels in [`PixelRange::Unit`](crate::PixelRange::Unit).
#[derive(Debug)]
pub struct GoodfellowGenerator {
    layout: Layout,
    hidden1: Linear,
    hidden2: Linear,
    output: Linear,
}

impl GoodfellowGenerator {
    /// The network as its authors defined it, for originals whose pixels have
    /// these `means`, 0 to 1, row by row: where its weights were 0, its images
    /// would start as the mean original. Only starting values depend on `means`;
    /// without them the output's bias starts at 0, gray.
    pub fn new(means: Option<&[f64; PIXELS]>) -> GoodfellowGenerator {
        let logit = |mean: &f64| {
            let p = mean.clamp(MARGINAL_MIN, 1.0 - MARGINAL_MIN);
            (p / (1.0 - p)).ln() as f32
        };
        let bias = match means {
            Some(means) => Init::Values(means.iter().map(logit).collect()),
            None => Init::Constant(0.0),
        };
        let output = AffineInit {
            weight: INIT_G,
            bias,
        };
        let mut layout = Layout::new();
        let l = &mut layout;
        GoodfellowGenerator {
            hidden1: Linear::new(l, "hidden1", LATENT, HIDDEN, INIT_G),
            hidden2: Linear::new(l, "hidden2", HIDDEN, HIDDEN, INIT_G),
            output: Linear::new(l, "output", HIDDEN, SIDE * SIDE, output),
            layout,
        }
    }
}

impl Generator for GoodfellowGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        // Variance 1, as a normal latent's.
        Latent::Uniform {
            size: LATENT,
            low: -3f64.sqrt(),
            high: 3f64.sqrt(),
        }
    }

    fn conditional(&self) -> bool {
        false
    }

    fn image_side(&self) -> i64 {
        SIDE
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
        let x = to_compute_kind(latents, weights);
        let x = self.hidden1.forward(weights, &x).relu();
        let x = self.hidden2.forward(weights, &x).relu();
        let pixels = self.output.forward(weights, &x).sigmoid();
        pixels.view([-1, 1, SIDE, SIDE])
    }
}

/// Dropout, maxout 240×5, dropout, maxout 240×5, dropout, dense to the logit.
#[derive(Debug)]
pub struct GoodfellowDiscriminator {
    layout: Layout,
    hidden1: Maxout,
    hidden2: Maxout,
    output: Linear,
}

impl GoodfellowDiscriminator {
    /// The network as its authors defined it.
    pub fn new() -> GoodfellowDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        GoodfellowDiscriminator {
            hidden1: Maxout::new(l, "hidden1", SIDE * SIDE, MAXOUT, INIT_D),
            hidden2: Maxout::new(l, "hidden2", MAXOUT.0, MAXOUT, INIT_D),
            output: Linear::new(l, "output", MAXOUT.0, 1, INIT_D),
            layout,
        }
    }
}

impl Default for GoodfellowDiscriminator {
    fn default() -> Self {
        GoodfellowDiscriminator::new()
    }
}

impl Discriminator for GoodfellowDiscriminator {
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
        mode: Mode,
    ) -> Tensor {
        let x = to_compute_kind(images, weights).reshape([-1, SIDE * SIDE]);
        let x = dropout(&x, DROPOUT_PIXELS, mode);
        let x = dropout(&self.hidden1.forward(weights, &x), DROPOUT_HIDDEN, mode);
        let x = dropout(&self.hidden2.forward(weights, &x), DROPOUT_HIDDEN, mode);
        self.output.forward(weights, &x).view([-1])
    }
}
