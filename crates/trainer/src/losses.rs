//! The games that D and G play: each loss a pair of pure functions of logits.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// A pair of losses, one for D and one for G, both to be minimized.
///
/// Logits are f32 `[n]`, above 0 for "original"; losses are f32 scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Goodfellow et al. 2014, eq. 1: G minimizes log(1 − D(G(z))).
    Minimax,
    /// Goodfellow et al. 2014, section 3: G maximizes log D(G(z)) instead,
    /// which has the same fixed point and stronger gradients early on.
    NonSaturating,
    /// Jolicoeur-Martineau 2018; Huang et al. 2024, eq. 2: each original is
    /// compared with one forgery, and only the difference of logits counts.
    RelativisticPairing,
}

impl Loss {
    /// D's loss on its logits for `originals` and for `forgeries`.
    pub fn discriminator(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        let loss = match self {
            // −log σ(a) = softplus(−a) and −log(1 − σ(a)) = softplus(a).
            Loss::Minimax | Loss::NonSaturating => {
                softplus(&-originals).mean(Kind::Float) + softplus(forgeries).mean(Kind::Float)
            }
            Loss::RelativisticPairing => softplus(&(forgeries - originals)).mean(Kind::Float),
        };
        loss.to_kind(Kind::Float)
    }

    /// G's loss on D's logits for its `forgeries`; `originals` count only where
    /// [`Loss::compares`] says so.
    pub fn generator(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        match self {
            Loss::Minimax => -softplus(forgeries).mean(Kind::Float),
            Loss::NonSaturating => softplus(&-forgeries).mean(Kind::Float),
            Loss::RelativisticPairing => softplus(&(originals - forgeries)).mean(Kind::Float),
        }
    }

    /// Whether G's loss looks at originals too.
    pub fn compares(self) -> bool {
        match self {
            Loss::Minimax | Loss::NonSaturating => false,
            Loss::RelativisticPairing => true,
        }
    }

    /// The logit above which D calls an image an original.
    ///
    /// Where only differences of logits count, that is the middle between the
    /// mean logits of originals and forgeries.
    pub fn threshold(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        if self.compares() {
            (originals.mean(Kind::Float) + forgeries.mean(Kind::Float)) / 2.0
        } else {
            originals.mean(Kind::Float).zeros_like()
        }
    }
}

/// log(1 + eˣ), exact for any finite x.
fn softplus(x: &Tensor) -> Tensor {
    // max(x, 0) + log1p(e^−|x|): libtorch's own softplus turns linear above 20.
    x.relu() + (-x.abs()).exp().log1p()
}
