//! Gaussian fits of features, and the Fréchet distance between them.

use tch::{Kind, Tensor};

use super::error::at_least;
use super::features::blocks;
use crate::{Error, Fake, Features, Real, Result};

/// Rows whose products are summed at a time.
const BLOCK: usize = 4096;

/// Mean and covariance of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    mean: Vec<f64>,
    covariance: Vec<f64>,
}

impl Gaussian {
    /// Fits features `[n, d]`; the covariance is divided by n − 1.
    ///
    /// # Errors
    /// [`Error::TooFew`] with fewer than 2 rows; [`Error::Torch`] without memory for the
    /// covariance.
    pub fn fit(features: &Features) -> Result<Gaussian> {
        at_least(2, features.len(), "the Fréchet distance", "images in each set")?;
        let n = features.len() as f64;
        let width = features.width() as i64;
        let options = (Kind::Double, tch::Device::Cpu);
        let mut sum = Tensor::f_zeros([width], options)?;
        for rows in blocks(features.len(), BLOCK) {
            sum += features.block(rows).sum_dim_intlist([0i64].as_slice(), false, None);
        }
        let mean = sum / n;
        let mut scatter = Tensor::f_zeros([width, width], options)?;
        for rows in blocks(features.len(), BLOCK) {
            let centered = features.block(rows) - &mean;
            scatter += centered.tr().matmul(&centered);
        }
        let covariance = scatter / (n - 1.0);
        Ok(Gaussian {
            mean: Vec::try_from(&mean)?,
            covariance: Vec::try_from(&covariance.reshape([-1]))?,
        })
    }

    /// A Gaussian from a mean `[d]` and a covariance `[d, d]`, row-major.
    ///
    /// # Errors
    /// [`Error::Statistics`] unless the sizes fit, all values are finite, and the covariance
    /// is symmetric within 10⁻⁶ of its largest value.
    pub fn from_parts(mean: Vec<f64>, covariance: Vec<f64>) -> Result<Gaussian> {
        let d = mean.len();
        let finite = mean.iter().chain(&covariance).all(|v| v.is_finite());
        if d == 0 || d.checked_mul(d) != Some(covariance.len()) || !finite {
            return Err(Error::Statistics);
        }
        let largest = covariance.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let symmetric = (0..d).all(|row| {
            (0..row).all(|column| {
                let difference = covariance[row * d + column] - covariance[column * d + row];
                difference.abs() <= 1e-6 * largest
            })
        });
        if !symmetric {
            return Err(Error::Statistics);
        }
        Ok(Gaussian { mean, covariance })
    }

    /// The mean, `[d]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance, `[d, d]` in row-major order.
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    fn covariance_tensor(&self) -> Tensor {
        let width = self.mean.len() as i64;
        Tensor::from_slice(&self.covariance).view([width, width])
    }
}

/// ‖μ₁ − μ₂‖² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ (Dowson and Landau 1982; Heusel et
/// al. 2017, equation 6).
///
/// (S₁S₂)^½ has the trace of the square root of the symmetric product
/// S₁^½ S₂ S₁^½ = AAᵀ with A = S₁^½ S₂^½. Its eigenvalues are the squares of A's
/// singular values. These are summed directly, because the square root of a computed
/// eigenvalue near 0 is wrong from the eighth digit on.
///
/// # Errors
/// [`Error::Width`]; [`Error::Torch`] if the eigenvalues do not converge.
pub fn frechet_distance(real: Real<'_, Gaussian>, fake: Fake<'_, Gaussian>) -> Result<f64> {
    let (Real(a), Fake(b)) = (real, fake);
    let (left, right) = (a.mean.len(), b.mean.len());
    if left != right {
        return Err(Error::Width { left, right });
    }
    let between: f64 = a.mean.iter().zip(&b.mean).map(|(x, y)| (x - y).powi(2)).sum();
    let trace = |g: &Gaussian| g.covariance.iter().step_by(g.mean.len() + 1).sum::<f64>();
    let roots = square_root(&a.covariance_tensor())?.matmul(&square_root(&b.covariance_tensor())?);
    let (_, singular_values, _) = roots.f_svd(true, false)?;
    let cross = singular_values.sum(Kind::Double).double_value(&[]);
    Ok(between + trace(a) + trace(b) - 2.0 * cross)
}

/// The symmetric square root of a covariance `[d, d]`.
///
/// Computed eigenvalues within rounding error of 0 are set to 0, because their roots would
/// be far larger than the error.
fn square_root(covariance: &Tensor) -> Result<Tensor> {
    let symmetric: Tensor = (covariance + covariance.tr()) / 2.0;
    let (values, vectors) = symmetric.f_linalg_eigh("L")?;
    let noise = values.size1()? as f64 * f64::EPSILON * values.abs().max();
    let kept = values.ge_tensor(&noise).to_kind(Kind::Double);
    let roots = values.clamp_min(0.0).sqrt() * kept;
    Ok((&vectors * roots.unsqueeze(0)).matmul(&vectors.tr()))
}
