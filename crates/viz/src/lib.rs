#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod animation;
mod backend;
mod canvas;
mod curve;
mod densities;
mod error;
pub mod figures;
mod grid;
mod log_axis;
mod losses;
mod nearest;
mod number;
mod palette;
mod plot;
mod quality;
pub mod report;
mod shell;
mod snapshot_choice;
mod strip;
mod stroke;

pub use animation::{Timing, write_gif};
pub use canvas::{Bitmap, Canvas, ColorCanvas};
pub use densities::{densities, density_frames};
pub use error::{Error, Result};
pub use grid::{GridStyle, grid, grid_size, square_columns};
pub use losses::losses;
pub use nearest::nearest;
pub use number::thousands;
pub use quality::quality;
pub use shell::shell_quoted;
pub use strip::{StripStyle, real_vs_fake, strip};
