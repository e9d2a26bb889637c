//! Graphs as ONNX files.

use prost::Message;

use crate::error::{Error, Result};
use crate::graph::{Data, Dim, Graph, Kind, Node, Tensor, Value};
use crate::op::Op;
use crate::proto::{
    AttributeProto, DimensionProto, DimensionValue, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto, attribute_type, data_type,
};

/// The version of the ONNX format.
const IR_VERSION: i64 = 8;
/// The version of ONNX's default operator set.
const OPSET: i64 = 18;
/// The name of the batch axis.
const BATCH: &str = "batch";

impl Graph {
    /// Encodes the graph as an ONNX file. The same graph gives the same bytes.
    ///
    /// The batch is a dynamic axis named `batch`. Weights are in the file.
    pub fn to_onnx(&self) -> Vec<u8> {
        let entry = |(key, value): &(String, String)| StringStringEntryProto {
            key: key.clone(),
            value: value.clone(),
        };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(GraphProto {
                name: self.name.clone(),
                node: self.nodes.iter().map(encode_node).collect(),
                initializer: self.tensors.iter().map(encode_tensor).collect(),
                input: self.inputs.iter().map(encode_value).collect(),
                output: self.outputs.iter().map(encode_value).collect(),
            }),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: self.metadata.iter().map(entry).collect(),
        };
        model.encode_to_vec()
    }

    /// Decodes a file of [`Graph::to_onnx`] and checks it as [`Graph::check`] does.
    ///
    /// The memory is at most a small multiple of the length of `bytes`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for bytes that are not an ONNX file; [`Error::Version`]
    /// or [`Error::Unknown`] for a file with other versions, operators, attributes
    /// or types than this crate writes; those of [`Graph::check`].
    pub fn from_onnx(bytes: &[u8]) -> Result<Graph> {
        let model = ModelProto::decode(bytes).map_err(|e| Error::Malformed(e.to_string()))?;
        version("IR version", model.ir_version, IR_VERSION)?;
        let [operators] = model.opset_import.as_slice() else {
            let what = format!("{} operator sets", model.opset_import.len());
            return Err(Error::Unknown { place: "the file".to_owned(), what });
        };
        version("operator set", operators.version, OPSET)?;
        let missing = || Error::Malformed("it has no graph".to_owned());
        let graph = model.graph.ok_or_else(missing)?;
        let metadata = model.metadata_props.into_iter().map(|entry| (entry.key, entry.value));
        let graph = Graph {
            name: graph.name,
            inputs: graph.input.into_iter().map(decode_value).collect::<Result<_>>()?,
            outputs: graph.output.into_iter().map(decode_value).collect::<Result<_>>()?,
            nodes: graph.node.into_iter().map(decode_node).collect::<Result<_>>()?,
            tensors: graph.initializer.into_iter().map(decode_tensor).collect::<Result<_>>()?,
            metadata: metadata.collect(),
        };
        graph.check()?;
        Ok(graph)
    }
}

fn version(what: &'static str, found: i64, expected: i64) -> Result<()> {
    if found != expected {
        return Err(Error::Version { what, found, expected });
    }
    Ok(())
}

fn encode_node(node: &Node) -> NodeProto {
    NodeProto {
        input: node.inputs.clone(),
        output: vec![node.output.clone()],
        name: node.output.clone(),
        op_type: node.op.name().to_owned(),
        attribute: attributes(&node.op),
        domain: String::new(),
    }
}

fn decode_node(node: NodeProto) -> Result<Node> {
    let unknown = |what| Error::Unknown { place: format!("node {:?}", node.name), what };
    let [output] = node.output.as_slice() else {
        return Err(unknown(format!("{} outputs", node.output.len())));
    };
    let op = operator(&node).filter(|_| node.domain.is_empty());
    let op = op.ok_or_else(|| unknown(format!("operator {:?}", node.op_type)))?;
    // Attributes that `operator` does not read must have the values of `attributes`.
    let sorted = |mut attributes: Vec<AttributeProto>| {
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        attributes
    };
    if sorted(attributes(&op)) != sorted(node.attribute) {
        let what = format!("other attributes of {} than this crate writes", op.name());
        return Err(Error::Unknown { place: format!("node {:?}", node.name), what });
    }
    Ok(Node { op, output: output.clone(), inputs: node.input })
}

/// The attributes of an operator in ONNX.
fn attributes(op: &Op) -> Vec<AttributeProto> {
    let attribute = |name: &str, r#type| AttributeProto {
        name: name.to_owned(),
        r#type,
        ..AttributeProto::default()
    };
    let int = |name, i: usize| AttributeProto {
        i: Some(i as i64),
        ..attribute(name, attribute_type::INT)
    };
    let float = |name, f| AttributeProto { f: Some(f), ..attribute(name, attribute_type::FLOAT) };
    let ints = |name, values: &[usize]| AttributeProto {
        ints: values.iter().map(|&i| i as i64).collect(),
        ..attribute(name, attribute_type::INTS)
    };
    match op {
        Op::Gemm => vec![int("transB", 1)],
        Op::Conv { stride, padding } | Op::ConvTranspose { stride, padding } => {
            vec![ints("strides", &[*stride; 2]), ints("pads", &[*padding; 4])]
        }
        Op::LeakyRelu { alpha } => vec![float("alpha", *alpha)],
        Op::ReduceMax | Op::ReduceSum => vec![int("keepdims", 0)],
        Op::Concat { axis } => vec![int("axis", *axis)],
        Op::Transpose { perm } => vec![ints("perm", perm)],
        Op::DepthToSpace { blocksize } => {
            let mode = Some(b"CRD".to_vec());
            let mode = AttributeProto { s: mode, ..attribute("mode", attribute_type::STRING) };
            vec![int("blocksize", *blocksize), mode]
        }
        Op::SpaceToDepth { blocksize } => vec![int("blocksize", *blocksize)],
        Op::BatchNormalization { epsilon } => vec![float("epsilon", *epsilon)],
        _ => Vec::new(),
    }
}

