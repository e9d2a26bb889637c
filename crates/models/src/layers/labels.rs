//! Labels as inputs of conditional networks.

use gan_graph::Op;
use tch::Tensor;

use super::{Context, Layer, LayerInput, Linear};
use crate::export::{Export, ExportResult};
use crate::params::Weights;

/// Number of classes: the digits 0 to 9.
pub const CLASSES: i64 = 10;

/// Appends the one-hot label to each row: `[n, inputs]` → `[n, inputs + 10]`. With
/// `false`, for unconditional networks, returns its input.
#[derive(Debug, Clone, Copy)]
pub struct ConcatLabels(pub bool);

impl Layer for ConcatLabels {
    fn forward(&self, _: &Weights, x: &Tensor, context: &Context) -> Tensor {
        match self.0 {
            true => Tensor::cat(&[x, &one_hot(x, context.labels)], 1),
            false => x.shallow_clone(),
        }
    }

    fn input(&self) -> LayerInput {
        match self.0 {
            true => LayerInput::RowAndLabel,
            false => LayerInput::Row,
        }
    }

    fn export(&self, export: &mut Export, x: &str, _: Option<&Tensor>) -> ExportResult {
        if !self.0 {
            return Ok(x.to_owned());
        }
        let labels = export.one_hot_labels()?;
        Ok(export.graph.node(Op::Concat { axis: 1 }, &[x, &labels])?)
    }
}

/// A linear layer to one logit, to which conditional networks add one of ten further
/// linear outputs; the digit selects it. This is the projection of Miyato and Koyama
/// 2018, eq. 3.
#[derive(Debug, Clone, Copy)]
pub struct Projection {
    /// `[n, inputs]` → `[n, 1]`.
    pub logit: Linear,
    /// `[n, inputs]` → `[n, 10]`; `None` in unconditional networks.
    pub digits: Option<Linear>,
}

impl Layer for Projection {
    /// `[n, inputs]` → `[n]`.
    fn forward(&self, weights: &Weights, x: &Tensor, context: &Context) -> Tensor {
        let logits = self.logit.forward(weights, x, context).view([-1]);
        let Some(digits) = &self.digits else {
            return logits;
        };
        let y = digits.forward(weights, x, context);
        let selected = &y * one_hot(&y, context.labels);
        logits + selected.sum_dim_intlist(1, false, y.kind())
    }

    fn input(&self) -> LayerInput {
        match self.digits {
            Some(_) => LayerInput::RowAndLabel,
            None => LayerInput::Row,
        }
    }

    fn export(&self, export: &mut Export, x: &str, _: Option<&Tensor>) -> ExportResult {
        let logits = self.logit.export(export, x, None)?;
        let logits = export.graph.reshape(&logits, &[0])?;
        let Some(digits) = &self.digits else {
            return Ok(logits);
        };
        let y = digits.export(export, x, None)?;
        let labels = export.one_hot_labels()?;
        let selected = export.graph.node(Op::Mul, &[&y, &labels])?;
        let axis = export.axis(1)?;
        let selected = export.graph.node(Op::ReduceSum, &[&selected, &axis])?;
        Ok(export.graph.node(Op::Add, &[&logits, &selected])?)
    }
}

/// Labels as `[n, 10]` in the kind of `x`.
fn one_hot(x: &Tensor, labels: Option<&Tensor>) -> Tensor {
    assert!(labels.is_some(), "a conditional network needs a label for each image");
    labels.map_or_else(Tensor::new, |labels| {
        assert_eq!(labels.size(), x.size()[..1], "number of labels");
        labels.one_hot(CLASSES).to_kind(x.kind())
    })
}
