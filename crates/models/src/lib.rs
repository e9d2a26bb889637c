//! Generators and discriminators for handwritten digits, and the judge of what
//! they forge, on libtorch.

#![forbid(unsafe_code)]

pub mod dcgan;
pub mod encoding;
pub mod gaussian;
pub mod golbin;
pub mod goodfellow;
pub mod judge;
pub mod layers;
pub mod modern;
pub mod network;
pub mod oshea;
pub mod params;
pub mod pixels;

pub use encoding::WeightsError;
pub use judge::{Judge, JudgeError, JudgeNetwork};
pub use network::{Discriminator, Generator, Latent, Mode};
pub use params::{Init, Layout, Param, ParamId, Weights};
pub use pixels::PixelRange;
