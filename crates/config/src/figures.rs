//! The layout of a run's figures.

use serde::{Deserialize, Serialize};

/// Every run takes snapshots at these steps, because quality changes fastest at first.
/// `progress.png` shows these steps, the first and the last.
pub const SNAPSHOT_STEPS: [u64; 5] = [20, 100, 300, 1000, 10_000];

/// The layout of a run's figures, as in the original publication.
///
/// A grid is `[rows, columns]`, both at least 1. With fewer images than cells,
/// the grid shows the images there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureLayout {
    /// Grid of each snapshot.
    pub grid: [u64; 2],
    /// Grid of the last snapshot.
    pub last_grid: [u64; 2],
    /// Show a grid of the first real images above each snapshot.
    pub real_above: bool,
    /// Generated images in each row of `nearest.png`, at least 1. After them, the row shows the
    /// training image nearest to the last one. With 1, rows are pairs.
    pub nearest_row: u64,
}

impl FigureLayout {
    /// Returns an error for grids without cells.
    ///
    /// # Errors
    /// The key, its value and the rule it breaks.
    pub fn check(&self) -> Result<(), String> {
        for (key, [rows, columns]) in [("grid", self.grid), ("last_grid", self.last_grid)] {
            if rows == 0 || columns == 0 {
                return Err(format!(
                    "figures.{key} = [{rows}, {columns}]: a grid has at least 1 row and 1 column"
                ));
            }
        }
        if self.nearest_row == 0 {
            return Err("figures.nearest_row = 0: a row has at least 1 image".to_owned());
        }
        Ok(())
    }
}

impl Default for FigureLayout {
    /// 8×8 grids, and each generated image beside its nearest training image.
    fn default() -> Self {
        FigureLayout { grid: [8, 8], last_grid: [8, 8], real_above: false, nearest_row: 1 }
    }
}
