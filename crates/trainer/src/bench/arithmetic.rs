//! How much arithmetic a step is: counted from the shapes of the weights and the
//! number of places that each is applied at.

use gan_models::Layout;

use crate::networks::{Network, Pair};
use crate::settings::Settings;

/// The networks whose arithmetic is known here.
pub const MEASURED: [Network; 4] = [
    Network::Modern,
    Network::Dcgan,
    Network::Oshea,
    Network::Golbin,
];

/// A layer's weight by name, and how often each of its values is multiplied for
/// one image: products `places.0 / places.1` times its size.
type Layer = (&'static str, (i64, i64));

/// As many as a dense layer has.
const ONCE: (i64, i64) = (1, 1);

/// A 3×3 convolution after an enlargement to `side`×`side`: done as a 4×4 one on
/// the small image (`gan_models::layers::UpsampleConv`), 16 taps at a quarter of
/// the places.
const fn enlarged(side: i64) -> (i64, i64) {
    (4 * side * side, 9)
}

/// A layer whose kernel is applied at `side`×`side` places.
const fn square(side: i64) -> (i64, i64) {
    (side * side, 1)
}

/// The layers with products of G and of D, from the input on. What is not here
/// (normalization, activations, the optimizer) is counted as nothing.
type Layers = (&'static [Layer], &'static [Layer]);

const MODERN: Layers = (
    &[
        ("dense", ONCE),
        ("coarse", square(7)),
        // Transposed: the kernel is applied to each place of its input.
        ("up", square(7)),
        ("fine", square(14)),
        ("output", square(14)),
    ],
    &[
        ("input", square(14)),
        ("down", square(7)),
        ("coarse", square(7)),
        ("deep", square(4)),
        ("dense", ONCE),
    ],
);

const DCGAN: Layers = (
    &[
        ("dense", ONCE),
        ("up1", enlarged(16)),
        ("up2", enlarged(32)),
        ("output", square(32)),
    ],
    &[
        ("down1", square(16)),
        ("down2", square(8)),
        ("down3", square(4)),
        ("down4", square(2)),
        ("output", ONCE),
    ],
);

const OSHEA: Layers = (
    &[
        ("dense", ONCE),
        ("up", enlarged(28)),
        ("fine", square(28)),
        ("output", square(28)),
    ],
    &[
        ("down1", square(14)),
        ("down2", square(7)),
        ("dense", ONCE),
        ("output", ONCE),
    ],
);

const GOLBIN: Layers = (
    &[("hidden", ONCE), ("output", ONCE)],
    &[("hidden", ONCE), ("output", ONCE)],
);

/// Floating-point operations of the convolutions and matrix products of one step,
/// a multiplication and an addition counted as two, R1 and R2 spread over the
/// steps that have none. `None` for networks other than [`MEASURED`], and where
/// there are other penalties.
///
/// Products with padding count, as they do where they are timed. So do the
/// gradients: one of a layer's weight, and one of its input, are each as much as
/// the layer itself. A gradient of the images is needed where G learns through D
/// and in penalties, not where D learns.
pub fn step_flops(settings: &Settings, pair: &Pair) -> Option<f64> {
    if settings.gradient_penalty > 0.0 || settings.dragan > 0.0 {
        return None;
    }
    let (g, d) = match settings.network {
        Network::Modern => MODERN,
        Network::Dcgan => DCGAN,
        Network::Oshea => OSHEA,
        Network::Golbin => GOLBIN,
        _ => return None,
    };
    let g = Products::of(g, pair.generator.layout())?;
    let d = Products::of(d, pair.discriminator.layout())?;
    let batch = settings.batch as f64;
    let (mut of_g, mut of_d) = (0.0, 0.0);

    // D: originals and forgeries forward, and back to its weights.
    of_g += g.all;
    of_d += 2.0 * (d.all + d.all + d.inner);

    // G: forward, unless D's forgeries serve, through D and back.
    if settings.simultaneous {
        of_d += d.all;
    } else {
        if !settings.shared_latents {
            of_g += g.all;
        }
        let judged = if settings.loss.compares() { 2.0 } else { 1.0 };
        of_d += judged * d.all + d.all;
    }
    of_g += g.all + g.inner;

    // R1 and R2: D's gradient at its input, then back through that gradient, to
    // the weights and up to all but the last layer, above which it is 1.
    if settings.r1 > 0.0 || settings.r2 > 0.0 {
        let penalty = 2.0 * (d.all + d.all + d.all - d.last);
        of_d += penalty / settings.penalty_every.max(1) as f64;
    }
    Some(2.0 * batch * (of_g + of_d))
}

/// Multiplications of one forward pass of one image.
struct Products {
    all: f64,
    /// Without the first layer, whose input needs no gradient.
    inner: f64,
    /// Of the last layer.
    last: f64,
}

impl Products {
    fn of(layers: &[Layer], layout: &Layout) -> Option<Products> {
        let each = layers
            .iter()
            .map(|&(name, (places, of))| {
                let name = format!("{name}.weight");
                let weight = layout.params().iter().find(|param| param.name == name)?;
                Some((weight.numel() * places / of) as f64)
            })
            .collect::<Option<Vec<f64>>>()?;
        let all = each.iter().sum::<f64>();
        Some(Products {
            all,
            inner: all - each.first()?,
            last: *each.last()?,
        })
    }
}
