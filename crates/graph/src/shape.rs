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
    /// The values, if it is a tensor of the graph.
    pub constant: Option<&'a Tensor>,
}

impl Operand<'_> {
    fn integers(&self) -> Result<&[i64], String> {
        match self.constant.map(|tensor| &tensor.data) {
            Some(Data::I64(values)) => Ok(values),
            _ => Err("an input that must be an i64 tensor of the graph is not one".to_owned()),
        }
    }
}

/// The type of the output of `op`, or the rule that the inputs break.
pub fn infer(op: &Op, inputs: &[Operand]) -> Result<Type, String> {
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
    let shapes: Vec<&[Dim]> = inputs.iter().map(|input| input.ty.shape.as_slice()).collect();
    let shape = shape(op, inputs, &shapes)?;
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

fn shape(op: &Op, inputs: &[Operand], shapes: &[&[Dim]]) -> Result<Vec<Dim>, String> {
    use Dim::Size;
    let mismatch = || {
        let shapes: Vec<_> = inputs.iter().map(|input| input.ty.to_string()).collect();
        format!("{} does not accept {}", op.name(), shapes.join(", "))
    };
    let bias = |outputs: usize| match shapes.get(2) {
        Some(bias) => *bias == [Size(outputs)],
        None => true,
    };
    match op {
        Op::Gemm => match *shapes {
            [[n, Size(i)], [Size(o), Size(k)], ..] if i == k && bias(*o) => Ok(vec![*n, Size(*o)]),
            _ => Err(mismatch()),
        },
        Op::Conv { stride, padding } => match *shapes {
            [[n, Size(i), Size(h), Size(w)], [Size(o), Size(c), Size(k), Size(l)], ..]
                if i == c && k == l && bias(*o) =>
            {
                let side = |size: &usize| {
                    let padded = padding.checked_mul(2)?.checked_add(*size)?;
                    padded.checked_sub(*k)?.checked_div(*stride).map(|size| Size(size + 1))
                };
                let sides = side(h).zip(side(w)).ok_or_else(mismatch)?;
                Ok(vec![*n, Size(*o), sides.0, sides.1])
            }
            _ => Err(mismatch()),
        },
        Op::ConvTranspose { stride, padding } => match *shapes {
            [[n, Size(i), Size(h), Size(w)], [Size(c), Size(o), Size(k), Size(l)], ..]
                if i == c && k == l && *stride > 0 && bias(*o) =>
            {
                let side = |size: &usize| {
                    let spread = size.checked_sub(1)?.checked_mul(*stride)?.checked_add(*k)?;
                    spread.checked_sub(padding.checked_mul(2)?).map(Size)
                };
                let sides = side(h).zip(side(w)).ok_or_else(mismatch)?;
                Ok(vec![*n, Size(*o), sides.0, sides.1])
            }
            _ => Err(mismatch()),
        },
        Op::Relu | Op::LeakyRelu { .. } | Op::Sigmoid | Op::Tanh | Op::Softplus => {
            Ok(shapes[0].to_vec())
        }
        Op::Clip => match *shapes {
            [x, [], []] => Ok(x.to_vec()),
            _ => Err(mismatch()),
        },
        Op::Add | Op::Sub | Op::Mul => broadcast(shapes[0], shapes[1]).ok_or_else(mismatch),
        Op::ReduceMax | Op::ReduceSum => {
            let axes = inputs[1].integers()?;
            let kept = shapes[0].iter().enumerate().filter(|(i, _)| !axes.contains(&(*i as i64)));
            let kept: Vec<Dim> = kept.map(|(_, dim)| *dim).collect();
            // Every axis must exist and be named once.
            match kept.len() + axes.len() == shapes[0].len() {
                true => Ok(kept),
                false => Err(mismatch()),
            }
        }
        Op::Concat { axis } => concat(shapes, *axis).ok_or_else(mismatch),
        Op::Reshape => reshape(shapes[0], inputs[1].integers()?).ok_or_else(mismatch),
        Op::Transpose { perm } => {
            let mut sorted = perm.clone();
            sorted.sort_unstable();
            match sorted.into_iter().eq(0..shapes[0].len()) {
                true => Ok(perm.iter().map(|&axis| shapes[0][axis]).collect()),
                false => Err(mismatch()),
            }
        }
        Op::DepthToSpace { blocksize: b } => match *shapes[0] {
            [n, Size(c), Size(h), Size(w)] => {
                let area = b.checked_mul(*b).filter(|area| *area > 0 && c.is_multiple_of(*area));
                let sides = h.checked_mul(*b).zip(w.checked_mul(*b));
                let (area, (h, w)) = area.zip(sides).ok_or_else(mismatch)?;
                Ok(vec![n, Size(c / area), Size(h), Size(w)])
            }
            _ => Err(mismatch()),
        },
        Op::SpaceToDepth { blocksize: b } => match *shapes[0] {
            [n, Size(c), Size(h), Size(w)]
                if *b > 0 && h.is_multiple_of(*b) && w.is_multiple_of(*b) =>
            {
                let channels = b.checked_mul(*b).and_then(|area| c.checked_mul(area));
                Ok(vec![n, Size(channels.ok_or_else(mismatch)?), Size(h / b), Size(w / b)])
            }
            _ => Err(mismatch()),
        },
        Op::BatchNormalization { .. } => match shapes {
            [x @ [_, channels, ..], rest @ ..] if rest.iter().all(|s| **s == [*channels]) => {
                Ok(x.to_vec())
            }
            _ => Err(mismatch()),
        },
        Op::OneHot => match *shapes {
            [[n], [], [Size(2)]] => {
                let depth = inputs[1].integers()?.first().map(|&depth| usize::try_from(depth));
                match depth {
                    Some(Ok(depth)) => Ok(vec![*n, Size(depth)]),
                    _ => Err(mismatch()),
                }
            }
            _ => Err(mismatch()),
        },
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
    // -1 may stand once.
    (same && target.iter().filter(|&&length| length == -1).count() <= 1).then_some(dims)
}
