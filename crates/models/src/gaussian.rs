//! A one-dimensional toy problem from AYLIEN's introduction to GANs (2016, after
//! Jang): single numbers in place of images.

use crate::latent::LatentDistribution;
use crate::layers;
use crate::layers::Activation::{Relu, Softplus};
use crate::layers::{Linear, Reshape};
use crate::network::Networks;
use crate::params::Init;
use crate::pixels::PixelRange;
use crate::sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};

const HIDDEN_G: i64 = 4;
const HIDDEN_D: i64 = 8;
const INIT: Init = Init::normal(1.0);

/// The networks as their author defined them.
///
/// G: linear 1→4, softplus, linear 4→1. An "image" is one number, `[n, 1, 1, 1]`.
/// D: linear 1→8, 8→8, 8→8, each with ReLU, linear 8→1.
pub fn networks() -> Networks {
    let generator = SequentialGenerator {
        network: Sequential::new(|l| {
            layers![
                Linear::new(l, "hidden", 1, HIDDEN_G, INIT),
                Softplus,
                Linear::new(l, "output", HIDDEN_G, 1, INIT),
                Reshape::To(&[1, 1, 1]),
            ]
        }),
        latent: LatentDistribution::EvenlySpaced { low: -8.0, high: 8.0, jitter: 0.01 },
        image_side: 1,
        // Unused: the numbers are unbounded and never converted to bytes.
        pixel_range: PixelRange::Unit,
        data_parallel: false, // A step is too fast to gain from it.
    };
    let discriminator = SequentialDiscriminator {
        network: Sequential::new(|l| {
            layers![
                Reshape::To(&[1]),
                Linear::new(l, "hidden1", 1, HIDDEN_D, INIT),
                Relu,
                Linear::new(l, "hidden2", HIDDEN_D, HIDDEN_D, INIT),
                Relu,
                Linear::new(l, "hidden3", HIDDEN_D, HIDDEN_D, INIT),
                Relu,
                Linear::new(l, "output", HIDDEN_D, 1, INIT),
            ]
        }),
        data_parallel: false, // A step is too fast to gain from it.
    };
    Networks::new(generator, discriminator)
}
