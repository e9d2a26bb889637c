//! The two-layer perceptrons of "3-minute deep learning": its first GAN program,
//! and its second, which is conditional on the class.

use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::{Relu, Sigmoid};
use crate::layers::{ConcatLabels, Linear, Reshape};
use crate::network::Networks;
use crate::params::{Init, ParamLayout};
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

const LATENT: i64 = 128;
const HIDDEN: i64 = 256;
const SIDE: i64 = 28;

/// The networks of the first program.
///
/// G: linear 128→256, ReLU, linear 256→784, sigmoid. D: linear 784→256, ReLU,
/// linear 256→1. Images are 28×28 in [`PixelRange::Unit`].
pub fn networks() -> Networks {
    build(None)
}

/// The networks of the second program: those of [`networks`] with a one-hot label as a further
/// input of each, uniform latents, and TensorFlow's default initialization. `classes` is the
/// number of classes.
pub fn conditional(classes: i64) -> Networks {
    build(Some(classes))
}

fn build(classes: Option<i64>) -> Networks {
    let conditional = classes.is_some();
    let linear = |l: &mut ParamLayout, name, inputs, outputs| {
        let init = match conditional {
            true => Init::glorot_uniform(inputs, outputs),
            false => Init::normal(0.01),
        };
        Linear::new(l, name, inputs, outputs, init)
    };
    let label_inputs = classes.unwrap_or(0);
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                ConcatLabels(classes),
                linear(l, "hidden", LATENT + label_inputs, HIDDEN),
                Relu,
                linear(l, "output", HIDDEN, SIDE * SIDE),
                Sigmoid,
                Reshape::To(&[1, SIDE, SIDE]),
            ]
        }),
        latent: match conditional {
            true => LatentDistribution::Uniform { size: LATENT, low: -1.0, high: 1.0 },
            false => LatentDistribution::Normal { size: LATENT },
        },
        image_side: SIDE,
        pixel_range: PixelRange::Unit,
        data_parallel: false, // A step is too fast: synchronization would take a fifth of 2 ms.
    };
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Reshape::To(&[SIDE * SIDE]),
                ConcatLabels(classes),
                linear(l, "hidden", SIDE * SIDE + label_inputs, HIDDEN),
                Relu,
                linear(l, "output", HIDDEN, 1),
            ]
        }),
        data_parallel: false, // A step is too fast, as for the generator.
    };
    Networks::new(generator, discriminator)
}
