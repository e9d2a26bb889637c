//! The rules of a graph.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Node, Tensor};
use crate::shape::{Operand, Type, output_type};

impl Graph {
    /// Checks that every name is defined once and before its use, that tensors have
    /// as many values as their shape, that the inputs of each node fit its operator,
    /// and that the outputs have their declared types.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<()> {
        let mut types = HashMap::new();
        for input in &self.inputs {
            let ty = Type { kind: input.kind, shape: input.shape.clone() };
            define(&mut types, &input.name, ty)?;
        }
        let mut tensors = HashMap::new();
        for tensor in &self.tensors {
            define(&mut types, &tensor.name, tensor_type(tensor)?)?;
            tensors.insert(tensor.name.as_str(), tensor);
        }
        for node in &self.nodes {
            let ty = node_type(node, &types, |name| tensors.get(name).copied())?;
            define(&mut types, &node.output, ty)?;
        }
        for output in &self.outputs {
            let name = output.name.clone();
            let computed = types.get(&name).ok_or_else(|| Error::Undefined {
                place: "the graph's output".to_owned(),
                name: name.clone(),
            })?;
            let declared = Type { kind: output.kind, shape: output.shape.clone() };
            if *computed != declared {
                let (declared, computed) = (declared.to_string(), computed.to_string());
                return Err(Error::Output { name, declared, computed });
            }
        }
        Ok(())
    }
}

/// Types of the values defined so far, by name.
pub type TypesByName = HashMap<String, Type>;

/// Defines `name`, which must be new.
pub fn define(types: &mut TypesByName, name: &str, ty: Type) -> Result<()> {
    match types.insert(name.to_owned(), ty) {
        None => Ok(()),
        Some(_) => Err(Error::DefinedTwice(name.to_owned())),
    }
}

/// The type of a tensor, whose shape must match its number of values.
pub fn tensor_type(tensor: &Tensor) -> Result<Type> {
    let (shape, values) = (tensor.shape.clone(), tensor.data.len());
    let product = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    if product != Some(values) {
        return Err(Error::Tensor { name: tensor.name.clone(), shape, values });
    }
    let shape = shape.into_iter().map(Dim::Size).collect();
    Ok(Type { kind: tensor.data.kind(), shape })
}

/// The type of a node's output.
pub fn node_type<'a>(
    node: &Node,
    types: &TypesByName,
    tensor: impl Fn(&str) -> Option<&'a Tensor>,
) -> Result<Type> {
    let operand = |name: &String| match types.get(name) {
        Some(ty) => Ok(Operand { ty, constant: tensor(name) }),
        None => {
            let place = format!("node {:?}", node.output);
            Err(Error::Undefined { place, name: name.clone() })
        }
    };
    let operands = node.inputs.iter().map(operand).collect::<Result<Vec<_>>>()?;
    output_type(&node.op, &operands)
        .map_err(|reason| Error::Node { node: node.output.clone(), reason })
}
