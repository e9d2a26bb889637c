//! Builds a graph node by node.

use crate::check::{TypesByName, define, node_type, tensor_type};
use crate::error::{Error, Result};
use crate::graph::{Data, Dim, Graph, Kind, Node, Tensor, Value};
use crate::op::Op;
use crate::shape::Type;

/// A graph under construction. Each step is checked, and each result gets a name.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
    types: TypesByName,
}

impl GraphBuilder {
    /// Begins a network called `name`.
    pub fn new(name: impl Into<String>) -> GraphBuilder {
        let graph = Graph { name: name.into(), ..Graph::default() };
        GraphBuilder { graph, types: TypesByName::new() }
    }

    /// Adds an input and returns its name.
    ///
    /// # Errors
    /// [`Error::DefinedTwice`].
    pub fn input(&mut self, name: &str, kind: Kind, shape: &[Dim]) -> Result<String> {
        let shape = shape.to_vec();
        define(&mut self.types, name, Type { kind, shape: shape.clone() })?;
        self.graph.inputs.push(Value { name: name.to_owned(), kind, shape });
        Ok(name.to_owned())
    }

    /// Adds a tensor and returns its name. A second tensor of the same name and
    /// content is the first one.
    ///
    /// # Errors
    /// [`Error::DefinedTwice`] if the name has another meaning; [`Error::Tensor`] if
    /// the shape does not match the number of values.
    pub fn tensor(&mut self, name: &str, shape: &[usize], data: Data) -> Result<String> {
        let tensor = Tensor { name: name.to_owned(), shape: shape.to_vec(), data };
        if self.graph.tensor(name) != Some(&tensor) {
            define(&mut self.types, name, tensor_type(&tensor)?)?;
            self.graph.tensors.push(tensor);
        }
        Ok(name.to_owned())
    }

    /// Adds a node and returns the name of its output, which consists of the
    /// operator's name and a number.
    ///
    /// # Errors
    /// [`Error::Undefined`] or [`Error::Node`] if the inputs are undefined or do not
    /// fit; [`Error::DefinedTwice`] if the output's name is in use.
    pub fn node(&mut self, op: Op, inputs: &[&str]) -> Result<String> {
        let output = format!("{}_{}", op.name(), self.graph.nodes.len() + 1);
        let inputs = inputs.iter().map(|&name| name.to_owned()).collect();
        let node = Node { op, inputs, output: output.clone() };
        let ty = node_type(&node, &self.types, |name| self.graph.tensor(name))?;
        define(&mut self.types, &output, ty)?;
        self.graph.nodes.push(node);
        Ok(output)
    }

    /// Adds a [`Op::Reshape`]; see there for `shape`.
    ///
    /// # Errors
    /// As [`GraphBuilder::node`].
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> Result<String> {
        let lengths: Vec<_> = shape.iter().map(i64::to_string).collect();
        let name = format!("shape_{}", lengths.join("_"));
        let shape = self.tensor(&name, &[shape.len()], Data::I64(shape.to_vec()))?;
        self.node(Op::Reshape, &[x, &shape])
    }

    /// The shape of a value, if the name is defined.
    pub fn shape(&self, name: &str) -> Option<&[Dim]> {
        self.types.get(name).map(|ty| ty.shape.as_slice())
    }

    /// Ends the network: `node_output`, the output of a node, becomes the network's only output and
    /// gets the name `output_name`.
    ///
    /// # Errors
    /// [`Error::Undefined`] if no node has this output; [`Error::DefinedTwice`] if `output_name` is
    /// in use.
    pub fn finish(mut self, node_output: &str, output_name: &str) -> Result<Graph> {
        let node = self.graph.nodes.iter().position(|node| node.output == node_output);
        let ty = self.types.get(node_output).cloned();
        let Some((node, ty)) = node.zip(ty) else {
            let place = "the graph's output".to_owned();
            return Err(Error::Undefined { place, name: node_output.to_owned() });
        };
        define(&mut self.types, output_name, ty.clone())?;
        output_name.clone_into(&mut self.graph.nodes[node].output);
        let later = self.graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        later.filter(|input| *input == node_output).for_each(|input| output_name.clone_into(input));
        self.graph.outputs =
            vec![Value { name: output_name.to_owned(), kind: ty.kind, shape: ty.shape }];
        Ok(self.graph)
    }
}
