//! How many forgeries a generator makes in a second when many are asked for.

use std::time::Duration;

use tch::Device;

use super::Rounds;
use crate::Error;
use crate::forging::{Hand, forge};
use crate::seeds::Stream;

/// Forgeries a second, the median over rounds of `count`, by a hand that has
/// learned nothing, which makes no difference to the time.
///
/// # Errors
/// Where libtorch refuses.
pub fn forge_rate(hand: Hand<'_>, count: u64, budget: Duration) -> Result<f64, Error> {
    let mut refused = None;
    let rounds = Rounds::time(budget, Device::Cpu, || {
        if let Err(error) = forge(hand, (1, Stream::Sample), count, None, &mut |_| ()) {
            refused = Some(error);
        }
    });
    match refused {
        Some(error) => Err(error),
        None => Ok(count as f64 / rounds.median()),
    }
}
