//! A network: its inputs, operators, weights and outputs.

use serde::Serialize;

use crate::op::Op;

/// A network as a list of operators in the order of computation.
///
/// Every name is defined once: by an input, a tensor or the output of a node.
/// Nodes use only names that are defined before them. [`Graph::check`] tests this.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The name of the network, such as `generator`.
    pub name: String,
    /// What the caller provides.
    pub inputs: Vec<Value>,
    /// What the network returns.
    pub outputs: Vec<Value>,
    /// The operators in the order of computation.
    pub nodes: Vec<Node>,
    /// Weights and constants.
    pub tensors: Vec<Tensor>,
    /// Keys and values about the network, in the order of writing.
    pub metadata: Vec<(String, String)>,
}

impl Graph {
    /// The tensor called `name`.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The metadata under `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }
}

/// An input or an output of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub kind: Kind,
    /// Its shape.
    pub shape: Vec<Dim>,
}

/// The type of the values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floating point.
    F32,
    /// 64-bit signed integer.
    I64,
}

/// The length of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// The number of images; any number.
    Batch,
    /// A fixed length.
    Size(usize),
}

/// One operator with the names of its inputs and of its output.
///
/// It serializes as one object: `{"op": "Conv", "stride": 1, "padding": 1, "inputs":
/// ["x", "w", "b"], "output": "y"}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// The operator and its attributes.
    #[serde(flatten)]
    pub op: Op,
    /// Names of inputs, tensors or outputs of earlier nodes.
    pub inputs: Vec<String>,
    /// The name of the result.
    pub output: String,
}

/// A weight or a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape; empty for a single value.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub data: Data,
}

/// The values of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 64-bit signed integers.
    I64(Vec<i64>),
}

impl Data {
    /// The type of the values.
    pub fn kind(&self) -> Kind {
        match self {
            Data::F32(_) => Kind::F32,
            Data::I64(_) => Kind::I64,
        }
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(values) => values.len(),
            Data::I64(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
