//! The default pair: small convolutional networks without normalization, for
//! the best digits per second of training on a processor.

use tch::Tensor;

use crate::layers::{
    CLASSES, Conv2d, ConvUp2d, Linear, channels_last, join_labels, label_of, leaky_relu,
    to_compute_kind,
};
use crate::network::{Discriminator, Generator, Latent, Mode};
use crate::params::{Init, Layout, Weights};
use crate::pixels::PixelRange;

/// MNIST has few more directions than this; with 64, forgeries between digits are
/// more.
const LATENT: i64 = 16;
/// Without labels, latents fall into as many groups. Digits do not pass into each
/// other, and from one cloud of latents G would forge what lies between them
/// (Khayatkhoei et al. 2018); it makes of the groups what it likes.
const GROUPS: i64 = 10;
/// How far the groups lie from the origin, in deviations of the other values. With
/// 1, G takes no notice.
const APART: f64 = 2.0;
/// Channels at 7×7, where most of the arithmetic is.
const COARSE: i64 = 64;
/// Channels at 4×4, where D sees the whole digit.
const DEEP: i64 = 128;
/// Channels at 14×14, the finest grid that either network computes on: images
/// enter and leave as 2×2 blocks of pixels in four channels (Shi et al. 2016).
const FINE: i64 = 32;
/// Rows and columns of an image.
const SIDE: i64 = 28;
/// Of the leaky ReLU, as in most GANs since Radford et al. 2016.
const SLOPE: f64 = 0.2;
/// MNIST's ink is 253 of 255 more often than any other grey.
const WHITE: f64 = 2.0 * 253.0 / 255.0 - 1.0;
/// How far below -1 all is -1, as the background of originals is, exactly, and how far
/// above [`WHITE`] all is that.
const FLAT: f64 = 1.5;
/// The slope of G's output beyond.
const OVERSHOOT: f64 = 0.1;

/// He et al. 2015 for a leaky ReLU: gain² = 2 / (1 + slope²).
fn he(fan_in: i64) -> Init {
    Init::he_normal(fan_in, (2.0 / (1.0 + SLOPE * SLOPE)).sqrt())
}

/// Dense to 7×7, 3×3, up to 14×14, 3×3, 3×3 to 2×2 blocks; 28×28 pixels in
/// [`PixelRange::Symmetric`](crate::PixelRange::Symmetric), few of them outside.
///
/// Conditional, it takes the digit's one-hot beside the latent, in the place of the
/// group.
#[derive(Debug)]
pub struct ModernGenerator {
    layout: Layout,
    conditional: bool,
    /// Channels at 7×7.
    channels: i64,
    dense: Linear,
    coarse: Conv2d,
    up: ConvUp2d,
    fine: Conv2d,
    output: Conv2d,
}

impl ModernGenerator {
    /// The network.
    pub fn new() -> ModernGenerator {
        ModernGenerator::of(1, false)
    }

    /// The network with `width` times as many channels throughout, at least 1.
    pub fn wide(width: i64) -> ModernGenerator {
        ModernGenerator::of(width, false)
    }

    /// The network that is told which digit to forge.
    pub fn with_labels() -> ModernGenerator {
        ModernGenerator::of(1, true)
    }

    fn of(width: i64, conditional: bool) -> ModernGenerator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let (coarse, fine) = (width * COARSE, width * FINE);
        let inputs = LATENT + if conditional { CLASSES } else { GROUPS };
        ModernGenerator {
            conditional,
            channels: coarse,
            dense: Linear::new(l, "dense", inputs, 49 * coarse, he(LATENT)),
            coarse: Conv2d::new(l, "coarse", (coarse, coarse), 3, (1, 1), he(coarse * 9)),
            // Of the 4×4 kernel 2×2 reach any one output pixel.
            up: ConvUp2d::new(l, "up", (coarse, fine), he(coarse * 4)),
            fine: Conv2d::new(l, "fine", (fine, fine), 3, (1, 1), he(fine * 9)),
            output: Conv2d::new(l, "output", (fine, 4), 3, (1, 1), he(fine * 9)),
            layout,
        }
    }
}

impl Default for ModernGenerator {
    fn default() -> Self {
        ModernGenerator::new()
    }
}

