//! Log-likelihood under Gaussian Parzen windows (Goodfellow et al. 2014).

use std::ops::Range;

use mnist_io::Images;
use tch::{Kind, Tensor};

use crate::error::{at_least, same_size};
use crate::features::blocks;
use crate::rows::{EXACT_PIXELS, Rows};
use crate::{Error, Features, Forgeries, Originals, Result, Validation};

/// Images compared with all windows at a time.
const BLOCK: usize = 256;

/// The usual widths to choose from: ten from 0.1 to 1, evenly spaced on a
/// logarithmic scale, for pixels in \[0, 1\].
pub fn usual_widths() -> [f64; 10] {
    std::array::from_fn(|i| 10f64.powf(i as f64 / 9.0 - 1.0))
}

/// The log-likelihood of images, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLikelihood {
    /// The mean over the images; larger is better.
    pub mean: f64,
    /// The standard error of that mean: standard deviation over √n.
    pub standard_error: f64,
}

/// A log-likelihood and the width of windows that it was measured with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parzen {
    /// The width that explains the validation images best.
    pub sigma: f64,
    /// Of the originals, with that width.
    pub log_likelihood: LogLikelihood,
}

/// How well windows round the forgeries explain originals that were never
/// trained on: the widths are tried on validation images, and the best one is
/// used (Goodfellow et al. 2014, section 5). Of equally good widths the first
/// is taken.
///
/// A weak criterion, kept because old tables use it: it barely sees sharpness
/// (Theis et al. 2016). Features are `[n, d]`, usually pixels in \[0, 1\].
///
/// # Errors
/// [`Error::TooFew`] with no images on a side; [`Error::Width`];
/// [`Error::Sigma`] with no widths, or one that is not above 0 or whose square is
/// no normal number of 64 bits.
pub fn parzen(
    originals: Originals<'_>,
    validation: Validation<'_>,
    forgeries: Forgeries<'_>,
    sigmas: &[f64],
) -> Result<Parzen> {
    let (Originals(originals), Validation(validation)) = (originals, validation);
    let Forgeries(windows) = forgeries;
    originals.same_width(windows)?;
    validation.same_width(windows)?;
    choose(originals, validation, windows, sigmas)
}

/// [`parzen`] of pixels in \[0, 1\], the images' divided by 255. Squared
/// distances are exact, and the work takes a fraction of the time.
///
/// # Errors
/// [`Error::ImageSize`] where sizes differ; those of [`parzen`].
pub fn parzen_of_pixels(
    originals: Originals<'_, Images>,
    validation: Validation<'_, Images>,
    forgeries: Forgeries<'_, Images>,
    sigmas: &[f64],
) -> Result<Parzen> {
    let (Originals(originals), Validation(validation)) = (originals, validation);
    let Forgeries(windows) = forgeries;
    same_size(originals, windows)?;
    same_size(validation, windows)?;
    if windows.rows() * windows.cols() > EXACT_PIXELS {
        let pixels = [originals, validation, windows].map(Features::from_pixels);
        return choose(&pixels[0], &pixels[1], &pixels[2], sigmas);
    }
    choose(originals, validation, windows, sigmas)
}

fn choose<R: Points>(originals: &R, validation: &R, windows: &R, sigmas: &[f64]) -> Result<Parzen> {
    let tried = log_likelihoods(validation, windows, sigmas, "validation images")?;
    let best = tried.iter().zip(sigmas).reduce(|best, next| {
        if next.0.mean > best.0.mean {
            next
        } else {
            best
        }
    });
    let Some((_, &sigma)) = best else {
        return Err(Error::Sigma { sigma: None });
    };
    Ok(Parzen {
        sigma,
        log_likelihood: with_width(originals, windows, sigma)?,
    })
}

/// The log-likelihood of originals under windows of the width `sigma` round the
/// forgeries: log p(x) = log Σᵢ exp(−‖x − cᵢ‖² / 2σ²) − log n − d/2 log 2πσ².
///
/// # Errors
/// Those of [`parzen`].
pub fn log_likelihood(
    originals: Originals<'_>,
    forgeries: Forgeries<'_>,
    sigma: f64,
) -> Result<LogLikelihood> {
    let (Originals(originals), Forgeries(windows)) = (originals, forgeries);
    originals.same_width(windows)?;
    with_width(originals, windows, sigma)
}

