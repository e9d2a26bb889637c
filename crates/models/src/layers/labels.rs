//! Labels as inputs of conditional networks.

use gan_graph::Op;
use tch::Tensor;

use super::{Dependency, ForwardContext, Layer, Linear};
use crate::export::{ExportResult, GraphExport};
use crate::params::Weights;

/// Appends the one-hot label to each row: `[n, inputs]` → `[n, inputs + classes]`. Holds the
/// number of classes; with `None`, for unconditional networks, returns its input.
#[derive(Debug, Clone, Copy)]
pub struct ConcatLabels(pub Option<i64>);

impl Layer for ConcatLabels {
    fn forward(&self, _: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        match self.0 {
            Some(classes) => Tensor::cat(&[x, &one_hot(x, context.labels, classes)], 1),
            None => x.shallow_clone(),
        }
    }

    fn depends_on(&self) -> Dependency {
        match self.0 {
            Some(classes) => Dependency::RowAndLabel { classes },
            None => Dependency::Row,
        }
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let Some(classes) = self.0 else {
            return Ok(x.to_owned());
        };
        let labels = export.one_hot_labels(classes)?;
        Ok(export.graph.node(Op::Concat { axis: 1 }, &[x, &labels])?)
    }
}

/// A projection head (Miyato and Koyama 2018, eq. 3). One linear layer gives a logit. In
/// conditional networks, a second linear layer has one output per class, and the output of the
/// label's class is added to the logit.
#[derive(Debug, Clone, Copy)]
pub struct Projection {
    /// `[n, inputs]` → `[n, 1]`.
    pub logit: Linear,
    /// The number of classes, and `[n, inputs]` → `[n, classes]`; `None` in unconditional
    /// networks.
    pub classes: Option<(i64, Linear)>,
}

impl Layer for Projection {
    /// `[n, inputs]` → `[n]`.
    fn forward(&self, weights: &Weights, x: &Tensor, context: &ForwardContext) -> Tensor {
        let logits = self.logit.forward(weights, x, context).view([-1]);
        let Some((classes, linear)) = &self.classes else {
            return logits;
        };
        let y = linear.forward(weights, x, context);
        let selected = &y * one_hot(&y, context.labels, *classes);
        logits + selected.sum_dim_intlist(1, false, y.kind())
    }

    fn depends_on(&self) -> Dependency {
        match self.classes {
            Some((classes, _)) => Dependency::RowAndLabel { classes },
            None => Dependency::Row,
        }
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let logits = self.logit.export(export, x, None)?;
        let logits = export.graph.reshape(&logits, &[0])?;
        let Some((classes, linear)) = &self.classes else {
            return Ok(logits);
        };
        let y = linear.export(export, x, None)?;
        let labels = export.one_hot_labels(*classes)?;
        let selected = export.graph.node(Op::Mul, &[&y, &labels])?;
        let axis = export.add_axis(1)?;
        let selected = export.graph.node(Op::ReduceSum, &[&selected, &axis])?;
        Ok(export.graph.node(Op::Add, &[&logits, &selected])?)
    }
}

/// One-hot labels `[n, classes]` in the data type of `x`.
fn one_hot(x: &Tensor, labels: Option<&Tensor>, classes: i64) -> Tensor {
    assert!(labels.is_some(), "a conditional network needs a label for each image");
    labels.map_or_else(Tensor::new, |labels| {
        assert_eq!(labels.size(), x.size()[..1], "number of labels");
        labels.one_hot(classes).to_kind(x.kind())
    })
}