impl Generator for ModernGenerator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn latent(&self) -> Latent {
        match self.conditional {
            true => Latent::Normal { size: LATENT },
            false => Latent::Mixture {
                size: LATENT,
                groups: GROUPS,
                apart: APART,
            },
        }
    }

    fn conditional(&self) -> bool {
        self.conditional
    }

    fn image_side(&self) -> i64 {
        SIDE
    }

    fn pixel_range(&self) -> PixelRange {
        PixelRange::Symmetric
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        true
    }

    fn forward(
        &self,
        weights: &Weights,
        latents: &Tensor,
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        let mut z = to_compute_kind(latents, weights);
        if self.conditional {
            z = join_labels(&z, labels);
        }
        let x = leaky_relu(&self.dense.forward(weights, &z), SLOPE);
        // [n, 49·c] read as [n, 7, 7, c]: channels-last without a copy.
        let x = x.view([-1, 7, 7, self.channels]).permute([0, 3, 1, 2]);
        let x = leaky_relu(&self.coarse.forward(weights, &x), SLOPE);
        let x = leaky_relu(&self.up.forward(weights, &x), SLOPE);
        let x = leaky_relu(&self.fine.forward(weights, &x), SLOPE);
        // [n, 4, 14, 14] → [n, 1, 28, 28]
        ink(&self.output.forward(weights, &x).pixel_shuffle(2))
    }
}

/// Images of what G's last layer says, of the same shape: -1 from -2.5 to -1, itself up
/// to [`WHITE`], that for another 1.5, and beyond a tenth of what is more. The gradient
/// is 1 between -1 and [`WHITE`], and a tenth elsewhere.
///
/// A hyperbolic tangent saturates on MNIST's black background before G has learned
/// anything; this has a gradient everywhere. Without an end, what is black would
/// drift away unseen; without ranges for black and white, specks of the darkest greys
/// and strokes of uneven white would come out, for which D is blind.
fn ink(x: &Tensor) -> Tensor {
    let inside = x.clamp(-1.0, WHITE);
    let flat = (x.clamp(-1.0 - FLAT, WHITE + FLAT) - &inside).detach();
    &inside + (x - &inside - flat) * OVERSHOOT
}

/// 2×2 blocks, 3×3, down to 7×7, 3×3, down to 4×4, dense to the logit.
///
/// Conditional, the digit chooses one more dense layer's answer, which is added:
/// the projection of Miyato and Koyama 2018, eq. 3.
#[derive(Debug)]
pub struct ModernDiscriminator {
    layout: Layout,
    input: Conv2d,
    down: Conv2d,
    coarse: Conv2d,
    deep: Conv2d,
    dense: Linear,
    digits: Option<Linear>,
}

impl ModernDiscriminator {
    /// The network.
    pub fn new() -> ModernDiscriminator {
        ModernDiscriminator::of(1, false)
    }

    /// The network with `width` times as many channels throughout, at least 1.
    pub fn wide(width: i64) -> ModernDiscriminator {
        ModernDiscriminator::of(width, false)
    }

    /// The network that judges images as forgeries of the digit it is told.
    pub fn with_labels() -> ModernDiscriminator {
        ModernDiscriminator::of(1, true)
    }

    fn of(width: i64, conditional: bool) -> ModernDiscriminator {
        let mut layout = Layout::new();
        let l = &mut layout;
        let (deep, coarse, fine) = (width * DEEP, width * COARSE, width * FINE);
        let units = 16 * deep;
        ModernDiscriminator {
            input: Conv2d::new(l, "input", (4, fine), 3, (1, 1), he(4 * 9)),
            down: Conv2d::new(l, "down", (fine, coarse), 4, (2, 1), he(fine * 16)),
            coarse: Conv2d::new(l, "coarse", (coarse, coarse), 3, (1, 1), he(coarse * 9)),
            deep: Conv2d::new(l, "deep", (coarse, deep), 3, (2, 1), he(coarse * 9)),
            dense: Linear::new(l, "dense", units, 1, he(units)),
            digits: conditional.then(|| Linear::new(l, "digits", units, CLASSES, he(units))),
            layout,
        }
    }
}

impl Default for ModernDiscriminator {
    fn default() -> Self {
        ModernDiscriminator::new()
    }
}

impl Discriminator for ModernDiscriminator {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn conditional(&self) -> bool {
        self.digits.is_some()
    }

    fn uses_batch_statistics(&self) -> bool {
        false
    }

    fn shardable(&self) -> bool {
        true
    }

    fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        labels: Option<&Tensor>,
        _mode: Mode,
    ) -> Tensor {
        // [n, 1, 28, 28] → [n, 4, 14, 14]
        let x = channels_last(&to_compute_kind(images, weights).pixel_unshuffle(2));
        let x = leaky_relu(&self.input.forward(weights, &x), SLOPE);
        let x = leaky_relu(&self.down.forward(weights, &x), SLOPE);
        let x = leaky_relu(&self.coarse.forward(weights, &x), SLOPE);
        let x = leaky_relu(&self.deep.forward(weights, &x), SLOPE);
        // Read in memory order, [n, 4, 4, c], so that nothing is copied.
        let x = x.permute([0, 2, 3, 1]).flatten(1, -1);
        let logits = self.dense.forward(weights, &x).view([-1]);
        match &self.digits {
            Some(digits) => logits + label_of(&digits.forward(weights, &x), labels),
            None => logits,
        }
    }
}
