//! Networks and their parts, each against an oracle.

#![allow(clippy::unwrap_used, clippy::panic)]

mod encoding;
mod judge;
mod layers;
mod networks;
mod params;
mod pixels;
mod systems;

use tch::{Device, Kind, Tensor};

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);
const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

/// The greatest distance between two tensors' values.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}
