//! Density and coverage (Naeem et al. 2020).

use crate::balls::{Surface, count_inside, share_above_zero};
use crate::neighbors::squared_radii;
use crate::{Error, Fake, Real, Result};

/// The usual k of density and coverage (Naeem et al. 2020, section 4).
pub const NEIGHBORS: usize = 5;

/// Density and coverage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensityCoverage {
    /// In how many real' balls a forgery lies, in the mean, divided by k.
    /// About 1 for fake as good as real; at least 0, may exceed 1.
    /// Unlike precision it is not misled by a single odd original.
    pub density: f64,
    /// The share of real with a forgery near them, from 0 to 1.
    pub coverage: f64,
}

/// Density and coverage of the balls round the real (Naeem et al. 2020,
/// equations 5 and 6).
///
/// A ball reaches to the `k`-th nearest other original, and does not hold what
/// lies on its surface (strict <). Features are `[n, d]` and `[m, d]`.
///
/// # Errors
/// [`Error::Neighbors`] for a `k` of 0; [`Error::TooFew`] unless there are more
/// than `k` real and one forgery; [`Error::Width`].
pub fn density_coverage(real: Real<'_>, fake: Fake<'_>, k: usize) -> Result<DensityCoverage> {
    let (Real(real), Fake(fake)) = (real, fake);
    let metric = "density and coverage";
    if k == 0 {
        return Err(Error::Neighbors);
    }
    real.same_width(fake)?;
    real.at_least(k.saturating_add(1), metric, "real")?;
    fake.at_least(1, metric, "fake")?;
    let radii = squared_radii(real, k);
    let inside = count_inside(fake, real, &radii, Surface::Outside);
    let hits: u64 = inside.balls_of_row.iter().copied().map(u64::from).sum();
    Ok(DensityCoverage {
        density: hits as f64 / (k as f64 * fake.len() as f64),
        coverage: share_above_zero(&inside.rows_of_ball),
    })
}