fn with_width<R: Points>(originals: &R, windows: &R, sigma: f64) -> Result<LogLikelihood> {
    log_likelihoods(originals, windows, &[sigma], "originals")?
        .pop()
        .ok_or(Error::Sigma { sigma: None })
}

/// Rows whose squared distances f64 holds closely enough for an exponent.
trait Points: Rows {
    fn width(&self) -> usize;

    /// Gives f64 `[rows, windows]` for some rows of `images`.
    fn squared_distances(images: &Self, windows: &Self) -> impl Fn(Range<usize>) -> Tensor;
}

impl Points for Features {
    fn width(&self) -> usize {
        Features::width(self)
    }

    fn squared_distances(images: &Self, windows: &Self) -> impl Fn(Range<usize>) -> Tensor {
        let centers = windows.tensor();
        let center_norms = Tensor::from_slice(&windows.squared_norms());
        let image_norms = Tensor::from_slice(&images.squared_norms());
        move |rows| {
            let norms = image_norms.narrow(0, rows.start as i64, rows.len() as i64);
            let products = images.block(rows).matmul(&centers.tr());
            (products * -2.0 + norms.unsqueeze(1) + &center_norms).clamp_min(0.0)
        }
    }
}

/// Whole numbers of grey levels squared, brought to the scale of \[0, 1\].
impl Points for Images {
    fn width(&self) -> usize {
        self.rows() * self.cols()
    }

    fn squared_distances(images: &Self, windows: &Self) -> impl Fn(Range<usize>) -> Tensor {
        let prepared = Images::prepare(images, windows);
        let center_norms = Tensor::from_slice(&prepared.references.squared_norms);
        let image_norms = Tensor::from_slice(&prepared.queries.squared_norms);
        move |rows| {
            let norms = image_norms.narrow(0, rows.start as i64, rows.len() as i64);
            let products = prepared
                .products(rows, 0..windows.len())
                .to_kind(Kind::Double);
            (products * -2.0 + norms.unsqueeze(1) + &center_norms) / 255f64.powi(2)
        }
    }
}

/// One log-likelihood for each width.
fn log_likelihoods<R: Points>(
    images: &R,
    windows: &R,
    sigmas: &[f64],
    what: &'static str,
) -> Result<Vec<LogLikelihood>> {
    for (rows, what) in [(images, what), (windows, "forgeries")] {
        at_least(1, rows.count(), "the Parzen estimate", what)?;
    }
    // A square that is 0 or infinite, or so small that its inverse is, would make
    // every number NaN.
    let usable = |sigma: f64| sigma > 0.0 && (sigma * sigma).is_normal();
    if let Some(&sigma) = sigmas.iter().find(|sigma| !usable(**sigma)) {
        return Err(Error::Sigma { sigma: Some(sigma) });
    }
    let squared_distances = R::squared_distances(images, windows);
    let mut values = vec![Vec::with_capacity(images.count()); sigmas.len()];
    for rows in blocks(images.count(), BLOCK) {
        let squared = squared_distances(rows);
        for (&sigma, values) in sigmas.iter().zip(&mut values) {
            let exponents = &squared * (-0.5 / (sigma * sigma));
            values.extend(Vec::<f64>::try_from(
                &exponents.logsumexp([1i64].as_slice(), false),
            )?);
        }
    }
    let d = images.width() as f64;
    let n = images.count() as f64;
    Ok(sigmas
        .iter()
        .zip(values)
        .map(|(sigma, sums)| {
            let per_window = (windows.count() as f64).ln();
            let volume = 0.5 * d * (std::f64::consts::TAU * sigma * sigma).ln();
            let mean = sums.iter().sum::<f64>() / n;
            let variance = sums.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            LogLikelihood {
                mean: mean - per_window - volume,
                standard_error: (variance / n).sqrt(),
            }
        })
        .collect())
}
