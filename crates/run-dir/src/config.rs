//! `config.toml`: the settings of a run.

use gan_config::{Classes, FigureLayout, Precision, Settings};
use serde::{Deserialize, Serialize};

/// The format of `config.toml` that this version reads and writes.
pub const CONFIG_FORMAT: u32 = 4;

/// The configuration of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// [`CONFIG_FORMAT`].
    pub format: u32,
    /// The preset's name, or any name that the caller chose.
    pub preset: String,
    /// The name of the networks, `modern-conditional` for instance.
    pub networks: String,
    /// Random seed.
    pub seed: u64,
    /// Seconds of training that the schedule is stretched over, if the schedule
    /// follows the clock and not the number of images.
    pub seconds: Option<f64>,
    /// The device: `cpu` or `cuda:0`.
    pub device: String,
    /// The arithmetic of the networks.
    pub precision: Precision,
    /// Threads of libtorch.
    pub threads: u64,
    /// The classes of the images that the run trains on. Conditional networks take them. A
    /// run of an earlier version names none; its conditional networks take the digits 0 to 9.
    #[serde(default, skip_serializing_if = "Classes::is_empty")]
    pub classes: Classes,
    /// The data set; `None` for numbers that training draws.
    pub dataset: Option<DatasetInfo>,
    /// The layout of the figures.
    pub figures: FigureLayout,
    /// Versions that the results may depend on.
    pub software: Software,
    /// Losses, rates, schedule and all other settings of training.
    pub settings: Settings,
}

impl RunConfig {
    /// Whether the images are known to be digits.
    pub fn shows_digits(&self) -> bool {
        self.dataset.as_ref().is_some_and(|set| set.name == "mnist")
    }

    /// An example of the option of `sample` that chooses a class; `None` for unconditional
    /// networks.
    pub fn class_option(&self) -> Option<String> {
        let class = self.conditional_classes().cyclic(7);
        let option = if self.shows_digits() { "--digit" } else { "--class" };
        self.networks.contains("conditional").then(|| format!("{option} {class}"))
    }

    /// The classes of the run's networks, if these are conditional.
    pub fn conditional_classes(&self) -> Classes {
        match self.classes.is_empty() {
            true => Classes::digits(),
            false => self.classes.clone(),
        }
    }

    /// Parses the text of a `config.toml` and checks the rules that its types do
    /// not express. The error names the key.
    pub(crate) fn parse(text: &[u8]) -> Result<RunConfig, String> {
        #[derive(Deserialize)]
        struct Format {
            format: Option<u32>,
        }
        let Format { format } = toml::from_slice(text).map_err(|e| e.to_string())?;
        if format != Some(CONFIG_FORMAT) {
            let found = format.map_or("no format".to_owned(), |n| format!("format {n}"));
            return Err(format!(
                "it has {found}, and this version reads format {CONFIG_FORMAT} only; use the version \
                 that wrote the run, or train again"
            ));
        }
        let config: RunConfig = toml::from_slice(text).map_err(|e| e.to_string())?;
        config.figures.check().map(|()| config)
    }
}

/// The data set of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetInfo {
    /// The name of a known data set, `custom` for any other.
    pub name: String,
    /// The folder of the data set, absolute.
    pub path: String,
    /// Images in the training set; a preset may use only the first of them.
    pub images: u64,
    /// SHA-256 of the training images as an uncompressed IDX file, in hex.
    pub images_sha256: String,
    /// SHA-256 of the training labels as an uncompressed IDX file, in hex.
    pub labels_sha256: String,
    /// SHA-256 of the test images as an uncompressed IDX file, in hex; `None`
    /// without test images.
    pub test_images_sha256: Option<String>,
}

impl DatasetInfo {
    /// Whether these are the hashes of the run's training and test images. A run
    /// without test images accepts any.
    pub fn has_images(&self, training_sha256: &str, test_sha256: &str) -> bool {
        let test = self.test_images_sha256.as_ref();
        self.images_sha256 == training_sha256 && test.is_none_or(|sha256| sha256 == test_sha256)
    }
}

/// Versions that the results of a run may depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Version of the trainer.
    pub trainer: String,
    /// Version of libtorch.
    pub libtorch: String,
}
