//! The type of an operator's output, from those of its inputs.

use crate::graph::{Data, Dim, Kind, Tensor};
use crate::op::Op;

/// Largest number of values for each image; the networks of this project need a
/// thousandth of it.
const MAX_VALUES: usize = 1 << 28;

/// The type of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    pub kind: Kind,
    pub shape: Vec<Dim>,
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let dims = self.shape.iter().map(|dim| match dim {
            Dim::Batch => "batch".to_owned(),
            Dim::Size(size) => size.to_string(),
        });
        write!(f, "{:?} [{}]", self.kind, dims.collect::<Vec<_>>().join(", "))
    }
}

/// An input of a node.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    pub ty: &'a Type,
    /// The tensor of the graph, if it is one.
    pub constant: Option<&'a Tensor>,
}

/// The type of the output of `op`, or the rule that the inputs break.
pub fn output_type(op: &Op, inputs: &[Operand]) -> Result<Type, String> {
    let counts = match op {
        Op::Gemm | Op::Conv { .. } | Op::ConvTranspose { .. } => 2..=3,
        Op::Clip | Op::OneHot => 3..=3,
        Op::Add | Op::Sub | Op::Mul | Op::ReduceMax | Op::ReduceSum | Op::Reshape => 2..=2,
        Op::Concat { .. } => 1..=usize::MAX,
        Op::BatchNormalization { .. } => 5..=5,
        _ => 1..=1,
    };
    if !counts.contains(&inputs.len()) {
        return Err(format!("{} has {} inputs", op.name(), inputs.len()));
    }
    let integer_inputs: &[usize] = match op {
        Op::ReduceMax | Op::ReduceSum | Op::Reshape => &[1],
        Op::OneHot => &[0, 1],
        _ => &[],
    };
    for (i, input) in inputs.iter().enumerate() {
        let expected = if integer_inputs.contains(&i) { Kind::I64 } else { Kind::F32 };
        if input.ty.kind != expected {
            return Err(format!("input {i} of {} is not {expected:?}", op.name()));
        }
    }
    // Axes, a shape or a depth.
    let integers = match inputs.get(1).and_then(|input| input.constant).map(|tensor| &tensor.data) {
        Some(Data::I64(values)) => values.as_slice(),
        _ if integer_inputs.contains(&1) => {
            return Err(format!("input 1 of {} must be an i64 tensor of the graph", op.name()));
        }
        _ => &[],
    };
    let shapes: Vec<&[Dim]> = inputs.iter().map(|input| input.ty.shape.as_slice()).collect();
    let shape = shape(op, &shapes, integers).ok_or_else(|| {
        let shapes: Vec<_> = inputs.iter().map(|input| input.ty.to_string()).collect();
        format!("{} does not accept {}", op.name(), shapes.join(", "))
    })?;
    // The product without the batch; an overflow counts as too large.
    let mut sizes = shape.iter().filter_map(|dim| match dim {
        Dim::Batch => None,
        Dim::Size(size) => Some(*size),
    });
    let values = sizes.try_fold(1usize, usize::checked_mul);
    if values.is_none_or(|values| values > MAX_VALUES) {
        return Err(format!("the output of {} is too large", op.name()));
    }
    Ok(Type { kind: Kind::F32, shape })
}

