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
pub use export::{Calibration, Export, ExportError, ExportResult};
pub use gan_graph::Graph;
pub use latent::Latent;
pub use network::{Discriminator, Generator, Mode, Networks};
pub use params::{Init, Layout, Param, ParamId, Weights};
pub use pixels::PixelRange;
pub use registry::{NETWORK_NAMES, by_name};
pub use sequential::{Sequential, SequentialDiscriminator, SequentialGenerator};
