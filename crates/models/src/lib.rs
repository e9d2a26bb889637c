//! Generators and discriminators for MNIST digits on libtorch, with their layers and
//! a trained classifier.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod classifier;
pub mod dcgan;
pub mod encoding;
pub mod export;
pub mod gaussian;
pub mod golbin;
pub mod goodfellow;
pub mod latent;
pub mod layers;
pub mod modern;
pub mod network;
pub mod oshea;
pub mod params;
pub mod pixels;
pub mod registry;
pub mod sequential;
pub mod torchscript;

pub use classifier::{Classifier, ClassifierError, ClassifierNetwork, DIGITS};
pub use encoding::WeightsError;
pub use export::{Calibration, ExportError, ExportResult, GraphExport};
pub use gan_graph::Graph;
pub use latent::LatentDistribution;
pub use network::{Discriminator, Generator, Mode, Networks};
pub use params::{Init, Param, ParamId, ParamLayout, Weights};
pub use pixels::PixelRange;
pub use registry::{by_name, network_names};
pub use sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};
