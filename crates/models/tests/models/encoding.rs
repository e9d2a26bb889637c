//! Parameters in safetensors files: round trips, and an error for each broken rule.

use gan_models::{Init, ParamLayout, WeightsError};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use tch::{Device, Kind, Tensor};

use crate::{CPU, lock_rng};

fn layout(params: &[(&str, &[i64])]) -> ParamLayout {
    let mut layout = ParamLayout::new();
    for (name, shape) in params {
        layout.add(*name, shape, Init::normal(1.0));
    }
    layout
}

fn kernel_and_bias() -> ParamLayout {
    layout(&[("kernel", &[2, 3, 4, 5]), ("bias", &[2])])
}

#[test]
fn parameters_survive_encoding_and_decoding_bit_for_bit() {
    let _rng = lock_rng();
    tch::manual_seed(1);
    let layout = kernel_and_bias();
    let flat = layout.init(Device::Cpu);
    let bytes = layout.to_safetensors(&flat).unwrap();
    assert_eq!(bytes, layout.to_safetensors(&flat).unwrap());
    assert!(layout.read_safetensors(&bytes).unwrap().equal(&flat));
}

/// Kernels are channels-last in the buffer and row-major in the file.
#[test]
fn values_are_row_major_in_the_file() {
    let layout = kernel_and_bias();
    let flat = Tensor::arange(layout.numel(), CPU);
    let bytes = layout.to_safetensors(&flat).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor("kernel").unwrap();
    assert_eq!((view.dtype(), view.shape()), (Dtype::F32, &[2, 3, 4, 5][..]));
    let read = Tensor::from_data_size(view.data(), &[2, 3, 4, 5], Kind::Float);
    assert!(read.equal(&layout.weights(&flat).tensors()[0]));
}

#[test]
fn rejects_other_tensors_with_the_broken_rule() {
    let _rng = lock_rng();
    let layout = kernel_and_bias();
    let encode = |params: &[(&str, &[i64])]| {
        let other = self::layout(params);
        other.to_safetensors(&other.init(Device::Cpu)).unwrap()
    };
    let reject = |bytes: &[u8]| layout.read_safetensors(bytes).unwrap_err();

    let error = reject(&encode(&[("kernel", &[2, 3, 4, 5])]));
    assert!(matches!(error, WeightsError::Count { found: 1, expected: 2 }));
    let error = reject(&encode(&[("kernel", &[2, 3, 4, 5]), ("offset", &[2])]));
    assert!(matches!(error, WeightsError::Missing { name } if name == "bias"));
    for shape in [&[2, 3, 5, 4][..], &[2, 60], &[120]] {
        let error = reject(&encode(&[("kernel", shape), ("bias", &[2])]));
        assert!(matches!(&error, WeightsError::Mismatch { name, .. } if name == "kernel"));
        let text = error.to_string();
        assert!(text.contains(&format!("kernel is F32 {shape:?}")), "{text}");
        assert!(text.contains("F32 [2, 3, 4, 5]"), "{text}");
    }
    // The same names and shapes with another type of the same size.
    let whole = encode(&[("kernel", &[2, 3, 4, 5]), ("bias", &[2])]);
    let as_integers: Vec<u8> = String::from_utf8_lossy(&whole[8..])
        .split_once("}}")
        .map(|(header, _)| header.replace("F32", "I32"))
        .map(|header| [&whole[..8], header.as_bytes(), &whole[8 + header.len()..]].concat())
        .unwrap();
    let error = reject(&as_integers);
    assert!(matches!(error, WeightsError::Mismatch { dtype: Dtype::I32, .. }));
}

#[test]
fn rejects_a_file_cut_short_anywhere() {
    let _rng = lock_rng();
    let layout = kernel_and_bias();
    let whole = layout.to_safetensors(&layout.init(Device::Cpu)).unwrap();
    for length in 0..whole.len() {
        let error = layout.read_safetensors(&whole[..length]).unwrap_err();
        assert!(matches!(error, WeightsError::Malformed(_)), "{length}");
    }
}

/// bf16 would give half the bytes.
#[test]
fn rejects_a_buffer_of_another_kind_or_shape() {
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

#[test]
fn one_file_holds_several_networks_under_prefixes() {
    let _rng = lock_rng();
    let (first, second) = (kernel_and_bias(), layout(&[("bias", &[3])]));
    let (a, b) = (first.init(Device::Cpu), second.init(Device::Cpu));
    let mut tensors = first.named_tensors("a.", &a).unwrap();
    assert_eq!(tensors[0].0, "a.kernel");
    assert_eq!(tensors[0].1, [2, 3, 4, 5]);
    tensors.extend(second.named_tensors("b.", &b).unwrap());
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name, view)
    });
    let bytes = serialize(views, None).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert!(first.read_tensors("a.", &file).unwrap().equal(&a));
    assert!(second.read_tensors("b.", &file).unwrap().equal(&b));
    let error = first.read_tensors("b.", &file).unwrap_err();
    assert!(matches!(error, WeightsError::Count { found: 1, expected: 2 }));
    let error = layout(&[("weight", &[3])]).read_tensors("b.", &file).unwrap_err();
    assert!(matches!(error, WeightsError::Missing { name } if name == "b.weight"));
    let error = layout(&[("bias", &[4])]).read_tensors("b.", &file).unwrap_err();
    assert!(matches!(error, WeightsError::Mismatch { name, .. } if name == "b.bias"));
}
