//! Layers: each declares its parameters in a [`ParamLayout`] and computes with
//! [`Weights`]. [`Sequential`](crate::Sequential) makes a network of them.
//!
//! Layers with parameters convert their input to the data type of their weights.
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

use crate::export::{ExportResult, GraphExport};
use crate::network::Mode;
use crate::params::{Init, ParamId, ParamLayout, Weights};

/// One operation of a network.
pub trait Layer: Debug + Send + Sync {
    /// Computes the layer's output from `x` and the `weights` of the network.
    ///
    /// # Panics
    /// If `x` has a wrong shape, or if the layer uses labels and the `context` does
    /// not have one below its number of classes for each row of `x`.
    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor;

    /// What a row of the output depends on. Networks derive from it whether they need labels, and
    /// whether they use batch statistics.
    fn depends_on(&self) -> Dependency;

    /// Adds the layer's operators to the graph, as they compute with
    /// [`Mode::Eval`]. Returns the name of the output.
    ///
    /// `x` is the name of the layer's input, and `calibration` holds example values of it. A
    /// layer with batch statistics computes its constants from them. `calibration` is `None`
    /// after the last such layer.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ExportError::Unsupported) if the layer has no description as
    /// a graph; [`NoCalibration`](crate::ExportError::NoCalibration);
    /// [`Graph`](crate::ExportError::Graph); [`Torch`](crate::ExportError::Torch).
    fn export(
        &self,
        export: &mut GraphExport,
        x: &str,
        calibration: Option<&Tensor>,
    ) -> ExportResult;
}

/// What a row of a layer's output depends on, besides the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependency {
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

impl Dependency {
    /// The number of classes, if the layer uses labels.
    pub fn classes(self) -> Option<i64> {
        match self {
            Dependency::RowAndLabel { classes } | Dependency::BatchAndLabels { classes } => {
                Some(classes)
            }
            Dependency::Row | Dependency::Batch => None,
        }
    }

    /// Whether the rows of a batch influence each other.
    pub fn is_batch(self) -> bool {
        matches!(self, Dependency::Batch | Dependency::BatchAndLabels { .. })
    }
}

/// The labels and the purpose of a forward pass.
#[derive(Debug, Clone, Copy)]
pub struct ForwardContext<'a> {
    /// Classes from 0, i64 `[n]`.
    pub labels: Option<&'a Tensor>,
    /// Training or inference.
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
    fn new(
        layout: &mut ParamLayout,
        name: &str,
        shape: &[i64],
        outputs: i64,
        init: AffineInit,
    ) -> Self {
        Affine {
            weight: layout.add(format!("{name}.weight"), shape, init.weight),
            bias: layout.add(format!("{name}.bias"), &[outputs], init.bias),
        }
    }

    /// The weight, the bias, and `x` in their data type.
    fn prepare<'w>(&self, weights: &'w Weights, x: &Tensor) -> (&'w Tensor, &'w Tensor, Tensor) {
        let (weight, bias) = (weights.get(self.weight), weights.get(self.bias));
        (weight, bias, x.to_kind(weight.kind()))
    }

    /// Adds `op` with the inputs `x`, weight and bias.
    fn export(&self, export: &mut GraphExport, op: Op, x: &str) -> ExportResult {
        let (weight, bias) = (export.add_parameter(self.weight)?, export.add_parameter(self.bias)?);
        Ok(export.graph.node(op, &[x, &weight, &bias])?)
    }
}
