//! Generators and discriminators for handwritten digits, and the classifier of what
//! they forge, on libtorch.
//!
//! A network is its shape alone. Its parameters lie in one flat buffer that the
//! caller keeps, and reach it as views of that ([`params`]):
//!
//! ```
//! use gan_models::modern::ModernGenerator;
//! use gan_models::{Generator, Mode, PixelRange};
//! use tch::Device;
//!
//! tch::manual_seed(1);
//! let generator = ModernGenerator::new();
//! let parameters = generator.layout().init(Device::Cpu); // f32 [164804]
//! let weights = generator.layout().weights(&parameters);
//! let latents = generator.latent().sample(16, Device::Cpu); // f32 [16, 26]
//! let images = tch::no_grad(|| generator.forward(&weights, &latents, None, Mode::Sample));
//! assert_eq!(images.size(), [16, 1, 28, 28]);
//! let bytes = PixelRange::Symmetric.to_bytes(&images); // u8, 255 for ink
//! ```

#![forbid(unsafe_code)]

pub mod classifier;
pub mod dcgan;
pub mod encoding;
pub mod gaussian;
pub mod golbin;
pub mod goodfellow;
pub mod layers;
pub mod modern;
pub mod network;
pub mod oshea;
pub mod params;
pub mod pixels;

pub use classifier::{Classifier, ClassifierError, ClassifierNetwork};
pub use encoding::WeightsError;
pub use network::{Discriminator, Generator, Latent, Mode};
pub use params::{Init, Layout, Param, ParamId, Weights};
pub use pixels::PixelRange;
