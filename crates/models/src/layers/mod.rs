//! The layers that networks are made of; each declares its parameters in a
//! [`Layout`] and computes from [`Weights`].

mod activation;
mod conv;
mod dense;
mod dropout;
mod labels;
mod norm;
mod upsample;

pub use activation::leaky_relu;
pub use conv::{Conv2d, ConvUp2d, channels_last};
pub use dense::{Linear, Maxout};
pub use dropout::{channel_dropout, dropout};
pub use labels::{CLASSES, join_labels, label_of};
pub use norm::BatchNorm;
pub use upsample::UpsampleConv;

use tch::Tensor;

use crate::params::{Init, Layout, ParamId, Weights};

/// How the weight and the bias of a layer start; made from one [`Init`], it is
/// the weight's, and the bias starts at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct AffineInit {
    /// The weight's start.
    pub weight: Init,
    /// The bias's start.
    pub bias: Init,
}

impl From<Init> for AffineInit {
    fn from(weight: Init) -> Self {
        let bias = Init::Constant(0.0);
        AffineInit { weight, bias }
    }
}

/// What linear layers and convolutions have in common: `NAME.weight` and
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

    fn get<'w>(&self, weights: &'w Weights) -> (&'w Tensor, Option<&'w Tensor>) {
        (weights.get(self.weight), Some(weights.get(self.bias)))
    }
}

/// `x` in the kind that `weights` compute in.
pub fn to_compute_kind(x: &Tensor, weights: &Weights) -> Tensor {
    x.to_kind(weights.kind())
}
