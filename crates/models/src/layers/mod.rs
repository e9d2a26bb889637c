//! Layers: each declares its parameters in a [`Layout`] and computes with
//! [`Weights`]. [`Sequential`](crate::Sequential) makes a network of them.
//!
//! Layers with parameters convert their input to the kind of their weights.
//! Networks made of them run in f32, f64 and bf16 without conversions of their own.

mod activation;
mod conv;
mod dropout;
mod labels;
mod linear;
mod norm;
mod reshape;
mod upsample;

pub use activation::Activation;
pub use conv::{Conv2d, ConvTranspose2d};
pub use dropout::{ChannelDropout, Dropout};
pub use labels::{ConcatLabels, Projection};
pub use linear::{Linear, Maxout};
pub use norm::{BatchNorm, NormAxis};
pub use reshape::{Reshape, channels_last};
pub use upsample::UpsampleConv;

use std::fmt::Debug;

use gan_graph::Op;
use tch::Tensor;

use crate::export::{Export, ExportResult};
use crate::network::Mode;
use crate::params::{Init, Layout, ParamId, Weights};

/// One operation of a network.
pub trait Layer: Debug + Send + Sync {
    /// Computes the layer's output from `x` and the `weights` of the network.
    ///
    /// # Panics
    /// If `x` has a wrong shape, or if the layer uses labels and the `context` does
    /// not have one below its number of classes for each row of `x`.
    fn forward(&self, weights: &Weights, x: &Tensor, context: &Context) -> Tensor;

    /// What a row of the output depends on.
    fn input(&self) -> LayerInput;

    /// Adds the layer's operators to the graph, as they compute with
    /// [`Mode::Sample`]. Returns the name of the output.
    ///
    /// `x` is the name of the layer's input. `batch` is an example of its values, from
    /// which a layer with batch statistics fixes them. Layers before the last such layer
    /// receive one too; other networks have none.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ExportError::Unsupported) if the layer has no description as
    /// a graph; [`NoBatch`](crate::ExportError::NoBatch);
    /// [`Graph`](crate::ExportError::Graph); [`Torch`](crate::ExportError::Torch).
    fn export(&self, export: &mut Export, x: &str, batch: Option<&Tensor>) -> ExportResult;
}

/// What a row of a layer's output depends on, besides the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerInput {
    /// The same row of the input.
    Row,
    /// The same row of the input, and its label.
    RowAndLabel {
        /// Number of classes.
        classes: i64,
    },
    /// All rows of the batch, for example through their mean.
    Batch,
    /// All rows of the batch, and their labels.
    BatchAndLabels {
        /// Number of classes.
        classes: i64,
    },
}

impl LayerInput {
    /// The number of classes, if the layer uses labels.
    pub fn classes(self) -> Option<i64> {
        match self {
            LayerInput::RowAndLabel { classes } | LayerInput::BatchAndLabels { classes } => {
                Some(classes)
            }
            LayerInput::Row | LayerInput::Batch => None,
        }
    }

    /// Whether the images of a batch influence each other.
    pub fn has_batch(self) -> bool {
        matches!(self, LayerInput::Batch | LayerInput::BatchAndLabels { .. })
    }
}

/// The labels and the purpose of a forward pass.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Classes from 0, i64 `[n]`.
    pub labels: Option<&'a Tensor>,
    /// Training or sampling.
    pub mode: Mode,
}

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

    /// Adds `op` with the inputs `x`, weight and bias.
    fn export(&self, export: &mut Export, op: Op, x: &str) -> ExportResult {
        let (weight, bias) = (export.parameter(self.weight)?, export.parameter(self.bias)?);
        Ok(export.graph.node(op, &[x, &weight, &bias])?)
    }
}
