//! The losses by name; `gan-trainer` holds their formulas.

/// What can be said about a loss without computing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossInfo {
    /// The name that `--set loss=NAME` takes.
    pub name: &'static str,
    /// One line for the help text, with the source.
    pub summary: &'static str,
    /// D's logits grow without bound unless a penalty, clipping or spectral
    /// normalization holds them.
    pub needs_lipschitz: bool,
    /// The loss is a function of probabilities, so that
    /// [`logit_limit`](crate::Settings::logit_limit) applies to it.
    pub uses_probabilities: bool,
}

/// Lines of the form `"name" "summary" field;`. The field is true for this loss.
macro_rules! losses {
    ($($name:literal $summary:literal $($field:ident)?;)*) => {
        /// Every loss.
        pub const LOSSES: &[LossInfo] = &[$(LossInfo {
            name: $name,
            summary: $summary,
            $($field: true,)?
            ..PLAIN
        }),*];
    };
}

const PLAIN: LossInfo =
    LossInfo { name: "", summary: "", needs_lipschitz: false, uses_probabilities: false };

losses! {
    "minimax" "G minimizes log(1 − D(G(z))); Goodfellow et al. 2014, eq. 1" uses_probabilities;
    "non-saturating" "G maximizes log D(G(z)); Goodfellow et al. 2014, section 3" uses_probabilities;
    "least-squares" "logits are regressed to 1 and 0; Mao et al. 2017";
    "hinge" "D ignores logits beyond ±1; Lim and Ye 2017";
    "wasserstein" "difference of mean logits; Arjovsky et al. 2017" needs_lipschitz;
    "relativistic-pairing" "difference of the logits of a real and a fake image; Huang et al. 2024";
}

impl LossInfo {
    /// The loss of that name; `None` for a loss of the caller's own.
    pub fn find(name: &str) -> Option<LossInfo> {
        LOSSES.iter().copied().find(|loss| loss.name == name)
    }
}
