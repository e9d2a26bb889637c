//! Networks as graphs of ONNX operators.

use gan_graph::{Data, Dim, GraphBuilder, Kind, Op};
use tch::{Device, TchError, Tensor};

use crate::params::{ParamId, ParamLayout, Weights};

/// The name of the labels in the graph of a conditional network.
pub const LABEL: &str = "label";

/// A network that cannot be described as a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The network or the layer has no description as a graph.
    #[error("{0} cannot be exported: it has no description as a graph of ONNX operators")]
    Unsupported(String),
    /// The network uses batch statistics, but there is no batch to compute them from.
    #[error("a network with batch norm needs a batch to compute its statistics from")]
    NoCalibration,
    /// The graph would be invalid.
    #[error(transparent)]
    Graph(#[from] gan_graph::Error),
    /// libtorch reported an error.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// The name of a value in the graph, or why there is none.
pub type ExportResult = Result<String, ExportError>;

/// The batch that defines the constant batch statistics of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Calibration<'a> {
    /// The network's input: latents f32 `[n, dim]` or images f32 `[n, 1, side, side]`.
    pub input: &'a Tensor,
    /// Labels i64 `[n]`, for conditional networks.
    pub labels: Option<&'a Tensor>,
}

/// A graph under construction, with the weights of its network.
#[derive(Debug)]
pub struct GraphExport<'a> {
    /// The graph.
    pub graph: GraphBuilder,
    /// The weights, f32.
    pub weights: &'a Weights,
    layout: &'a ParamLayout,
}

impl<'a> GraphExport<'a> {
    /// Begins the graph of a network with these parameters. The first axis of each input is the
    /// batch.
    ///
    /// # Errors
    /// Only if the input is called [`LABEL`].
    pub(crate) fn new(
        name: &str,
        (layout, weights): (&'a ParamLayout, &'a Weights),
        (input, shape): (&str, &[i64]),
        conditional: bool,
    ) -> Result<GraphExport<'a>, ExportError> {
        let mut graph = GraphBuilder::new(name);
        let sizes = shape.iter().map(|&size| Dim::Size(size as usize));
        let shape: Vec<Dim> = [Dim::Batch].into_iter().chain(sizes).collect();
        graph.input(input, Kind::F32, &shape)?;
        if conditional {
            graph.input(LABEL, Kind::I64, &[Dim::Batch])?;
        }
        Ok(GraphExport { graph, weights, layout })
    }

    /// Adds a parameter under its name in the layout, and returns the name.
    ///
    /// # Errors
    /// [`ExportError::Torch`] if its values cannot be read.
    pub fn add_parameter(&mut self, id: ParamId) -> ExportResult {
        let name = self.layout.name(id);
        self.add_tensor(name, self.weights.get(id))
    }

    /// Adds a tensor of the layer that parameter `id` belongs to, such as a batch mean. The
    /// name is the parameter's, with `part` as its last component.
    ///
    /// # Errors
    /// As [`GraphExport::add_tensor`].
    pub fn add_layer_tensor(&mut self, id: ParamId, part: &str, values: &Tensor) -> ExportResult {
        let name = self.layout.name(id);
        let layer = name.rsplit_once('.').map_or(name, |(layer, _)| layer);
        self.add_tensor(&format!("{layer}.{part}"), values)
    }

    /// Adds f32 values of any shape, and returns `name`.
    ///
    /// # Errors
    /// [`ExportError::Graph`] if the name is already used for something else;
    /// [`ExportError::Torch`] if the values cannot be read.
    pub fn add_tensor(&mut self, name: &str, values: &Tensor) -> ExportResult {
        let shape: Vec<usize> = values.size().iter().map(|&size| size as usize).collect();
        let values = values.to_device(Device::Cpu).to_kind(tch::Kind::Float).contiguous();
        let mut data = vec![0f32; values.numel()];
        values.f_copy_data(&mut data, values.numel())?;
        Ok(self.graph.tensor(name, &shape, Data::F32(data))?)
    }

    /// Adds one f32 value, and returns its name.
    ///
    /// # Errors
    /// As [`GraphExport::add_tensor`].
    pub fn add_scalar(&mut self, value: f64) -> ExportResult {
        let data = Data::F32(vec![value as f32]);
        Ok(self.graph.tensor(&format!("constant_{value}"), &[], data)?)
    }

    /// Adds the axes of a reduction, and returns their name.
    ///
    /// # Errors
    /// None in practice; those of [`GraphBuilder::tensor`].
    pub fn add_axis(&mut self, axis: i64) -> ExportResult {
        Ok(self.graph.tensor(&format!("axis_{axis}"), &[1], Data::I64(vec![axis]))?)
    }

    /// Adds one-hot labels, f32 `[n, classes]`; `classes` is their number.
    ///
    /// # Errors
    /// [`ExportError::Graph`] if the network has no labels.
    pub fn one_hot_labels(&mut self, classes: i64) -> ExportResult {
        let classes = self.graph.tensor("classes", &[], Data::I64(vec![classes]))?;
        let values = self.graph.tensor("off_on", &[2], Data::F32(vec![0.0, 1.0]))?;
        Ok(self.graph.node(Op::OneHot, &[LABEL, &classes, &values])?)
    }
}
