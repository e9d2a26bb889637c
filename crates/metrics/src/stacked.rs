//! Stacked MNIST: how many of 1,000 modes are found (Metz et al. 2017; Lin et
//! al. 2018).

use crate::error::at_least;
use crate::modes::kl_to_uniform;
use crate::{Error, Forgeries, Result};

/// Modes of Stacked MNIST: a digit in each of red, green and blue.
pub const MODES: usize = 1000;

/// What was found of the modes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StackedModes {
    /// The number of modes, of 1,000, that were forged at least once.
    pub found: usize,
    /// Kullback–Leibler divergence of the modes' shares to equal shares, in
    /// nats: from 0 to ln 1000 = 6.91. Few samples alone make it larger than 0:
    /// about 999 / 2n for n samples of evenly spread modes.
    pub kl_to_uniform: f64,
}

/// Counts the modes of forgeries from the digits `[n, 3]` that a classifier reads in
/// their channels. The usual number is 26,000 (Lin et al. 2018).
///
/// # Errors
/// [`Error::NotDigit`] with the first value above 9; [`Error::TooFew`] without
/// forgeries.
pub fn stacked_modes(digits: Forgeries<'_, [[u8; 3]]>) -> Result<StackedModes> {
    let Forgeries(digits) = digits;
    at_least(1, digits.len(), "the count of stacked modes", "forgeries")?;
    let mut counts = vec![0usize; MODES];
    for (row, triple) in digits.iter().enumerate() {
        if let Some(&value) = triple.iter().find(|&&digit| digit > 9) {
            return Err(Error::NotDigit { row, value });
        }
        let [red, green, blue] = triple.map(usize::from);
        counts[100 * red + 10 * green + blue] += 1;
    }
    let n = digits.len() as f64;
    let shares: Vec<f64> = counts.iter().map(|&count| count as f64 / n).collect();
    Ok(StackedModes {
        found: counts.iter().filter(|&&count| count > 0).count(),
        kl_to_uniform: kl_to_uniform(&shares),
    })
}
