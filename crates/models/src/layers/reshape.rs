//! Changes of shape.

use gan_graph::{Dim, Op};
use tch::Tensor;

use super::{Dependency, ForwardContext, Layer};
use crate::export::{ExportError, ExportResult, GraphExport};
use crate::params::Weights;

/// A change of shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reshape {
    /// `[n, …]` → `[n, …]` with this shape for each image, in row-major order.
    To(&'static [i64]),
    /// `[n, h·w·c]` → `[n, c, h, w]` for this `[h, w, c]`.
    ///
    /// The result is channels-last without a copy. The units are in the order
    /// `[h, w, c]`. A published program with the order `[c, h, w]` differs
    /// only in the numbering of its units.
    Unflatten([i64; 3]),
    /// `[n, c, h, w]` → `[n, h·w·c]`: flattens channels-last memory without a copy.
    Flatten,
    /// `[n, 4, h, w]` → `[n, 1, 2h, 2w]`: each four channels become a 2×2 block of
    /// pixels, row by row (Shi et al. 2016).
    PixelShuffle,
    /// The inverse of [`Reshape::PixelShuffle`], in channels-last memory.
    PixelUnshuffle,
}

impl Layer for Reshape {
    fn forward(&self, _: &Weights, x: &Tensor, _: &ForwardContext) -> Tensor {
        match *self {
            Reshape::To(shape) => x.reshape([&[-1], shape].concat()),
            Reshape::Unflatten([h, w, c]) => x.view([-1, h, w, c]).permute([0, 3, 1, 2]),
            Reshape::Flatten => x.permute([0, 2, 3, 1]).flatten(1, -1),
            Reshape::PixelShuffle => x.pixel_shuffle(2),
            Reshape::PixelUnshuffle => channels_last(&x.pixel_unshuffle(2)),
        }
    }

    fn depends_on(&self) -> Dependency {
        Dependency::Row
    }

    fn export(&self, export: &mut GraphExport, x: &str, _: Option<&Tensor>) -> ExportResult {
        let graph = &mut export.graph;
        let shape = graph.shape(x).unwrap_or_default();
        let lengths = shape.iter().map(|dim| match dim {
            Dim::Batch => 1,
            Dim::Size(size) => *size as i64,
        });
        let values: i64 = lengths.product();
        Ok(match *self {
            Reshape::To(shape) => graph.reshape(x, &[&[0], shape].concat())?,
            Reshape::Unflatten([h, w, c]) => {
                let x = graph.reshape(x, &[0, h, w, c])?;
                graph.node(Op::Transpose { perm: vec![0, 3, 1, 2] }, &[&x])?
            }
            Reshape::Flatten => {
                let x = graph.node(Op::Transpose { perm: vec![0, 2, 3, 1] }, &[x])?;
                graph.reshape(&x, &[0, values])?
            }
            Reshape::PixelShuffle => graph.node(Op::DepthToSpace { blocksize: 2 }, &[x])?,
            // The order of the channels is that of libtorch only for one channel.
            Reshape::PixelUnshuffle if shape.get(1) != Some(&Dim::Size(1)) => {
                return Err(ExportError::Unsupported("PixelUnshuffle of several channels".into()));
            }
            Reshape::PixelUnshuffle => graph.node(Op::SpaceToDepth { blocksize: 2 }, &[x])?,
        })
    }
}

/// Copies `[n, c, h, w]` into channels-last memory; shape and values are unchanged.
pub fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
