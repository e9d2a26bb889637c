//! The measures by the names that users give them.

/// What can be measured of forgeries with the classifier or with pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Fréchet distance of the classifier's features.
    Fid,
    /// Kernel distance of the classifier's features.
    Kid,
    /// Precision and recall.
    PrecisionRecall,
    /// Density and coverage.
    DensityCoverage,
    /// Which digits, and how clearly, by the classifier's verdict.
    Modes,
    /// The data-copying test C_T.
    Novelty,
    /// Forgeries suspiciously close to a training image.
    Duplicates,
    /// Parzen log-likelihood.
    Parzen,
}

/// Every name, and what it stands for.
const NAMES: [(&str, Metric); 10] = [
    ("fid", Metric::Fid),
    ("kid", Metric::Kid),
    ("precision", Metric::PrecisionRecall),
    ("recall", Metric::PrecisionRecall),
    ("density", Metric::DensityCoverage),
    ("coverage", Metric::DensityCoverage),
    ("modes", Metric::Modes),
    ("novelty", Metric::Novelty),
    ("duplicates", Metric::Duplicates),
    ("parzen", Metric::Parzen),
];

impl Metric {
    /// All, in the order in which they are shown.
    pub const ALL: [Metric; 8] = [
        Metric::Fid,
        Metric::Kid,
        Metric::PrecisionRecall,
        Metric::DensityCoverage,
        Metric::Modes,
        Metric::Novelty,
        Metric::Duplicates,
        Metric::Parzen,
    ];

    /// What a list such as `fid,recall` names, in the order of [`Metric::ALL`]
    /// and each once.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn parse_list(list: &str) -> Result<Vec<Metric>, String> {
        let named = list.split(',').map(|name| {
            let name = name.trim();
            let found = NAMES.iter().find(|(known, _)| *known == name);
            found.map(|(_, metric)| *metric).ok_or(name.to_owned())
        });
        let named: Vec<Metric> = named.collect::<Result<_, _>>()?;
        Ok(Metric::ALL
            .into_iter()
            .filter(|m| named.contains(m))
            .collect())
    }

    /// The names that [`Metric::parse_list`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The first of its names.
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, metric)| *metric == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether the classifier has to read the images.
    pub fn needs_classifier(self) -> bool {
        !matches!(self, Metric::Duplicates | Metric::Parzen)
    }
}
