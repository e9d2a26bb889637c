//! Errors of training, sampling and evaluation.

use std::path::PathBuf;

use gan_config::Classes;

/// An error of training, sampling or evaluation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings that training cannot work with.
    #[error(transparent)]
    Settings(#[from] gan_config::Error),
    /// An error of the run directory.
    #[error(transparent)]
    Run(#[from] run_dir::Error),
    /// An error of an image file.
    #[error(transparent)]
    Images(#[from] mnist_io::Error),
    /// A loss, a weight or an optimizer's state is not finite.
    #[error("training diverged: after step {step}, {what} is not finite")]
    Diverged {
        /// Steps finished.
        step: u64,
        /// The value: `D's loss`, `generator`, `generator_adam_mean`, …
        what: String,
    },
    /// The networks, or the classifier, take images of another size.
    #[error(
        "the images are {rows}x{cols}, but the networks take {side}x{side}; convert them with \
         `cargo xtask import SOURCE --resize 28 --out DIR`, and use DIR"
    )]
    ImageSize {
        /// Rows of the images.
        rows: usize,
        /// Columns of the images.
        cols: usize,
        /// Rows and columns that the networks take.
        side: usize,
    },
    /// A data set without images.
    #[error("there are no images")]
    NoImages,
    /// Conditional networks and classifiers need labels.
    #[error("the images have no labels; use labeled images{}", if *conditional { ", or train without --conditional" } else { "" })]
    NoLabels {
        /// Whether the labels are for conditional networks.
        conditional: bool,
    },
    /// A class that the networks were not trained on, or have no input for.
    #[error("the networks have no class {label}; their classes are {classes}")]
    Label {
        /// The label.
        label: u8,
        /// The classes of the networks.
        classes: Classes,
    },
    /// A class was requested from networks that take no labels.
    #[error("cannot choose the class {class}: this generator takes no labels")]
    Unconditional {
        /// The class.
        class: u8,
    },
    /// The run has no checkpoint.
    #[error("{} holds no checkpoint yet", run.display())]
    NoCheckpoint {
        /// The run's folder.
        run: PathBuf,
    },
    /// The networks generate images and the data are numbers, or the other way round.
    #[error("the {}", if *synthetic { "data are numbers, but these networks generate images" } else { "data are images, but these networks generate numbers" })]
    DataMismatch {
        /// Whether the data are numbers.
        synthetic: bool,
    },
    /// The run's samples are numbers, not images.
    #[error("{preset} generates numbers, not images; see figures/densities.svg in its run")]
    Synthetic {
        /// The run's preset.
        preset: String,
    },
    /// A checkpoint, or a file it belongs to, is missing or damaged.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The run has no valid checkpoint, but it has invalid ones, rows, snapshots or
    /// figures, or its folder of checkpoints is missing.
    #[error("there is no valid checkpoint in {}", folder.display())]
    NoValidCheckpoint {
        /// The folder of checkpoints.
        folder: PathBuf,
    },
    /// A checkpoint cannot be encoded.
    #[error("cannot encode the checkpoint: {0}")]
    Encode(String),
    /// The samples cannot be measured.
    #[error(transparent)]
    Metrics(#[from] gan_metrics::Error),
    /// The weights or images do not fit the classifier.
    #[error(transparent)]
    Classifier(#[from] gan_models::ClassifierError),
    /// A network cannot be described as a graph.
    #[error(transparent)]
    Export(#[from] gan_models::ExportError),
    /// libtorch reports an error.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl Error {
    /// [`Error::Settings`] for a value that training cannot work with.
    pub(crate) fn impossible<T>(key: &str, value: impl ToString, reason: &str) -> Result<T, Error> {
        Err(Error::Settings(gan_config::Error::Impossible {
            key: key.to_owned(),
            value: value.to_string(),
            reason: reason.to_owned(),
        }))
    }
}
