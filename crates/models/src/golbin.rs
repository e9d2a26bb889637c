//! The two-layer perceptrons of "3-minute deep learning": its first GAN program,
//! and its second, which is conditional on the digit.

use tch::Tensor;

use crate::latent::Latent;
use crate::layers::{CLASSES, Linear, concat_labels};
use crate::network::{Discriminator, Generator, Mode, Networks};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const LATENT: i64 = 128;
const HIDDEN: i64 = 256;
const SIDE: i64 = 28;

/// The networks of the first program.
///
/// G: linear 128→256, ReLU, linear 256→784, sigmoid. D: linear 784→256, ReLU,
/// linear 256→1. Images are 28×28 in [`PixelRange::Unit`].
pub fn networks() -> Networks {
    build(false)
}

/// The networks of the second program: those of [`networks`] with the one-hot digit
/// as a further input of each, uniform latents, and TensorFlow's default
/// initialization.
pub fn conditional() -> Networks {
    build(true)
}

fn build(conditional: bool) -> Networks {
    Networks::new(
        GolbinGenerator(Perceptron::new(conditional, LATENT, SIDE * SIDE)),
        GolbinDiscriminator(Perceptron::new(conditional, SIDE * SIDE, 1)),
    )
}

/// Linear, ReLU, linear.
#[derive(Debug)]
struct Perceptron {
    conditional: bool,
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl Perceptron {
    fn new(conditional: bool, inputs: i64, outputs: i64) -> Perceptron {
        let mut layout = Layout::new();
        let mut linear = |name, inputs, outputs| {
            let init = match conditional {
                true => Init::glorot_uniform(inputs, outputs),
                false => Init::normal(0.01),
            };
            Linear::new(&mut layout, name, inputs, outputs, init)
        };
        let labels = if conditional { CLASSES } else { 0 };
        Perceptron {
            conditional,
            hidden: linear("hidden", inputs + labels, HIDDEN),
            output: linear("output", HIDDEN, outputs),
            layout,
        }
    }

    /// `x` `[n, inputs]` to `[n, outputs]`.
    fn forward(&self, weights: &Weights, x: &Tensor, labels: Option<&Tensor>) -> Tensor {
        let hidden = match self.conditional {
            true => self.hidden.forward(weights, &concat_labels(x, labels)),
            false => self.hidden.forward(weights, x),
        };
        self.output.forward(weights, &hidden.relu())
    }
}

#[derive(Debug)]
struct GolbinGenerator(Perceptron);

impl Generator for GolbinGenerator {
    fn layout(&self) -> &Layout {
        &self.0.layout
    }

    fn latent(&self) -> Latent {
        match self.0.conditional {
            true => Latent::Uniform {
                size: LATENT,
                low: -1.0,
                high: 1.0,
            },
            false => Latent::Normal { size: LATENT },
        }
    }

    fn conditional(&self) -> bool {
        self.0.conditional
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
        false // Too fast: synchronization would cost a fifth of its 2 ms.
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let pixels = self.0.forward(weights, latents, labels).sigmoid();
        pixels.view([-1, 1, SIDE, SIDE])
    }
}

#[derive(Debug)]
struct GolbinDiscriminator(Perceptron);

impl Discriminator for GolbinDiscriminator {
    fn layout(&self) -> &Layout {
        &self.0.layout
    }

    fn conditional(&self) -> bool {
        self.0.conditional
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        false // Too fast, as the generator.
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let pixels = images.reshape([-1, SIDE * SIDE]);
        self.0.forward(weights, &pixels, labels).view([-1])
    }
}
