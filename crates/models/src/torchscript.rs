//! Graphs computed by libtorch, and as TorchScript modules.

use std::collections::HashMap;

use gan_graph::{Data, Dim, Graph, Kind, Node, Op};
use tch::{CModule, Device, TchError, Tensor};

use crate::export::ExportError;

/// Constants and results by name.
type Values<'a> = HashMap<&'a str, Tensor>;

/// A TorchScript module that computes `graph` with batches of any size. Its method
/// `forward` takes the graph's inputs in their order.
///
/// libtorch records the operators while they compute a batch of two.
///
/// # Errors
/// Those of [`evaluate`].
pub fn to_torchscript(graph: &Graph) -> Result<CModule, ExportError> {
    let constants = constants(graph)?;
    let example = |input: &gan_graph::Value| {
        let shape = input.shape.iter().map(|dim| match dim {
            Dim::Batch => 2,
            Dim::Size(size) => *size as i64,
        });
        let kind = match input.kind {
            Kind::F32 => tch::Kind::Float,
            Kind::I64 => tch::Kind::Int64,
        };
        Tensor::f_zeros(shape.collect::<Vec<_>>(), (kind, Device::Cpu))
    };
    let inputs = graph.inputs.iter().map(example).collect::<Result<Vec<_>, TchError>>()?;
    let mut error = None;
    let mut record = |inputs: &[Tensor]| match evaluate_with_constants(graph, &constants, inputs) {
        Ok(output) => vec![output],
        Err(e) => {
            error = Some(e);
            vec![inputs[0].shallow_clone()]
        }
    };
    let module = CModule::create_by_tracing(&graph.name, "forward", &inputs, &mut record);
    match error {
        Some(error) => Err(error),
        None => Ok(module?),
    }
}

/// Computes the output of `graph` for `inputs`, in their order, on the CPU in f32.
///
/// # Errors
/// [`ExportError::Torch`] if the number or the shapes of the inputs are wrong;
/// [`ExportError::Unsupported`] for operators with attributes that no built-in layer
/// uses.
pub fn evaluate(graph: &Graph, inputs: &[Tensor]) -> Result<Tensor, ExportError> {
    evaluate_with_constants(graph, &constants(graph)?, inputs)
}

/// The f32 tensors of the graph.
fn constants(graph: &Graph) -> Result<Values<'_>, ExportError> {
    let mut values = Values::new();
    for tensor in &graph.tensors {
        if let Data::F32(data) = &tensor.data {
            let shape: Vec<i64> = tensor.shape.iter().map(|&size| size as i64).collect();
            values.insert(&tensor.name, Tensor::f_from_slice(data)?.f_view(shape.as_slice())?);
        }
    }
    Ok(values)
}

fn evaluate_with_constants(
    graph: &Graph,
    constants: &Values,
    inputs: &[Tensor],
) -> Result<Tensor, ExportError> {
    let named = graph.inputs.iter().map(|input| input.name.as_str()).zip(inputs);
    let mut values: Values = named.map(|(name, x)| (name, x.shallow_clone())).collect();
    for node in &graph.nodes {
        let result = operator(graph, node, |name| {
            let found = values.get(name).or_else(|| constants.get(name));
            found.ok_or_else(|| TchError::Convert(format!("{name} has no value")))
        })?;
        values.insert(&node.output, result);
    }
    let output = graph.outputs.first().and_then(|output| values.remove(output.name.as_str()));
    output.ok_or_else(|| TchError::Convert("the graph has no output".to_owned()).into())
}

