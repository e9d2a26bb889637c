//! The range of pixel values inside a network, and the way from and to bytes.

use tch::{Kind, Tensor};

/// The range that a generator ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelRange {
    /// `[0, 1]`, a sigmoid's.
    Unit,
    /// `[-1, 1]`, a hyperbolic tangent's.
    Symmetric,
}

impl PixelRange {
    /// Bytes, u8 of any shape, to values of `kind` in this range.
    pub fn from_bytes(self, bytes: &Tensor, kind: Kind) -> Tensor {
        let x = bytes.to_kind(Kind::Float);
        match self {
            PixelRange::Unit => x / 255.0,
            PixelRange::Symmetric => x / 127.5 - 1.0,
        }
        .to_kind(kind)
    }

    /// Values in this range to u8 of the same shape, rounded to the nearest;
    /// values outside the range are clamped, NaN becomes 0.
    pub fn to_bytes(self, values: &Tensor) -> Tensor {
        let x = values.to_kind(Kind::Float).nan_to_num(-1.0, 1.0, -1.0);
        match self {
            PixelRange::Unit => x * 255.0,
            PixelRange::Symmetric => (x + 1.0) * 127.5,
        }
        .clamp(0.0, 255.0)
        .round()
        .to_kind(Kind::Uint8)
    }
}