/// The shape of the output, or `None` if those of the inputs do not fit. `integers` are the values
/// of the second input, if it is an i64 tensor of the graph.
fn shape(op: &Op, shapes: &[&[Dim]], integers: &[i64]) -> Option<Vec<Dim>> {
    use Dim::Size;
    let bias = |outputs: usize| shapes.get(2).is_none_or(|bias| **bias == [Size(outputs)]);
    match (op, shapes) {
        (Op::Gemm, [[n, Size(i)], [Size(o), Size(k)], ..]) if i == k && bias(*o) => {
            Some(vec![*n, Size(*o)])
        }
        (
            Op::Conv { stride, padding },
            [[n, Size(i), Size(h), Size(w)], [Size(o), Size(c), Size(k), Size(l)], ..],
        ) if i == c && k == l && bias(*o) => {
            let side = |size: &usize| {
                let padded = padding.checked_mul(2)?.checked_add(*size)?;
                padded.checked_sub(*k)?.checked_div(*stride).map(|size| Size(size + 1))
            };
            Some(vec![*n, Size(*o), side(h)?, side(w)?])
        }
        (
            Op::ConvTranspose { stride, padding },
            [[n, Size(i), Size(h), Size(w)], [Size(c), Size(o), Size(k), Size(l)], ..],
        ) if i == c && k == l && *stride > 0 && bias(*o) => {
            let side = |size: &usize| {
                let spread = size.checked_sub(1)?.checked_mul(*stride)?.checked_add(*k)?;
                spread.checked_sub(padding.checked_mul(2)?).map(Size)
            };
            Some(vec![*n, Size(*o), side(h)?, side(w)?])
        }
        (Op::Relu | Op::LeakyRelu { .. } | Op::Sigmoid | Op::Tanh | Op::Softplus, [x])
        | (Op::Clip, [x, [], []]) => Some(x.to_vec()),
        (Op::Add | Op::Sub | Op::Mul, [a, b]) => broadcast(a, b),
        (Op::ReduceMax | Op::ReduceSum, [x, _]) => {
            let kept = x.iter().enumerate().filter(|(i, _)| !integers.contains(&(*i as i64)));
            let kept: Vec<Dim> = kept.map(|(_, dim)| *dim).collect();
            // Every axis must exist and be named once.
            (kept.len() + integers.len() == x.len()).then_some(kept)
        }
        (Op::Concat { axis }, shapes) => concat(shapes, *axis),
        (Op::Reshape, [x, _]) => reshape(x, integers),
        (Op::Transpose { perm }, [x]) => {
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            let permutes = sorted.into_iter().eq(0..x.len());
            permutes.then(|| perm.iter().map(|&axis| x[axis]).collect())
        }
        (Op::DepthToSpace { blocksize: b }, [[n, Size(c), Size(h), Size(w)]]) => {
            let area = b.checked_mul(*b).filter(|area| *area > 0 && c.is_multiple_of(*area))?;
            Some(vec![*n, Size(c / area), Size(h.checked_mul(*b)?), Size(w.checked_mul(*b)?)])
        }
        (Op::SpaceToDepth { blocksize: b }, [[n, Size(c), Size(h), Size(w)]])
            if *b > 0 && h.is_multiple_of(*b) && w.is_multiple_of(*b) =>
        {
            let channels = c.checked_mul(b.checked_mul(*b)?)?;
            Some(vec![*n, Size(channels), Size(h / b), Size(w / b)])
        }
        (Op::BatchNormalization { .. }, [x @ [_, channels, ..], rest @ ..])
            if rest.iter().all(|s| **s == [*channels]) =>
        {
            Some(x.to_vec())
        }
        (Op::OneHot, [[n], [], [Size(2)]]) => {
            Some(vec![*n, Size(usize::try_from(*integers.first()?).ok()?)])
        }
        _ => None,
    }
}

fn broadcast(a: &[Dim], b: &[Dim]) -> Option<Vec<Dim>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[Dim], axis: usize| {
        let missing = rank - shape.len();
        axis.checked_sub(missing).map_or(Dim::Size(1), |axis| shape[axis])
    };
    let joined = (0..rank).map(|axis| match (dim(a, axis), dim(b, axis)) {
        (Dim::Size(1), other) | (other, Dim::Size(1)) => Some(other),
        (one, other) => (one == other).then_some(one),
    });
    joined.collect()
}

fn concat(shapes: &[&[Dim]], axis: usize) -> Option<Vec<Dim>> {
    let mut joined = shapes[0].to_vec();
    let mut total = 0usize;
    for shape in shapes {
        let Dim::Size(size) = shape.get(axis)? else { return None };
        total = total.checked_add(*size)?;
        let same = shape.iter().zip(&joined).enumerate().all(|(i, (a, b))| i == axis || a == b);
        if shape.len() != joined.len() || !same {
            return None;
        }
    }
    joined[axis] = Dim::Size(total);
    Some(joined)
}

/// The shape that `target` means for `x`. The batch must stay the first axis.
fn reshape(x: &[Dim], target: &[i64]) -> Option<Vec<Dim>> {
    let size = |dim: &Dim| match dim {
        Dim::Batch => 1,
        Dim::Size(size) => *size,
    };
    let product = |dims: &[Dim]| dims.iter().try_fold(1usize, |p, dim| p.checked_mul(size(dim)));
    let rest = target.iter().position(|&length| length == -1);
    let dims = target.iter().enumerate().map(|(i, &length)| match length {
        -1 => Some(Dim::Size(1)),
        0 => x.get(i).copied(),
        _ => usize::try_from(length).ok().map(Dim::Size),
    });
    let mut dims = dims.collect::<Option<Vec<Dim>>>()?;
    let (before, after) = (product(x)?, product(&dims)?);
    if let Some(rest) = rest {
        dims[rest] = Dim::Size(before.checked_div(after)?);
    }
    let batches = |dims: &[Dim]| dims.iter().filter(|dim| **dim == Dim::Batch).count();
    let same = product(&dims)? == before && batches(&dims) == batches(x);
    // At most one length may be -1.
    (same && target.iter().filter(|&&length| length == -1).count() <= 1).then_some(dims)
}