/// The output of one node; `value` returns an f32 input, or the labels.
fn operator<'v>(
    graph: &Graph,
    node: &Node,
    value: impl Fn(&str) -> Result<&'v Tensor, TchError>,
) -> Result<Tensor, ExportError> {
    let name = |i: usize| node.inputs.get(i).map_or("", String::as_str);
    let input = |i| value(name(i));
    let bias = || node.inputs.get(2).map(|name| value(name)).transpose();
    // Shapes, axes and the number of classes.
    let integers = |i| match graph.tensor(name(i)).map(|tensor| &tensor.data) {
        Some(Data::I64(values)) => Ok(values.as_slice()),
        _ => Err(TchError::Convert(format!("{} is no list of integers", name(i)))),
    };
    let x = input(0)?;
    Ok(match node.op {
        Op::Gemm => x.f_linear(input(1)?, bias()?)?,
        Op::Conv { stride, padding } => {
            let (s, p) = (stride as i64, padding as i64);
            x.f_conv2d(input(1)?, bias()?, s, p, 1, 1)?
        }
        Op::ConvTranspose { stride, padding } => {
            let (s, p) = (stride as i64, padding as i64);
            x.f_conv_transpose2d(input(1)?, bias()?, s, p, 0, 1, 1)?
        }
        Op::Relu => x.f_relu()?,
        // tch binds leaky ReLU only with slope 0.01.
        Op::LeakyRelu { alpha } => {
            let below = x.f_clamp_max(0.0)?.f_mul_scalar(f64::from(alpha))?;
            x.f_clamp_min(0.0)?.f_add(&below)?
        }
        Op::Sigmoid => x.f_sigmoid()?,
        Op::Tanh => x.f_tanh()?,
        Op::Softplus => x.f_softplus()?,
        Op::Clip => x.f_clamp_tensor(Some(input(1)?), Some(input(2)?))?,
        Op::Add => x.f_add(input(1)?)?,
        Op::Sub => x.f_sub(input(1)?)?,
        Op::Mul => x.f_mul(input(1)?)?,
        Op::ReduceMax => x.f_amax(integers(1)?, false)?,
        Op::ReduceSum => x.f_sum_dim_intlist(integers(1)?, false, tch::Kind::Float)?,
        Op::Concat { axis } => {
            let parts = (0..node.inputs.len()).map(input).collect::<Result<Vec<_>, _>>()?;
            Tensor::f_cat(&parts, axis as i64)?
        }
        Op::Reshape => match integers(1)? {
            // A recorded shape must not contain the size of the batch.
            [0, sizes @ ..] if sizes.iter().all(|&size| size > 0) => {
                x.f_reshape([&[-1], sizes].concat())?
            }
            _ => return Err(ExportError::Unsupported("a Reshape of the batch".to_owned())),
        },
        Op::Transpose { ref perm } => {
            let perm: Vec<i64> = perm.iter().map(|&axis| axis as i64).collect();
            x.f_permute(perm.as_slice())?
        }
        Op::DepthToSpace { blocksize } => x.f_pixel_shuffle(blocksize as i64)?,
        // The order of the channels is that of libtorch only for one channel.
        Op::SpaceToDepth { blocksize } if x.size().get(1) == Some(&1) => {
            x.f_pixel_unshuffle(blocksize as i64)?
        }
        Op::SpaceToDepth { .. } => {
            return Err(ExportError::Unsupported("SpaceToDepth of several channels".to_owned()));
        }
        Op::BatchNormalization { epsilon } => {
            let (scale, bias) = (input(1)?, input(2)?);
            let (mean, variance) = (Some(input(3)?), Some(input(4)?));
            let (training, momentum, epsilon) = (false, 0.0, f64::from(epsilon));
            x.f_batch_norm(
                Some(scale),
                Some(bias),
                mean,
                variance,
                training,
                momentum,
                epsilon,
                false,
            )?
        }
        Op::OneHot => {
            let depth = integers(1)?.first().copied().unwrap_or_default();
            let hot = x.f_one_hot(depth)?.f_to_kind(tch::Kind::Float)?;
            let (off, on) = (input(2)?.f_get(0)?, input(2)?.f_get(1)?);
            hot.f_mul(&on.f_sub(&off)?)?.f_add(&off)?
        }
    })
}
