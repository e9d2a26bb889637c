//! A network in the page: its operators as JSON, and its weights as base64.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gan_graph::{Data, Dim, Graph, Node, Tensor};
use half::f16;
use serde::Serialize;

/// Tensors with fewer values keep f32: constants, biases and scales.
const SMALL: usize = 1024;

/// How the weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// Half precision.
    F16,
    /// 8-bit integers with one scale per index of the first axis.
    Int8,
}

/// A network as `networks.js` reads it.
#[derive(Debug, Serialize)]
pub struct Network<'a> {
    inputs: Vec<Input<'a>>,
    output: &'a str,
    nodes: &'a [Node],
    tensors: BTreeMap<&'a str, Stored<'a>>,
    /// The weights in base64.
    data: String,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    name: &'a str,
    /// With a batch of 1.
    shape: Vec<usize>,
}

/// A tensor: whole numbers, or the place of its weights.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Stored<'a> {
    Numbers { shape: &'a [usize], values: &'a [i64] },
    Weights { shape: &'a [usize], r#type: &'static str, at: usize, scales: usize },
}

impl<'a> Network<'a> {
    /// Encodes the network.
    pub fn new(graph: &'a Graph, storage: Storage) -> Network<'a> {
        let mut bytes = Vec::new();
        let tensors = graph.tensors.iter();
        let tensors =
            tensors.map(|tensor| (tensor.name.as_str(), store(tensor, storage, &mut bytes)));
        let length = |dim: &Dim| if let Dim::Size(length) = dim { *length } else { 1 };
        let inputs = graph.inputs.iter().map(|input| Input {
            name: &input.name,
            shape: input.shape.iter().map(length).collect(),
        });
        Network {
            inputs: inputs.collect(),
            output: graph.outputs.first().map_or("", |output| &output.name),
            nodes: &graph.nodes,
            tensors: tensors.collect(),
            data: BASE64_STANDARD.encode(bytes),
        }
    }
}

fn store<'a>(tensor: &'a Tensor, storage: Storage, bytes: &mut Vec<u8>) -> Stored<'a> {
    let values = match &tensor.data {
        Data::I64(values) => return Stored::Numbers { shape: &tensor.shape, values },
        Data::F32(values) => values,
    };
    let at = bytes.len();
    let weights = |r#type, scales| Stored::Weights { shape: &tensor.shape, r#type, at, scales };
    let fits = values.iter().all(|value| value.abs() <= f16::MAX.to_f32());
    match storage {
        _ if values.len() < SMALL => {}
        Storage::F16 if fits => {
            bytes.extend(values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()));
            return weights("f16", 0);
        }
        Storage::Int8 => {
            let rows = tensor.shape.first().copied().unwrap_or(1).max(1);
            let rows: Vec<&[f32]> = values.chunks(values.len() / rows).collect();
            let scale = |row: &&[f32]| {
                let largest = row.iter().fold(0f32, |most, value| most.max(value.abs()));
                if largest > 0.0 { largest / 127.0 } else { 1.0 }
            };
            let scales: Vec<f32> = rows.iter().map(scale).collect();
            for (row, scale) in rows.iter().zip(&scales) {
                bytes.extend(row.iter().map(|value| (value / scale).round() as i8 as u8));
            }
            let at_scales = bytes.len();
            bytes.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
            return weights("i8", at_scales);
        }
        Storage::F16 => {}
    }
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    weights("f32", 0)
}
