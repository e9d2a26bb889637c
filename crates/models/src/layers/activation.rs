//! Activation functions.

use gan_graph::Op;
use tch::Tensor;

use super::{Context, Layer, LayerInput};
use crate::export::{Export, ExportResult};
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
    fn forward(&self, _: &Weights, x: &Tensor, _: &Context) -> Tensor {
        match *self {
            Activation::Relu => x.relu(),
            // tch binds leaky ReLU only with slope 0.01, but its backward function
            // g ↦ g·(1 if x > 0 else slope) with any slope. Applied to g = x, that is
            // the activation: one kernel forward and one backward.
            Activation::LeakyRelu(slope) => x.detach().leaky_relu_backward(x, slope, false),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Tanh => x.tanh(),
            Activation::Softplus => x.softplus(),
        }
    }

    fn input(&self) -> LayerInput {
        LayerInput::Row
    }

    fn export(&self, export: &mut Export, x: &str, _: Option<&Tensor>) -> ExportResult {
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
