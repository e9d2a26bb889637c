//! Floating-point operations of a training step, counted from the shapes of the weights.

use gan_config::Update;
use gan_models::{Param, ParamLayout};
use gan_trainer::TrainConfig;

/// Kernel applications of a layer in ninths, because an upsampling convolution applies 16/36 of
/// them. A convolution applies its kernel at each output pixel, a transposed convolution at each
/// input pixel.
const fn conv(side: i64) -> i64 {
    9 * side * side
}

/// The same for a dense layer.
const DENSE_NINTHS: i64 = 9;

/// The same for a 3×3 convolution after upsampling to `side`×`side`. It is computed as a 4×4
/// transposed convolution (`gan_models::layers::UpsampleConv`): 16 taps instead of 9, at a
/// quarter of the positions.
const fn upsampled(side: i64) -> i64 {
    4 * side * side
}

/// The layers of G and of D in the order of their weights; `None` for a network that the
/// benchmarks do not measure.
fn positions(networks: &str) -> Option<(Vec<i64>, Vec<i64>)> {
    Some(match networks {
        "modern" => (
            vec![DENSE_NINTHS, conv(7), conv(7), conv(14), conv(14)],
            vec![conv(14), conv(7), conv(7), conv(4), DENSE_NINTHS],
        ),
        "dcgan" => (
            vec![DENSE_NINTHS, upsampled(16), upsampled(32), conv(32)],
            vec![conv(16), conv(8), conv(4), conv(2), DENSE_NINTHS],
        ),
        "oshea" => (
            vec![DENSE_NINTHS, upsampled(28), conv(28), conv(28)],
            vec![conv(14), conv(7), DENSE_NINTHS, DENSE_NINTHS],
        ),
        "golbin" => (vec![DENSE_NINTHS; 2], vec![DENSE_NINTHS; 2]),
        _ => return None,
    })
}

/// Floating-point operations of the convolutions and matrix products of one step. A
/// multiplication and an addition count as two operations. The operations of R1 and R2 are
/// averaged over the steps between two penalties. Everything else (normalization, activations,
/// optimizer) counts as zero.
///
/// Multiplications with padding count, because the libraries compute them. The gradient of a
/// layer's weight and the gradient of its input cost as much as the layer itself. The gradient of
/// the images is computed in G's update and in penalties, but not in D's update.
///
/// Returns `None` for networks other than those of `modern`, `dcgan`, `oshea` and `golbin`, and
/// for other penalties than R1 and R2.
pub fn step_flops(networks: &str, config: &TrainConfig) -> Option<f64> {
    let TrainConfig { settings, .. } = config;
    if settings.penalties.iter().any(|p| p.kind.is_one_centered()) {
        return None;
    }
    let (g, d) = positions(networks)?;
    let g = Multiplications::new(&g, config.networks.generator.layout())?;
    let d = Multiplications::new(&d, config.networks.discriminator.layout())?;

    // D's update: generate, classify real and fake images, gradients of D's weights.
    let mut products = g.all + 2.0 * (d.all + d.all + d.inner);
    // G's update: generate and classify, unless D's update did it already. A
    // relativistic loss classifies the real images too.
    let classified = if config.loss.generator_uses_real { 2.0 } else { 1.0 };
    products += match settings.update {
        Update::Simultaneous => d.all,
        Update::SharedLatents => classified * d.all + d.all,
        Update::Alternating => g.all + classified * d.all + d.all,
    };
    // Gradients of G's weights.
    products += g.all + g.inner;
    // R1 and R2: the gradient of D's input, then the gradients of that gradient: of all weights,
    // and of all layers but the last, whose output has the constant gradient 1.
    if !settings.penalties.is_empty() {
        let penalty = 2.0 * (d.all + d.all + d.all - d.last);
        products += penalty / settings.penalty_every.max(1) as f64;
    }
    Some(2.0 * settings.batch as f64 * products)
}

/// Multiplications of one forward pass of one image.
struct Multiplications {
    all: f64,
    /// Without the first layer.
    inner: f64,
    last: f64,
}

impl Multiplications {
    fn new(positions: &[i64], layout: &ParamLayout) -> Option<Multiplications> {
        let weights = layout.params().iter().filter(|p| p.shape.len() > 1);
        let sizes: Vec<i64> = weights.map(Param::numel).collect();
        if sizes.len() != positions.len() {
            return None;
        }
        let pairs = sizes.iter().zip(positions);
        let products: Vec<f64> = pairs.map(|(n, at)| (n * at / 9) as f64).collect();
        let all = products.iter().sum::<f64>();
        Some(Multiplications { all, inner: all - products.first()?, last: *products.last()? })
    }
}

#[cfg(test)]
mod tests {
    use gan_config::preset;
    use gan_models::modern;
    use gan_trainer::TrainData;

    use super::*;

    /// The settings of the preset `name` with its networks.
    fn config(name: &str) -> TrainConfig {
        TrainConfig::preset(preset(name).unwrap(), &TrainData::Gaussian).unwrap()
    }

    /// Operations that oneDNN 3.12 reports for a step in bf16: the sum over all convolutions and
    /// matrix products of `ONEDNN_VERBOSE=profile_exec forger bench steps --preset …`. Two kinds
    /// of work are subtracted: making 4×4 kernels of 3×3 ones, and in `dcgan` the gradient of D
    /// at the real images, which nothing uses.
    const ONEDNN_FLOPS: [(&str, f64); 4] = [
        ("modern", 4_272_099_328.0),
        ("dcgan", 20_712_521_728.0 - 14_155_776.0 - 118_030_336.0),
        ("oshea", 111_846_599_680.0 - 17_280_000.0),
        ("golbin", 374_784_000.0),
    ];

    #[test]
    fn step_flops_equal_those_that_onednn_reports() {
        for (name, flops) in ONEDNN_FLOPS {
            assert_eq!(step_flops(name, &config(name)), Some(flops), "{name}");
        }
        assert_eq!(step_flops("goodfellow", &config("goodfellow")), None);
    }

    #[test]
    fn step_flops_are_unknown_for_penalties_at_other_points() {
        let mut config = config("modern");
        config.settings.set("gradient_penalty=10").unwrap();
        assert_eq!(step_flops("modern", &config), None);
    }

    #[test]
    fn twice_the_width_needs_about_four_times_the_flops() {
        let plain = config("modern");
        let wide = |width| TrainConfig { networks: modern::wide(width), ..plain.clone() };
        let layouts = |config: &TrainConfig| {
            let networks = &config.networks;
            (networks.generator.layout().clone(), networks.discriminator.layout().clone())
        };
        assert_eq!(layouts(&wide(1)), layouts(&plain));
        let flops = |width| step_flops("modern", &wide(width)).unwrap();
        let ratio = flops(2) / flops(1);
        assert!((3.5..4.0).contains(&ratio), "{ratio}");
    }
}