/// The operator of a node, or `None` if it is unknown or lacks an attribute.
fn operator(node: &NodeProto) -> Option<Op> {
    let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
    let size = |value: i64| usize::try_from(value).ok();
    let int = |name| attribute(name)?.i.and_then(size);
    let ints = |name| attribute(name)?.ints.iter().map(|&i| size(i)).collect::<Option<Vec<_>>>();
    let first = |name| ints(name)?.first().copied();
    let mut op: Op = node.op_type.parse().ok()?;
    match &mut op {
        Op::Conv { stride, padding } | Op::ConvTranspose { stride, padding } => {
            (*stride, *padding) = (first("strides")?, first("pads")?);
        }
        Op::LeakyRelu { alpha } => *alpha = attribute("alpha")?.f?,
        Op::Concat { axis } => *axis = int("axis")?,
        Op::Transpose { perm } => *perm = ints("perm")?,
        Op::DepthToSpace { blocksize } | Op::SpaceToDepth { blocksize } => {
            *blocksize = int("blocksize")?;
        }
        Op::BatchNormalization { epsilon } => *epsilon = attribute("epsilon")?.f?,
        _ => {}
    }
    Some(op)
}

fn encode_tensor(tensor: &Tensor) -> TensorProto {
    let (data_type, raw_data) = match &tensor.data {
        Data::F32(values) => {
            (data_type::FLOAT, values.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
        Data::I64(values) => {
            (data_type::INT64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
    };
    TensorProto {
        dims: tensor.shape.iter().map(|&d| d as i64).collect(),
        data_type,
        name: tensor.name.clone(),
        raw_data: Some(raw_data),
    }
}

fn decode_tensor(tensor: TensorProto) -> Result<Tensor> {
    let place = || format!("tensor {:?}", tensor.name);
    let unknown = |what: &str| Error::Unknown { place: place(), what: what.to_owned() };
    let shape = tensor.dims.iter().map(|&d| usize::try_from(d));
    let shape = shape.collect::<std::result::Result<_, _>>();
    let shape = shape.map_err(|_| unknown("a negative length"))?;
    let bytes = tensor.raw_data.as_deref().ok_or_else(|| unknown("values outside raw_data"))?;
    let incomplete = || Error::Malformed(format!("the values of {} are incomplete", place()));
    let data = match kind(tensor.data_type).ok_or_else(|| unknown("another type"))? {
        Kind::F32 => numbers(bytes, f32::from_le_bytes).map(Data::F32),
        Kind::I64 => numbers(bytes, i64::from_le_bytes).map(Data::I64),
    };
    Ok(Tensor { data: data.ok_or_else(incomplete)?, shape, name: tensor.name })
}

/// The numbers of `N` bytes each, or `None` if the last one is incomplete.
fn numbers<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (values, rest) = bytes.as_chunks();
    rest.is_empty().then(|| values.iter().map(|value| number(*value)).collect())
}

/// The type with this number in ONNX.
fn kind(data_type: i32) -> Option<Kind> {
    match data_type {
        data_type::FLOAT => Some(Kind::F32),
        data_type::INT64 => Some(Kind::I64),
        _ => None,
    }
}

fn encode_value(value: &Value) -> ValueInfoProto {
    let elem_type = match value.kind {
        Kind::F32 => data_type::FLOAT,
        Kind::I64 => data_type::INT64,
    };
    let dim = |dim: &Dim| DimensionProto {
        value: Some(match *dim {
            Dim::Batch => DimensionValue::DimParam(BATCH.to_owned()),
            Dim::Size(size) => DimensionValue::DimValue(size as i64),
        }),
    };
    let shape = Some(TensorShapeProto { dim: value.shape.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueInfoProto { name: value.name.clone(), r#type: Some(TypeProto { tensor_type }) }
}

fn decode_value(value: ValueInfoProto) -> Result<Value> {
    let unknown = |what: &str| Error::Unknown {
        place: format!("value {:?}", value.name),
        what: what.to_owned(),
    };
    let tensor = value.r#type.and_then(|t| t.tensor_type).unwrap_or_default();
    let kind = kind(tensor.elem_type).ok_or_else(|| unknown("another type"))?;
    let dim = |dim: &DimensionProto| match &dim.value {
        Some(DimensionValue::DimParam(name)) if name == BATCH => Some(Dim::Batch),
        Some(DimensionValue::DimValue(size)) => usize::try_from(*size).ok().map(Dim::Size),
        _ => None,
    };
    let dims = tensor.shape.unwrap_or_default().dim;
    let shape = dims.iter().map(dim).collect::<Option<_>>();
    let shape = shape.ok_or_else(|| unknown("an axis without a length"))?;
    Ok(Value { name: value.name, kind, shape })
}
