//! Conversion between bytes and pixels.

use gan_models::PixelRange;
use tch::{Device, Kind, Tensor};

use crate::values;

#[test]
fn bytes_survive_conversion_to_pixels_and_back() {
    let bytes = Tensor::arange(256, (Kind::Uint8, Device::Cpu));
    for range in [PixelRange::Unit, PixelRange::Symmetric] {
        for kind in [Kind::Float, Kind::Double] {
            let back = range.to_bytes(&range.from_bytes(&bytes, kind));
            assert!(back.equal(&bytes), "{range:?} {kind:?}");
        }
    }
}

#[test]
fn values_outside_the_range_are_clamped_and_nan_becomes_black() {
    let wild = Tensor::from_slice(&[-7.0f32, 7.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    for range in [PixelRange::Unit, PixelRange::Symmetric] {
        assert_eq!(values(&range.to_bytes(&wild)), [0., 255., 0., 255., 0.]);
    }
}
