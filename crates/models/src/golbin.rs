//! The two-layer perceptrons of "3-minute deep learning", both GAN programs:
//! G 128→256→784, D 784→256→1, the second with the digit as a further input of
//! each.

use tch::Tensor;

use crate::layers::{CLASSES, Linear, join_labels, to_compute_kind};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

const LATENT: i64 = 128;
const HIDDEN: i64 = 256;
const SIDE: i64 = 28;

/// Dense 128→256, ReLU, dense 256→784, sigmoid; 28×28 pixels in
/// [`PixelRange::Unit`](crate::PixelRange::Unit).
#[derive(Debug)]
pub struct GolbinGenerator {
    program: Program,
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GolbinGenerator {
    /// The first program's network.
    pub fn new() -> GolbinGenerator {
        GolbinGenerator::of(Program::First)
    }

    /// The second program's network, which forges the digit it is asked for.
    pub fn with_labels() -> GolbinGenerator {
        GolbinGenerator::of(Program::Conditional)
    }

    fn of(program: Program) -> GolbinGenerator {
        let mut layout = Layout::new();
        let l = &mut layout;
        GolbinGenerator {
            hidden: program.dense(l, "hidden", program.inputs(LATENT), HIDDEN),
            output: program.dense(l, "output", HIDDEN, SIDE * SIDE),
            layout,
            program,
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
        match self.program {
            Program::First => Latent::Normal { size: LATENT },
            Program::Conditional => Latent::Uniform {
                size: LATENT,
                low: -1.0,
                high: 1.0,
            },
        }
    }

    fn conditional(&self) -> bool {
        self.program == Program::Conditional
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
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let z = to_compute_kind(latents, weights);
        let z = self.program.join(z, labels);
        let hidden = self.hidden.forward(weights, &z).relu();
        let pixels = self.output.forward(weights, &hidden).sigmoid();
        pixels.view([-1, 1, SIDE, SIDE])
    }
}

/// Dense 784→256, ReLU, dense 256→1; the logit, before the sigmoid.
#[derive(Debug)]
pub struct GolbinDiscriminator {
    program: Program,
    layout: Layout,
    hidden: Linear,
    output: Linear,
}

impl GolbinDiscriminator {
    /// The first program's network.
    pub fn new() -> GolbinDiscriminator {
        GolbinDiscriminator::of(Program::First)
    }

    /// The second program's network, which judges images as forgeries of the
    /// digit it is told.
    pub fn with_labels() -> GolbinDiscriminator {
        GolbinDiscriminator::of(Program::Conditional)
    }

    fn of(program: Program) -> GolbinDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        GolbinDiscriminator {
            hidden: program.dense(l, "hidden", program.inputs(SIDE * SIDE), HIDDEN),
            output: program.dense(l, "output", HIDDEN, 1),
            layout,
            program,
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

    fn conditional(&self) -> bool {
        self.program == Program::Conditional
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
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let x = to_compute_kind(images, weights).reshape([-1, SIDE * SIDE]);
        let x = self.program.join(x, labels);
        let hidden = self.hidden.forward(weights, &x).relu();
        self.output.forward(weights, &hidden).view([-1])
    }
}

/// The two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    First,
    /// TensorFlow's default start, and the digit's one-hot joined to the input.
    Conditional,
}

impl Program {
    fn dense(self, layout: &mut Layout, name: &str, inputs: i64, outputs: i64) -> Linear {
        let init = match self {
            Program::First => Init::normal(0.01),
            Program::Conditional => Init::glorot_uniform(inputs, outputs),
        };
        Linear::new(layout, name, inputs, outputs, init)
    }

    fn inputs(self, inputs: i64) -> i64 {
        match self {
            Program::First => inputs,
            Program::Conditional => inputs + CLASSES,
        }
    }

    fn join(self, x: Tensor, labels: Option<&Tensor>) -> Tensor {
        match self {
            Program::First => x,
            Program::Conditional => join_labels(&x, labels),
        }
    }
}
