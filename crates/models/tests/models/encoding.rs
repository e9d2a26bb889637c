//! Parameters as safetensors: what is written comes back, and what does not fit
//! is refused by the rule it breaks.

use gan_models::{Init, Layout, WeightsError};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use tch::{Device, Kind, Tensor};

use crate::{CPU, take_turns};

fn layout(params: &[(&str, &[i64])]) -> Layout {
    let mut layout = Layout::new();
    for (name, shape) in params {
        layout.add(*name, shape, Init::normal(1.0));
    }
    layout
}

fn kernel_and_bias() -> Layout {
    layout(&[("kernel", &[2, 3, 4, 5]), ("bias", &[2])])
}

#[test]
fn what_is_written_comes_back_bit_for_bit() {
    let _turn = take_turns();
    tch::manual_seed(1);
    let layout = kernel_and_bias();
    let flat = layout.init(Device::Cpu);
    let bytes = layout.to_safetensors(&flat).unwrap();
    assert_eq!(bytes, layout.to_safetensors(&flat).unwrap());
    assert!(layout.read_safetensors(&bytes).unwrap().equal(&flat));
}

/// Kernels lie channels-last in the buffer, never in the file.
#[test]
fn values_stand_in_the_order_of_the_shape() {
    let layout = kernel_and_bias();
    let flat = Tensor::arange(layout.numel(), CPU);
    let bytes = layout.to_safetensors(&flat).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("kernel").unwrap();
    assert_eq!(
        (view.dtype(), view.shape()),
        (Dtype::F32, &[2, 3, 4, 5][..])
    );
    let read = Tensor::from_data_size(view.data(), &[2, 3, 4, 5], Kind::Float);
    assert!(read.equal(&layout.weights(&flat).tensors()[0]));
}

#[test]
fn what_does_not_fit_is_refused_by_the_rule_it_breaks() {
    let _turn = take_turns();
    let layout = kernel_and_bias();
    let written = |params: &[(&str, &[i64])]| {
        let other = self::layout(params);
        other.to_safetensors(&other.init(Device::Cpu)).unwrap()
    };
    let refusal = |bytes: &[u8]| layout.read_safetensors(bytes).unwrap_err();

    let error = refusal(&written(&[("kernel", &[2, 3, 4, 5])]));
    assert!(matches!(
        error,
        WeightsError::Count {
            found: 1,
            wanted: 2
        }
    ));
    let error = refusal(&written(&[("kernel", &[2, 3, 4, 5]), ("offset", &[2])]));
    assert!(matches!(error, WeightsError::Missing { name } if name == "bias"));
    for shape in [&[2, 3, 5, 4][..], &[2, 60], &[120]] {
        let error = refusal(&written(&[("kernel", shape), ("bias", &[2])]));
        assert!(matches!(&error, WeightsError::Mismatch { name, .. } if name == "kernel"));
        let text = error.to_string();
        assert!(text.contains(&format!("kernel is F32 {shape:?}")), "{text}");
        assert!(text.contains("F32 [2, 3, 4, 5]"), "{text}");
    }
    // The same shapes and names, as another type of the same size.
    let whole = written(&[("kernel", &[2, 3, 4, 5]), ("bias", &[2])]);
    let as_integers: Vec<u8> = String::from_utf8_lossy(&whole[8..])
        .split_once("}}")
        .map(|(header, _)| header.replace("F32", "I32"))
        .map(|header| [&whole[..8], header.as_bytes(), &whole[8 + header.len()..]].concat())
        .unwrap();
    let error = refusal(&as_integers);
    assert!(matches!(
        error,
        WeightsError::Mismatch {
            dtype: Dtype::I32,
            ..
        }
    ));
}

#[test]
fn bytes_cut_short_anywhere_are_refused() {
    let _turn = take_turns();
    let layout = kernel_and_bias();
    let whole = layout.to_safetensors(&layout.init(Device::Cpu)).unwrap();
    for length in 0..whole.len() {
        let error = layout.read_safetensors(&whole[..length]).unwrap_err();
        assert!(matches!(error, WeightsError::Malformed(_)), "{length}");
    }
}

/// In bf16 half the bytes would be missing, and nobody would notice on reading.
#[test]
fn a_buffer_of_another_kind_or_size_is_not_written() {
    let layout = kernel_and_bias();
    let numel = layout.numel();
    for (kind, shape) in [
        (Kind::BFloat16, &[numel][..]),
        (Kind::Double, &[numel]),
        (Kind::Float, &[numel - 1]),
        (Kind::Float, &[numel + 1]),
        (Kind::Float, &[numel, 1]),
    ] {
        let flat = Tensor::zeros(shape, (kind, Device::Cpu));
        let error = layout.to_safetensors(&flat).unwrap_err();
        assert!(matches!(error, WeightsError::Buffer { .. }), "{error}");
    }
}
