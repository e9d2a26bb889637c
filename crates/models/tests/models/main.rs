//! Tests of networks and their parts against independent computations.

#![allow(clippy::unwrap_used, clippy::panic)]

mod classifier;
mod definitions;
mod encoding;
mod export;
mod initialization;
mod latent;
mod layers;
mod networks;
mod own_network;
mod params;
mod pixels;

use gan_models::layers::{ForwardContext, Layer};
use gan_models::{Init, Mode, ParamLayout, Weights};
use tch::{Device, Kind, Tensor};

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);
const DOUBLE: (Kind, Device) = (Kind::Double, Device::Cpu);

const TRAIN: ForwardContext = ForwardContext { labels: None, mode: Mode::Train };
const SAMPLE: ForwardContext = ForwardContext { labels: None, mode: Mode::Eval };

/// Computes a layer without parameters in the kind of `x`.
fn apply(layer: impl Layer, x: &Tensor, context: &ForwardContext) -> Tensor {
    let mut layout = ParamLayout::new();
    layout.add("unused", &[1], Init::Constant(0.0));
    let weights = layout.weights(&Tensor::zeros([1], (x.kind(), Device::Cpu)));
    layer.forward(&weights, x, context)
}

/// Locks libtorch's global random number generator for one test.
fn lock_rng() -> std::sync::MutexGuard<'static, ()> {
    static RNG: std::sync::Mutex<()> = std::sync::Mutex::new(());
    RNG.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_kind(Kind::Double).contiguous().view([-1]);
    Vec::<f64>::try_from(&flat).unwrap()
}

/// Maximum absolute difference.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[])
}

/// The parameter called `name`.
fn named<'w>(layout: &ParamLayout, weights: &'w Weights, name: &str) -> &'w Tensor {
    let at = layout.params().iter().position(|p| p.name == name);
    &weights.tensors()[at.unwrap()]
}
