//! Elements of an array, and their types.

use std::fmt;
use std::io::{self, Write};

/// Defines [`IdxData`] and [`ElementType`] from one table.
macro_rules! element_types {
    ($($variant:ident, $type:ident, $code:literal, $doc:literal;)*) => {
        /// The elements of an [`Idx`](crate::Idx).
        #[derive(Debug, Clone, PartialEq)]
        pub enum IdxData {
            $(#[doc = $doc] $variant(Vec<$type>),)*
        }

        /// The type of the elements of an [`Idx`](crate::Idx).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ElementType {
            $(#[doc = concat!($doc, " Code ", stringify!($code), ".")] $variant = $code,)*
        }

        impl IdxData {
            /// The number of elements.
            pub fn len(&self) -> usize {
                match self {
                    $(IdxData::$variant(elements) => elements.len(),)*
                }
            }

            /// The type of the elements.
            pub fn element_type(&self) -> ElementType {
                match self {
                    $(IdxData::$variant(_) => ElementType::$variant,)*
                }
            }

            /// Decodes big-endian bytes.
            pub(crate) fn decode(element: ElementType, bytes: Vec<u8>) -> IdxData {
                if element == ElementType::U8 {
                    return IdxData::U8(bytes);
                }
                match element {
                    $(ElementType::$variant => {
                        let (elements, _) = bytes.as_chunks();
                        let elements = elements.iter().map(|e| $type::from_be_bytes(*e));
                        IdxData::$variant(elements.collect())
                    })*
                }
            }

            /// Writes the elements as big-endian bytes.
            pub(crate) fn encode(&self, mut writer: impl Write) -> io::Result<()> {
                if let IdxData::U8(bytes) = self {
                    return writer.write_all(bytes);
                }
                match self {
                    $(IdxData::$variant(v) => encode_each(writer, v, $type::to_be_bytes),)*
                }
            }
        }

        impl ElementType {
            /// Returns the type for the third byte of a file.
            pub fn from_code(code: u8) -> Option<ElementType> {
                match code {
                    $($code => Some(ElementType::$variant),)*
                    _ => None,
                }
            }

            /// Bytes per element.
            pub fn bytes(self) -> usize {
                match self {
                    $(ElementType::$variant => size_of::<$type>(),)*
                }
            }
        }

        impl fmt::Display for ElementType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(ElementType::$variant => stringify!($type),)*
                })
            }
        }
    };
}

element_types! {
    U8, u8, 0x08, "Unsigned bytes.";
    I8, i8, 0x09, "Signed bytes.";
    I16, i16, 0x0B, "16-bit signed integers.";
    I32, i32, 0x0C, "32-bit signed integers.";
    F32, f32, 0x0D, "32-bit floating-point numbers.";
    F64, f64, 0x0E, "64-bit floating-point numbers.";
}

impl IdxData {
    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn encode_each<T: Copy, const N: usize>(
    mut writer: impl Write,
    elements: &[T],
    encode: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    for chunk in elements.chunks(8192) {
        let bytes: Vec<[u8; N]> = chunk.iter().map(|&element| encode(element)).collect();
        writer.write_all(bytes.as_flattened())?;
    }
    Ok(())
}
