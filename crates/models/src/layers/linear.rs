//! Fully connected layers.

use gan_graph::Op;
use tch::Tensor;

use super::{Affine, AffineInit, Dependency, ForwardContext, Layer};
use crate::export::{ExportResult, GraphExport};
use crate::params::{Init, ParamLayout, Weights};

/// `y = x Wᵀ + b`.
#[derive(Debug, Clone, Copy)]
pub struct Linear(Affine);

impl Linear {
    /// Declares `NAME.weight` `[outputs, inputs]` and `NAME.bias` `[outputs]`.
    pub fn new(
        layout: &mut ParamLayout,
        name: &str,
        inputs: i64,
        outputs: i64,
        init: impl Into<AffineInit>,
    ) -> Linear {
        let shape = [outputs, inputs];
        Linear(Affine::new(layout, name, &shape, outputs, init.into()))
    }
}

impl Layer for Linear {
    /// `[n, inputs]` → `[n, outputs]`.
    fn forward(&self, weights: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        let (weight, bias, x) = self.0.prepare(weights, x);
        x.linear(weight, Some(bias))
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        self.0.export(export, Op::Gemm, x)
    }
}

/// Maxout: each unit is the maximum of several linear functions (Goodfellow et al.
/// 2013).
#[derive(Debug, Clone, Copy)]
pub struct Maxout {
    linear: Linear,
    units: i64,
    pieces: i64,
}

impl Maxout {
    /// Declares `NAME.weight` `[units · pieces, inputs]` and `NAME.bias`
    /// `[units · pieces]`, which starts at 0. The pieces of a unit are adjacent.
    pub fn new(
        layout: &mut ParamLayout,
        name: &str,
        inputs: i64,
        (units, pieces): (i64, i64),
        init: Init,
    ) -> Maxout {
        Maxout { linear: Linear::new(layout, name, inputs, units * pieces, init), units, pieces }
    }
}

impl Layer for Maxout {
    /// `[n, inputs]` → `[n, units]`.
    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        let pieces = self.linear.forward(weights, x, context);
        let (maximum, _) = pieces.view([-1, self.units, self.pieces]).max_dim(2, false);
        maximum
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let pieces = self.linear.export(export, x, None)?;
        let pieces = export.graph.reshape(&pieces, &[0, self.units, self.pieces])?;
        let axis = export.add_axis(2)?;
        Ok(export.graph.node(Op::ReduceMax, &[&pieces, &axis])?)
    }
}
