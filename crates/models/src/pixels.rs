//! The range of a network's pixels, and conversion from and to bytes.

use tch::{Kind, Tensor};

/// The range of the pixels that a generator returns and its discriminator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelRange {
    /// `[0, 1]`, the range of a sigmoid.
    Unit,
    /// `[-1, 1]`, the range of a hyperbolic tangent.
    Symmetric,
}

impl PixelRange {
    /// Both ends of the range.
    pub fn limits(self) -> [i64; 2] {
        match self {
            PixelRange::Unit => [0, 1],
            PixelRange::Symmetric => [-1, 1],
        }
    }

    /// Converts bytes, u8 of any shape, to this range in `kind`.
    pub fn from_bytes(self, bytes: &Tensor, kind: Kind) -> Tensor {
        let x = bytes.to_kind(Kind::Float);
        match self {
            PixelRange::Unit => x / 255.0,
            PixelRange::Symmetric => x / 127.5 - 1.0,
        }
        .to_kind(kind)
    }

    /// Converts values of this range to the nearest bytes, u8 of the same shape.
    ///
    /// Values outside the range are clamped; NaN becomes 0.
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
