//! Networks and their parts, each against an oracle.

#![allow(clippy::unwrap_used, clippy::panic)]

mod classifier;
mod definitions;
mod encoding;
mod layers;
mod networks;
mod params;
mod pixels;
mod systems;

use gan_models::{Layout, Weights};
use tch::{Device, Kind, Tensor};

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);
const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

/// libtorch's generator is one per process, so what draws from it takes turns.
fn take_turns() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

/// The greatest distance between two tensors' values.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}

/// The parameter of that name.
fn named<'w>(layout: &Layout, weights: &'w Weights, name: &str) -> &'w Tensor {
    let at = layout.params().iter().position(|p| p.name == name);
    &weights.tensors()[at.unwrap()]
}
