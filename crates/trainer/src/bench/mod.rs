//! What `cargo xtask bench` measures inside one process: training steps, the
//! machine's peak, and forging.

mod arithmetic;
mod forging;
mod peak;
mod rounds;
mod steps;

pub use arithmetic::{MEASURED, step_flops};
pub use forging::forge_rate;
pub use peak::{Peak, measure_peak};
pub use rounds::{Rounds, median, peak_memory};
pub use steps::Bout;
