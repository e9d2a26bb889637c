//! Precision and recall by nearest-neighbour balls (Kynkäänniemi et al. 2019).

use crate::balls::{Surface, count_inside, share_above_zero};
use crate::neighbors::squared_radii;
use crate::{Error, Features, Forgeries, Originals, Result};

/// The usual k of precision and recall (Kynkäänniemi et al. 2019, section 3).
pub const NEIGHBORS: usize = 3;

/// Precision and recall, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecall {
    /// The share of forgeries that lie where originals lie: low where
    /// forgeries look wrong.
    pub precision: f64,
    /// The share of originals that lie where forgeries lie: low where kinds of
    /// originals are never forged.
    pub recall: f64,
}

/// The share of forgeries inside the balls round the originals, and of
/// originals inside the balls round the forgeries (Kynkäänniemi et al. 2019,
/// equations 1 and 2).
///
/// A ball reaches to the `k`-th nearest other row of its own side, and holds
/// what lies on its surface (≤). Features are `[n, d]` and `[m, d]`.
///
/// # Errors
/// [`Error::Neighbors`] for a `k` of 0; [`Error::TooFew`] unless each side has
/// more than `k` rows; [`Error::Width`].
pub fn precision_recall(
    originals: Originals<'_>,
    forgeries: Forgeries<'_>,
    k: usize,
) -> Result<PrecisionRecall> {
    let (Originals(originals), Forgeries(forgeries)) = (originals, forgeries);
    originals.same_width(forgeries)?;
    Ok(PrecisionRecall {
        precision: covered(forgeries, originals, k, "originals")?,
        recall: covered(originals, forgeries, k, "forgeries")?,
    })
}

/// The share of `rows` inside the balls round `centers`.
fn covered(rows: &Features, centers: &Features, k: usize, what: &'static str) -> Result<f64> {
    if k == 0 {
        return Err(Error::Neighbors);
    }
    centers.at_least(k.saturating_add(1), "precision and recall", what)?;
    let inside = count_inside(rows, centers, &squared_radii(centers, k), Surface::Inside);
    Ok(share_above_zero(&inside.balls_of_row))
}
