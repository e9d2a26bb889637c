//! The pairs of networks that presets name.

use gan_models::dcgan::{DcganDiscriminator, DcganGenerator};
use gan_models::gaussian::{GaussianDiscriminator, GaussianGenerator};
use gan_models::golbin::{GolbinDiscriminator, GolbinGenerator};
use gan_models::goodfellow::{GoodfellowDiscriminator, GoodfellowGenerator, PIXELS};
use gan_models::modern::{ModernDiscriminator, ModernGenerator};
use gan_models::oshea::{OsheaDiscriminator, OsheaGenerator, OsheaNorm};
use gan_models::{Discriminator, Generator, PixelRange};
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
    pub generator: Box<dyn Generator>,
    /// The police officer.
    pub discriminator: Box<dyn Discriminator>,
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
        match self {
            Network::Modern => pair(
                ModernGenerator::new(),
                ModernDiscriminator::new(),
                PixelRange::Symmetric,
            ),
            Network::ModernConditional => pair(
                ModernGenerator::with_labels(),
                ModernDiscriminator::with_labels(),
                PixelRange::Symmetric,
            ),
            Network::Oshea => oshea(OsheaNorm::Columns),
            Network::OsheaChannels => oshea(OsheaNorm::Channels),
            Network::Golbin => pair(
                GolbinGenerator::new(),
                GolbinDiscriminator::new(),
                PixelRange::Unit,
            ),
            Network::GolbinConditional => pair(
                GolbinGenerator::with_labels(),
                GolbinDiscriminator::with_labels(),
                PixelRange::Unit,
            ),
            Network::Goodfellow => pair(
                GoodfellowGenerator::new(pixel_means),
                GoodfellowDiscriminator::new(),
                PixelRange::Unit,
            ),
            Network::Gaussian => pair(
                GaussianGenerator::new(),
                GaussianDiscriminator::new(),
                PixelRange::Unit,
            ),
            Network::Dcgan => pair(
                DcganGenerator::new(),
                DcganDiscriminator::new(),
                PixelRange::Symmetric,
            ),
        }
    }
}

/// The networks of `modern` with `width` times as many channels throughout.
pub fn wide_modern(width: i64) -> Pair {
    pair(
        ModernGenerator::wide(width),
        ModernDiscriminator::wide(width),
        PixelRange::Symmetric,
    )
}

fn oshea(norm: OsheaNorm) -> Pair {
    pair(
        OsheaGenerator::new(norm),
        OsheaDiscriminator::new(),
        PixelRange::Unit,
    )
}

fn pair(
    generator: impl Generator + 'static,
    discriminator: impl Discriminator + 'static,
    range: PixelRange,
) -> Pair {
    Pair {
        generator: Box::new(generator),
        discriminator: Box::new(discriminator),
        range,
    }
}
