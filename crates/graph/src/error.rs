//! The errors of this crate.

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A graph that breaks a rule, or bytes that do not hold a graph of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not an ONNX file, or are incomplete.
    #[error("this is not a complete ONNX file: {0}")]
    Malformed(String),
    /// The file has another version of the format or of the operators.
    #[error("the file has {what} {found}; this crate reads {expected}")]
    Version {
        /// "IR version" or "operator set".
        what: &'static str,
        /// The version in the file.
        found: i64,
        /// The version that this crate reads.
        expected: i64,
    },
    /// The file uses a part of ONNX that this crate does not know.
    #[error("{place} uses {what}, which this crate does not know")]
    Unknown {
        /// The node, tensor or value.
        place: String,
        /// The operator, attribute or type.
        what: String,
    },
    /// Two inputs, tensors or outputs of nodes have the same name.
    #[error("the name {0:?} is defined twice")]
    DefinedTwice(String),
    /// A node or the graph uses a name before it is defined.
    #[error("{place} uses {name:?} before it is defined")]
    Undefined {
        /// The node that uses the name, or "the graph".
        place: String,
        /// The name.
        name: String,
    },
    /// The inputs of a node do not fit its operator.
    #[error("node {node:?}: {reason}")]
    Node {
        /// The output of the node.
        node: String,
        /// The rule that the inputs break.
        reason: String,
    },
    /// A tensor has another number of values than its shape.
    #[error("tensor {name:?} of shape {shape:?} has {values} values")]
    Tensor {
        /// The name of the tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The number of its values.
        values: usize,
    },
    /// An output of the graph is declared with another type than its node computes.
    #[error("output {name:?} is declared as {declared}, but its node computes {computed}")]
    Output {
        /// The name of the output.
        name: String,
        /// The declared type.
        declared: String,
        /// The type that the node computes.
        computed: String,
    },
}
