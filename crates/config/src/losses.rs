//! The losses by name; `gan-trainer` holds their formulas.

/// The metadata of a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossInfo {
    /// The name that `--set loss=NAME` takes.
    pub name: &'static str,
    /// One line for the help text, with the source.
    pub summary: &'static str,
    /// Whether D needs a Lipschitz constraint: a penalty, clipping or spectral normalization.
    pub needs_lipschitz_constraint: bool,
    /// Whether the loss is a function of probabilities. Built-in losses use
    /// [`logit_limit`](crate::Settings::logit_limit) only if this is true.
    pub uses_probabilities: bool,
}

/// Lines of the form `"name" "summary" field;`. The field is true for this loss.
macro_rules! losses {
    ($($name:literal $summary:literal $($field:ident)?;)*) => {
        /// Every loss.
        pub const LOSS_INFOS: &[LossInfo] = &[$(LossInfo {
            name: $name,
            summary: $summary,
            $($field: true,)?
            ..NO_PROPERTIES
        }),*];
    };
}

const NO_PROPERTIES: LossInfo = LossInfo {
    name: "",
    summary: "",
    needs_lipschitz_constraint: false,
    uses_probabilities: false,
};

losses! {
    "minimax" "G minimizes log(1 − D(G(z))); Goodfellow et al. 2014, eq. 1" uses_probabilities;
    "non-saturating" "G maximizes log D(G(z)); Goodfellow et al. 2014, section 3" uses_probabilities;
    "least-squares" "logits are regressed to 1 and 0; Mao et al. 2017";
    "hinge" "D ignores logits beyond ±1; Lim and Ye 2017";
    "wasserstein" "difference of mean logits; Arjovsky et al. 2017" needs_lipschitz_constraint;
    "relativistic-pairing" "difference of the logits of a real and a fake image; Huang et al. 2024";
}

impl LossInfo {
    /// The loss of that name; `None` for a custom loss.
    pub fn find(name: &str) -> Option<LossInfo> {
        LOSS_INFOS.iter().copied().find(|loss| loss.name == name)
    }
}
