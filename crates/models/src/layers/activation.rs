//! Activation functions.

use gan_graph::Op;
use tch::Tensor;

use super::{Dependency, ForwardContext, Layer};
use crate::export::{ExportResult, GraphExport};
use crate::params::Weights;

/// An activation function; the shape is unchanged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `max(x, slope·x)` for this slope, between 0 and 1.
    LeakyRelu(f64),
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`.
    Softplus,
}

impl Layer for Activation {
    fn forward(&self, _: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        match *self {
            Activation::Relu => x.relu(),
            // tch binds leaky ReLU only with slope 0.01. Its backward function accepts any slope.
            // With x as gradient, it returns leaky_relu(x).
            Activation::LeakyRelu(slope) => x.detach().leaky_relu_backward(x, slope, false),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Tanh => x.tanh(),
            Activation::Softplus => x.softplus(),
        }
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let op = match *self {
            Activation::Relu => Op::Relu,
            Activation::LeakyRelu(slope) => Op::LeakyRelu { alpha: slope as f32 },
            Activation::Sigmoid => Op::Sigmoid,
            Activation::Tanh => Op::Tanh,
            Activation::Softplus => Op::Softplus,
        };
        Ok(export.graph.node(op, &[x])?)
    }
}
