//! The pairs of networks that presets name.

use std::sync::Arc;

use gan_models::goodfellow::PIXELS;
use gan_models::layers::NormAxis;
use gan_models::{
    Discriminator, Generator, Networks, PixelRange, dcgan, gaussian, golbin, goodfellow, modern,
    oshea,
};
use serde::{Deserialize, Serialize};

/// A pair of networks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Small convolutional networks without normalization.
    Modern,
    /// The same, told the digit.
    ModernConditional,
    /// O'Shea's convolutional networks, batch norm over image columns.
    Oshea,
    /// The same with batch norm over channels.
    OsheaChannels,
    /// Two-layer perceptrons.
    Golbin,
    /// Two-layer perceptrons that are told the digit.
    GolbinConditional,
    /// The perceptrons of the first GAN paper, D's with maxout.
    Goodfellow,
    /// One number in place of an image.
    Gaussian,
    /// The usual 32×32 DCGAN.
    Dcgan,
}

/// A pair of networks, built.
#[derive(Debug)]
pub struct Pair {
    /// The counterfeiter.
    pub generator: Arc<dyn Generator>,
    /// The police officer.
    pub discriminator: Arc<dyn Discriminator>,
    /// The range of their pixels.
    pub range: PixelRange,
}

impl Network {
    /// Rows and columns of the pair's images.
    pub fn side(self) -> usize {
        match self {
            Network::Gaussian => 1,
            Network::Dcgan => 32,
            _ => 28,
        }
    }

    /// Whether the originals are drawn from a distribution, not read from files.
    pub fn draws_originals(self) -> bool {
        self == Network::Gaussian
    }

    /// Whether the start of G depends on the originals' pixels.
    pub fn starts_from_pixels(self) -> bool {
        self == Network::Goodfellow
    }

    /// Whether two threads should play a step on half the batch each. For that, each
    /// image must go its own way through both networks, without batch norm and
    /// dropout, and a step take so long that waiting for each other costs little: of
    /// golbin's 2 ms it takes a fifth.
    pub fn divides(self) -> bool {
        matches!(self, Network::Modern | Network::ModernConditional)
    }

    /// Builds the pair; `pixel_means`, 0 to 1, are those of the originals, where
    /// the networks are to be trained and [`Network::starts_from_pixels`].
    pub fn build(self, pixel_means: Option<&[f64; PIXELS]>) -> Pair {
        pair(match self {
            Network::Modern => modern::networks(),
            Network::ModernConditional => modern::conditional(),
            Network::Oshea => oshea::networks(NormAxis::Columns),
            Network::OsheaChannels => oshea::networks(NormAxis::Channels),
            Network::Golbin => golbin::networks(),
            Network::GolbinConditional => golbin::conditional(),
            Network::Goodfellow => goodfellow::networks(pixel_means),
            Network::Gaussian => gaussian::networks(),
            Network::Dcgan => dcgan::networks(),
        })
    }
}

/// The networks of `modern` with `width` times as many channels throughout.
pub fn wide_modern(width: i64) -> Pair {
    pair(modern::wide(width))
}

fn pair(networks: Networks) -> Pair {
    Pair {
        range: networks.generator.pixel_range(),
        generator: networks.generator,
        discriminator: networks.discriminator,
    }
}
