//! Parameters: initial values, memory layout, gradients.

use gan_models::layers::channels_last;
use gan_models::{Init, ParamLayout};
use tch::{Device, Kind, Tensor};

use crate::{CPU, lock_rng, values};

#[test]
fn initial_values_follow_their_distribution() {
    let _rng = lock_rng();
    tch::manual_seed(3);
    let mut layout = ParamLayout::new();
    let bound = 0.3;
    layout.add("constant", &[7], Init::Constant(2.5));
    layout.add("normal", &[200, 200], Init::normal(0.02));
    layout.add("shifted", &[200, 200], Init::Normal { mean: 1.0, std: 0.02 });
    layout.add("uniform", &[200, 200], Init::Uniform { bound });
    let flat = layout.init(Device::Cpu);
    let weights = layout.weights(&flat);
    let [constant, normal, shifted, uniform] = weights.tensors() else {
        panic!("four parameters");
    };
    assert_eq!(values(constant), [2.5; 7]);
    let std = |x: &Tensor| x.std(true).double_value(&[]);
    let mean = |x: &Tensor| x.mean(Kind::Double).double_value(&[]);
    assert!((std(normal) - 0.02).abs() < 0.0005);
    assert!(mean(normal).abs() < 0.0005);
    assert!((std(shifted) - 0.02).abs() < 0.0005);
    assert!((mean(shifted) - 1.0).abs() < 0.0005);
    // The standard deviation of a uniform distribution is its width / √12.
    assert!((std(uniform) - 2.0 * bound / 12f64.sqrt()).abs() < 0.003);
    assert!(values(uniform).iter().all(|x| x.abs() <= bound));
}

#[test]
fn named_initializations_match_their_formulas() {
    assert_eq!(Init::glorot_uniform(2, 4), Init::Uniform { bound: 1.0 });
    assert_eq!(Init::torch_default(16), Init::Uniform { bound: 0.25 });
    assert_eq!(Init::glorot_normal(3, 5), Init::normal(0.5));
    let Init::Normal { mean, std } = Init::he_normal(8, 2f64.sqrt()) else {
        panic!("normal");
    };
    assert!(mean == 0.0 && (std - 0.5).abs() < 1e-12);
}

/// The flat gradient has the order of the flat values, also in kernels. Otherwise the
/// optimizer would update the wrong weights.
#[test]
fn flat_gradients_have_the_order_of_the_values() {
    let mut layout = ParamLayout::new();
    layout.add("dense", &[2, 3], Init::Constant(0.0));
    layout.add("kernel", &[2, 3, 4, 5], Init::Constant(0.0));
    layout.add("untouched", &[2], Init::Constant(0.0));
    let flat = Tensor::arange(layout.numel(), CPU);
    let leaves = layout.leaves(&flat, Kind::Float);
    let (dense, kernel) = (&leaves.tensors()[0], &leaves.tensors()[1]);
    // d/dx of Σ x²/2 is x itself.
    let loss = ((dense * dense).sum(Kind::Float) + (kernel * kernel).sum(Kind::Float)) / 2.0;
    let mut gradients = Tensor::run_backward(&[loss], &[dense, kernel], false, false);
    gradients.push(Tensor::new());
    let grads = values(&layout.flatten(&gradients, Device::Cpu));
    let mut expected = values(&flat);
    let n = expected.len();
    expected[n - 2..].fill(0.0);
    assert_eq!(grads, expected);
}

#[test]
fn kernels_are_channels_last_in_memory() {
    let _rng = lock_rng();
    let mut layout = ParamLayout::new();
    layout.add("kernel", &[2, 3, 4, 5], Init::Constant(0.0));
    let weights = layout.weights(&layout.init(Device::Cpu));
    assert_eq!(weights.tensors()[0].stride(), [60, 1, 15, 3]);
    let x = channels_last(&Tensor::zeros([2, 3, 4, 5], CPU));
    assert_eq!(x.size(), [2, 3, 4, 5]);
    assert_eq!(x.stride(), [60, 1, 15, 3]);
}

#[test]
fn given_initial_values_are_row_major() {
    let _rng = lock_rng();
    let given: Vec<f32> = (0u8..24).map(f32::from).collect();
    for shape in [&[24][..], &[4, 6], &[1, 2, 3, 4]] {
        let mut layout = ParamLayout::new();
        layout.add("before", &[5], Init::Constant(7.0));
        let id = layout.add("given", shape, Init::Values(given.clone()));
        let weights = layout.weights(&layout.init(Device::Cpu));
        let expected: Vec<f64> = given.iter().copied().map(f64::from).collect();
        assert_eq!(values(weights.get(id)), expected);
        assert_eq!(values(&weights.tensors()[0]), [7.0; 5]);
    }
}

#[test]
#[should_panic(expected = "initial values of given")]
fn rejects_too_few_initial_values() {
    ParamLayout::new().add("given", &[3], Init::Values(vec![1.0, 2.0]));
}

#[test]
#[should_panic(expected = "two parameters are called dense")]
fn rejects_a_duplicate_name() {
    let mut layout = ParamLayout::new();
    layout.add("dense", &[3], Init::Constant(0.0));
    layout.add("dense", &[2], Init::Constant(0.0));
}

#[test]
#[should_panic(expected = "shape of the parameter buffer")]
fn rejects_a_longer_buffer() {
    let mut layout = ParamLayout::new();
    layout.add("dense", &[3], Init::Constant(0.0));
    let _ = layout.weights(&Tensor::zeros([4], CPU));
}
