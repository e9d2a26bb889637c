//! Densities of real and generated numbers, and D's output, for the preset
//! `gaussian`.

use run_dir::DensityRow;
use tch::{Kind, Tensor, no_grad};

use crate::Error;
use crate::gan::Gan;
use crate::loader::{GAUSSIAN_MEAN_STD, draw_gaussian};
use crate::seeds::{RandomStream, seed_torch};

/// Draws for the estimates of the densities and of the value function V(D, G).
const DRAWS: i64 = 20_000;
/// The axis: first and last point, and the number of points.
const AXIS: (f64, f64, i64) = (-8.0, 8.0, 201);

/// Both densities, D's output along the axis, and the value function V(D, G) =
/// E log D(x) + E log(1 − D(G(z))), after `step` steps.
pub(crate) fn densities(gan: &Gan, seed: u64, step: u64) -> Result<DensityRow, Error> {
    let (low, high, points) = AXIS;
    seed_torch(seed, RandomStream::Densities, 0);
    let real = draw_gaussian(DRAWS);
    let latents = gan.latents(DRAWS);
    let (fake, output, value) = no_grad(|| {
        let labels = Tensor::zeros([DRAWS], (Kind::Int64, gan.device));
        let fake = gan.sampler().forward(&latents, &labels);
        let logits = |x: &Tensor| {
            let x = x.view([-1, 1, 1, 1]).to_device(gan.device);
            gan.logits(&x, &labels).to_kind(Kind::Double)
        };
        let axis = Tensor::linspace(low, high, points, (Kind::Float, gan.device));
        let value = logits(&real).log_sigmoid().mean(Kind::Double)
            + (-logits(&fake)).log_sigmoid().mean(Kind::Double);
        (fake, logits(&axis).sigmoid(), value)
    });
    let fake = Vec::<f64>::try_from(fake.to_kind(Kind::Double).view([-1]))?;
    Ok(DensityRow {
        step,
        low,
        high,
        real: (0..points).map(|i| gaussian_density(point(i))).collect(),
        fake: histogram(&fake),
        discriminator: Vec::<f64>::try_from(output)?,
        value: value.double_value(&[]),
    })
}

/// The `i`-th point of the axis.
fn point(i: i64) -> f64 {
    let (low, high, points) = AXIS;
    low + (high - low) * i as f64 / (points - 1) as f64
}

/// The density of real numbers at `x`; 0 beyond six standard deviations, where no
/// draw falls.
fn gaussian_density(x: f64) -> f64 {
    let (mean, std) = GAUSSIAN_MEAN_STD;
    let z = (x - mean) / std;
    if z.abs() > 6.0 {
        return 0.0;
    }
    (-0.5 * z * z).exp() / (std * (2.0 * std::f64::consts::PI).sqrt())
}

/// The share of `numbers` nearest to each point of the axis, per unit of length.
fn histogram(numbers: &[f64]) -> Vec<f64> {
    let (low, high, points) = AXIS;
    let width = (high - low) / (points - 1) as f64;
    let weight_per_draw = 1.0 / (numbers.len().max(1) as f64 * width);
    let mut density = vec![0.0; points as usize];
    for number in numbers {
        let bin = ((number - low) / width).round();
        if bin >= 0.0
            && let Some(bin) = density.get_mut(bin as usize)
        {
            *bin += weight_per_draw;
        }
    }
    density
}
