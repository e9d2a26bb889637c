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
    /// Mao et al. 2017, eq. 2 with a = 0, b = c = 1: originals are pulled to 1,
    /// forgeries to 0, and G pulls its own to 1.
    LeastSquares,
    /// Lim and Ye 2017; Miyato et al. 2018, eq. 16: D stops caring once a logit
    /// is past ±1 on its side.
    Hinge,
    /// Arjovsky et al. 2017, eq. 2: the difference of the means; D must be kept
    /// from growing without bound by a penalty or by clipping its weights.
    Wasserstein,
    /// Jolicoeur-Martineau 2018; Huang et al. 2024, eq. 2: each original is
    /// compared with one forgery, and only the difference of logits counts.
    RelativisticPairing,
}

impl Loss {
    /// D's loss on its logits for `originals` and for `forgeries`.
    pub fn discriminator(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        let mean = |x: Tensor| x.mean(Kind::Float);
        match self {
            // −log σ(a) = softplus(−a) and −log(1 − σ(a)) = softplus(a).
            Loss::Minimax | Loss::NonSaturating => {
                mean(softplus(&-originals)) + mean(softplus(forgeries))
            }
            Loss::LeastSquares => {
                (mean((originals - 1.0).square()) + mean(forgeries.square())) / 2.0
            }
            Loss::Hinge => mean((1.0f64 - originals).relu()) + mean((forgeries + 1.0).relu()),
            Loss::Wasserstein => mean(forgeries - originals),
            Loss::RelativisticPairing => mean(softplus(&(forgeries - originals))),
        }
    }

    /// G's loss on D's logits for its `forgeries`; `originals` count only where
    /// [`Loss::compares`] says so.
    pub fn generator(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        match self {
            Loss::Minimax => -softplus(forgeries).mean(Kind::Float),
            Loss::NonSaturating => softplus(&-forgeries).mean(Kind::Float),
            Loss::LeastSquares => (forgeries - 1.0).square().mean(Kind::Float) / 2.0,
            Loss::Hinge | Loss::Wasserstein => -forgeries.mean(Kind::Float),
            Loss::RelativisticPairing => softplus(&(originals - forgeries)).mean(Kind::Float),
        }
    }

    /// Whether G's loss looks at originals too.
    pub fn compares(self) -> bool {
        self == Loss::RelativisticPairing
    }

    /// The logit above which D calls an image an original.
    ///
    /// Where only differences of logits count, that is the middle between the
    /// mean logits of originals and forgeries.
    pub fn threshold(self, originals: &Tensor, forgeries: &Tensor) -> Tensor {
        match self {
            Loss::Minimax | Loss::NonSaturating | Loss::Hinge => {
                forgeries.new_zeros([0i64; 0].as_slice(), (Kind::Float, forgeries.device()))
            }
            Loss::LeastSquares => {
                forgeries.new_full([0i64; 0].as_slice(), 0.5, (Kind::Float, forgeries.device()))
            }
            Loss::Wasserstein | Loss::RelativisticPairing => {
                (originals.mean(Kind::Float) + forgeries.mean(Kind::Float)) / 2.0
            }
        }
    }
}

/// log(1 + eˣ), exact for any finite x.
fn softplus(x: &Tensor) -> Tensor {
    // −log σ(−x), computed as max(x, 0) + log1p(e^−|x|) by one kernel each way:
    // libtorch's own softplus turns linear above 20.
    -(-x).log_sigmoid()
}
