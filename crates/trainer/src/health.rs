//! Whether training still goes anywhere.

use run_dir::MetricsRow;

use crate::game::Game;

/// Reports in a row for which D must win before somebody is told: 1,000 steps
/// of most presets.
const REPORTS: u64 = 100;

/// What is not a finite number, by the row of a report and the game's state.
pub(crate) fn diverged(row: &MetricsRow, game: &Game) -> Option<String> {
    let losses = [("D's loss", row.loss_d), ("G's loss", row.loss_g)];
    let loss = losses.iter().find(|(_, loss)| !loss.is_finite());
    loss.map(|(name, _)| (*name).to_owned())
        .or_else(|| game.diverged())
}

/// Notices once that D wins outright, which leaves G little to learn from.
#[derive(Debug, Default)]
pub(crate) struct Referee {
    won: u64,
}

impl Referee {
    /// Whether, with this row, D has won for long, for the first time.
    pub(crate) fn one_sided(&mut self, row: &MetricsRow) -> bool {
        let won = row.d_real > 0.98 && row.d_fake < 0.02;
        if self.won < REPORTS {
            self.won = if won { self.won + 1 } else { 0 };
            return self.won == REPORTS;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(real: f64, fake: f64) -> MetricsRow {
        MetricsRow {
            step: 1,
            images_seen: 1,
            seconds: 0.0,
            loss_d: 0.0,
            loss_g: 0.0,
            d_real: real,
            d_fake: fake,
            lr_d: 1.0,
            lr_g: 1.0,
        }
    }

    #[test]
    fn a_long_row_of_wins_is_told_once() {
        let mut referee = Referee::default();
        let mut told = |real, fake, times| {
            (0..times)
                .filter(|_| referee.one_sided(&row(real, fake)))
                .count()
        };
        assert_eq!(told(1.0, 0.0, REPORTS - 1), 0);
        // One forgery that passes starts the count again, and so does one
        // original that does not.
        assert_eq!(told(1.0, 0.05, 1), 0);
        assert_eq!(told(1.0, 0.0, REPORTS - 1), 0);
        assert_eq!(told(0.97, 0.0, 1), 0);
        assert_eq!(told(1.0, 0.0, REPORTS), 1);
        assert_eq!(told(0.5, 0.5, 1), 0);
        assert_eq!(told(1.0, 0.0, 3 * REPORTS), 0);
    }
}
