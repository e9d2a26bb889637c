//! The perceptrons of the first GAN paper (Goodfellow et al. 2014), as in its
//! authors' MNIST configuration.

use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::{Relu, Sigmoid};
use crate::layers::{AffineInit, Dropout, Linear, Maxout, Reshape};
use crate::network::Networks;
use crate::params::Init;
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

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
    let logit = |mean: &f64| {
        let p = mean.clamp(MIN_MEAN, 1.0 - MIN_MEAN);
        (p / (1.0 - p)).ln() as f32
    };
    let bias = match pixel_means {
        Some(means) => Init::Values(means.iter().map(logit).collect()),
        None => Init::Constant(0.0),
    };
    let weight = INIT_G;
    let output_init = AffineInit { weight, bias };
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                Linear::new(l, "hidden1", LATENT, HIDDEN, INIT_G),
                Relu,
                Linear::new(l, "hidden2", HIDDEN, HIDDEN, INIT_G),
                Relu,
                Linear::new(l, "output", HIDDEN, SIDE * SIDE, output_init),
                Sigmoid,
                Reshape::To(&[1, SIDE, SIDE]),
            ]
        }),
        // Variance 1, as a standard normal latent.
        latent: LatentDistribution::Uniform { size: LATENT, low: -3f64.sqrt(), high: 3f64.sqrt() },
        image_side: SIDE,
        pixel_range: PixelRange::Unit,
        data_parallel: false, // Its discriminator uses dropout.
    };
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Reshape::To(&[SIDE * SIDE]),
                Dropout(PIXEL_DROPOUT),
                Maxout::new(l, "hidden1", SIDE * SIDE, MAXOUT, INIT_D),
                Dropout(HIDDEN_DROPOUT),
                Maxout::new(l, "hidden2", MAXOUT.0, MAXOUT, INIT_D),
                Dropout(HIDDEN_DROPOUT),
                Linear::new(l, "output", MAXOUT.0, 1, INIT_D),
            ]
        }),
        data_parallel: false, // Dropout.
    };
    Networks::new(generator, discriminator)
}
