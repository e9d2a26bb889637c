//! Errors of presets and settings.

/// An error of a preset or a setting.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No preset has this name.
    #[error("there is no preset {name:?}{}; the presets are {}", did_you_mean(*most_similar), names.join(", "))]
    UnknownPreset {
        /// The name that was given.
        name: String,
        /// The preset with the most similar name.
        most_similar: Option<&'static str>,
        /// Every preset.
        names: Vec<&'static str>,
    },
    /// The preset has no conditional networks: why, and which preset to use instead.
    #[error("--conditional: {0}")]
    NotConditional(String),
    /// A change of a setting without an equals sign.
    #[error("--set {0}: expected KEY=VALUE, as in --set lr_d=1e-3")]
    NoEqualsSign(String),
    /// No setting has this key.
    #[error("--set {pair}: there is no setting {key:?}{}; the settings are {}", did_you_mean(*most_similar), keys.join(", "))]
    UnknownKey {
        /// The pair that was given.
        pair: String,
        /// Its key.
        key: String,
        /// The setting with the most similar key.
        most_similar: Option<&'static str>,
        /// Every key.
        keys: Vec<&'static str>,
    },
    /// The setting cannot have this value.
    #[error("--set {pair}: {reason}")]
    Value {
        /// The pair that was given.
        pair: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A change that has no effect.
    #[error("--set {pair} has no effect: {reason}")]
    NoEffect {
        /// The pair that was given.
        pair: String,
        /// Why it has no effect, and what to do.
        reason: String,
    },
    /// A value that training cannot work with.
    #[error("{key} = {value} is impossible: {reason}")]
    Impossible {
        /// The setting.
        key: String,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
}

/// Returns ` (did you mean NAME?)`, or an empty string.
pub fn did_you_mean(most_similar: Option<&str>) -> String {
    most_similar.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// The name in `names` that is most similar to `typed`, if one is similar at all.
pub fn most_similar(
    typed: &str,
    names: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    // Below this similarity, a suggestion misleads more often than it helps.
    const SIMILAR: f64 = 0.7;
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
