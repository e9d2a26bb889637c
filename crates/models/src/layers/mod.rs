//! Layers: each declares its parameters in a [`Layout`] and computes with
//! [`Weights`].
//!
//! Layers with parameters convert their input to the kind of their weights.
//! Networks made of them run in f32, f64 and bf16 without conversions of their own.

mod activation;
mod conv;
mod dropout;
mod labels;
mod linear;
mod norm;
mod upsample;

pub use activation::leaky_relu;
pub use conv::{Conv2d, ConvUp2d, channels_last};
pub use dropout::{channel_dropout, dropout};
pub use labels::{CLASSES, concat_labels, select_label};
pub use linear::{Linear, Maxout};
pub use norm::{BatchNorm, NormAxis};
pub use upsample::UpsampleConv;

use tch::Tensor;

use crate::params::{Init, Layout, ParamId, Weights};

/// Initial values of a layer's weight and bias.
///
/// Converting from an [`Init`] uses it for the weight and starts the bias at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct AffineInit {
    /// Initial values of the weight.
    pub weight: Init,
    /// Initial values of the bias.
    pub bias: Init,
}

impl From<Init> for AffineInit {
    fn from(weight: Init) -> Self {
        let bias = Init::Constant(0.0);
        AffineInit { weight, bias }
    }
}

/// The parameters of a linear layer or a convolution: `NAME.weight` and
/// `NAME.bias`.
#[derive(Debug, Clone, Copy)]
struct Affine {
    weight: ParamId,
    bias: ParamId,
}

impl Affine {
    fn new(layout: &mut Layout, name: &str, shape: &[i64], outputs: i64, init: AffineInit) -> Self {
        Affine {
            weight: layout.add(format!("{name}.weight"), shape, init.weight),
            bias: layout.add(format!("{name}.bias"), &[outputs], init.bias),
        }
    }

    /// The weight, the bias, and `x` in their kind.
    fn prepare<'w>(&self, weights: &'w Weights, x: &Tensor) -> (&'w Tensor, &'w Tensor, Tensor) {
        let (weight, bias) = (weights.get(self.weight), weights.get(self.bias));
        (weight, bias, x.to_kind(weight.kind()))
    }
}
