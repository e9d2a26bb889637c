//! The perceptrons of the first GAN paper (Goodfellow et al. 2014), as in its
//! authors' MNIST configuration.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::{AffineInit, Linear, Maxout, dropout};
use crate::network::{Discriminator, Generator, Mode, Networks};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

/// Pixels of an image.
pub const PIXELS: usize = 784;

const LATENT: i64 = 100;
const HIDDEN: i64 = 1200;
const SIDE: i64 = 28;
/// Units and pieces of D's maxout layers.
const MAXOUT: (i64, i64) = (240, 5);
/// Dropout rate of D's input.
const PIXEL_DROPOUT: f64 = 0.2;
/// Dropout rate of D's hidden layers.
const HIDDEN_DROPOUT: f64 = 0.5;
/// Lower bound of a mean pixel; the logit of a pixel that is always black is -∞.
const MIN_MEAN: f64 = 1e-7;

const INIT_G: Init = Init::Uniform { bound: 0.05 };
const INIT_D: Init = Init::Uniform { bound: 0.005 };

/// The networks as their authors defined them.
///
/// G: linear 100→1200, ReLU, 1200→1200, ReLU, 1200→784, sigmoid. D: dropout, maxout
/// 240×5, dropout, maxout 240×5, dropout, linear 240→1. Images are 28×28 in
/// [`PixelRange::Unit`].
///
/// `pixel_means` are the mean pixels of the training images, 0 to 1, row by row. The
/// bias of G's output starts at their logits. With all weights at zero, G would
/// return the mean image. Without `pixel_means` the bias starts at 0.
pub fn networks(pixel_means: Option<&[f64; PIXELS]>) -> Networks {
    Networks::new(
        GoodfellowGenerator::new(pixel_means),
        GoodfellowDiscriminator::new(),
    )
}

#[derive(Debug)]
struct GoodfellowGenerator {
    layout: Layout,
    hidden1: Linear,
    hidden2: Linear,
    output: Linear,
}

impl GoodfellowGenerator {
    fn new(pixel_means: Option<&[f64; PIXELS]>) -> GoodfellowGenerator {
        let logit = |mean: &f64| {
            let p = mean.clamp(MIN_MEAN, 1.0 - MIN_MEAN);
            (p / (1.0 - p)).ln() as f32
        };
        let bias = match pixel_means {
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
        // Variance 1, as a standard normal latent.
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
        false // Its discriminator uses dropout.
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        _labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let x = self.hidden1.forward(weights, latents).relu();
        let x = self.hidden2.forward(weights, &x).relu();
        let pixels = self.output.forward(weights, &x).sigmoid();
        pixels.view([-1, 1, SIDE, SIDE])
    }
}

#[derive(Debug)]
struct GoodfellowDiscriminator {
    layout: Layout,
    hidden1: Maxout,
    hidden2: Maxout,
    output: Linear,
}

impl GoodfellowDiscriminator {
    fn new() -> GoodfellowDiscriminator {
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
        false // Dropout.
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        _labels: Option<&Tensor>,
        mode: Mode,
    ) -> Tensor {
        // Dropout of the input, too, runs in the weights' kind.
        let x = images.to_kind(weights.kind()).reshape([-1, SIDE * SIDE]);
        let x = dropout(&x, PIXEL_DROPOUT, mode);
        let x = dropout(&self.hidden1.forward(weights, &x), HIDDEN_DROPOUT, mode);
        let x = dropout(&self.hidden2.forward(weights, &x), HIDDEN_DROPOUT, mode);
        self.output.forward(weights, &x).view([-1])
    }
}
