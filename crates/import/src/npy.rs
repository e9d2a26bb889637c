//! NumPy's `.npy` format, versions 1 to 3: a header, and elements of any number type.

use std::io::Read;

use mnist_io::MAX_BYTES;

use crate::error::{Problem, ProblemResult};
use crate::range::NumberKind;

/// The first bytes of every array.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Maximum length of a header.
const MAX_HEADER_BYTES: usize = 1 << 16;

/// The header, for example
/// `{'descr': '|u1', 'fortran_order': False, 'shape': (9, 28, 28), }`.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub dtype: Dtype,
    fortran: bool,
    pub shape: Vec<usize>,
}

/// The type of the elements.
#[derive(Debug, Clone)]
pub(crate) struct Dtype {
    /// NumPy's name: `<f4`.
    pub name: String,
    big_endian: bool,
    kind: u8,
    bytes: usize,
}

impl Header {
    /// Reads the header.
    pub fn read(reader: &mut dyn Read) -> ProblemResult<Header> {
        let mut exactly = |length: usize| {
            let mut bytes = Vec::new();
            (&mut *reader).take(length as u64).read_to_end(&mut bytes)?;
            match bytes.len() == length {
                true => Ok(bytes),
                false => Err(Problem::Header("the file ends inside it")),
            }
        };
        if exactly(MAGIC.len())? != MAGIC {
            return Err(Problem::Header("it does not begin as one"));
        }
        let length = match exactly(2)?[0] {
            1 => exactly(2)?,
            2 | 3 => exactly(4)?,
            _ => return Err(Problem::Header("its version is unknown")),
        };
        let length = length.iter().rev().fold(0, |sum, &b| sum << 8 | usize::from(b));
        if length > MAX_HEADER_BYTES {
            return Err(Problem::Header("it is too long"));
        }
        let text = String::from_utf8(exactly(length)?);
        Header::parse(&text.map_err(|_| Problem::Header("it is not text"))?.replace('"', "'"))
    }

    fn parse(text: &str) -> ProblemResult<Header> {
        let value = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}'"))?;
            Some(rest.trim_start().strip_prefix(':')?.trim_start())
        };
        let descr = value("descr").ok_or(Problem::Header("it names no type"))?;
        let name = match descr.strip_prefix('\'').and_then(|v| v.split_once('\'')) {
            Some((name, _)) => name,
            None if descr.starts_with('[') => "[records]",
            None => return Err(Problem::Header("it names no type")),
        };
        let fortran = value("fortran_order").and_then(|v| {
            let no = v.starts_with("False");
            (no || v.starts_with("True")).then_some(!no)
        });
        let shape = value("shape").and_then(|v| {
            let (sizes, _) = v.strip_prefix('(')?.split_once(')')?;
            let sizes = sizes.split(',').map(str::trim).filter(|s| !s.is_empty());
            sizes.map(|s| s.parse().ok()).collect()
        });
        Ok(Header {
            dtype: Dtype::parse(name)?,
            fortran: fortran.ok_or(Problem::Header("it names no order"))?,
            shape: shape.ok_or(Problem::Header("it names no shape"))?,
        })
    }

    /// Reads the data behind the header and calls `visit` with every element of the first
    /// axis, in order.
    pub fn read_items(
        &self,
        reader: &mut dyn Read,
        visit: &mut dyn FnMut(usize, &[f64]) -> ProblemResult<()>,
    ) -> ProblemResult<()> {
        let Some((&items, item_shape)) = self.shape.split_first() else {
            return Err(Problem::NotImages(Vec::new()));
        };
        let too_large = || Problem::TooLarge { shape: self.shape.clone() };
        let length = item_shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        let length = length.ok_or_else(too_large)?;
        let bytes = length.checked_mul(self.dtype.bytes).ok_or_else(too_large)?;
        let total = bytes.checked_mul(items).ok_or_else(too_large)? as u64;
        if self.fortran {
            return self.read_fortran(reader, total, visit);
        }
        let (mut buffer, mut values) = (Vec::new(), Vec::new());
        for item in 0..items {
            buffer.clear();
            (&mut *reader).take(bytes as u64).read_to_end(&mut buffer)?;
            if buffer.len() < bytes {
                let found = item as u64 * bytes as u64 + buffer.len() as u64;
                return Err(Problem::Truncated { expected: total, found });
            }
            values.clear();
            values.extend(buffer.chunks_exact(self.dtype.bytes).map(|e| self.dtype.value(e)));
            visit(item, &values)?;
        }
        self.check_end(reader, total)
    }

    /// In Fortran's order the first index changes fastest, so all data are kept.
    fn read_fortran(
        &self,
        reader: &mut dyn Read,
        total: u64,
        visit: &mut dyn FnMut(usize, &[f64]) -> ProblemResult<()>,
    ) -> ProblemResult<()> {
        if total > MAX_BYTES as u64 {
            return Err(Problem::TooLarge { shape: self.shape.clone() });
        }
        let mut bytes = Vec::new();
        (&mut *reader).take(total).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < total {
            return Err(Problem::Truncated { expected: total, found: bytes.len() as u64 });
        }
        self.check_end(reader, total)?;
        let (items, item_shape) = (self.shape[0], &self.shape[1..]);
        let length = item_shape.iter().product();
        let mut values = Vec::with_capacity(length);
        for item in 0..items {
            values.clear();
            for element in 0..length {
                // The element's indices, the last one first, and its place.
                let (mut rest, mut stride, mut at) = (element, items, item);
                let mut tail = length;
                for &size in item_shape {
                    tail /= size;
                    at += rest / tail * stride;
                    rest %= tail;
                    stride *= size;
                }
                let width = self.dtype.bytes;
                values.push(self.dtype.value(&bytes[at * width..][..width]));
            }
            visit(item, &values)?;
        }
        Ok(())
    }

    fn check_end(&self, reader: &mut dyn Read, expected: u64) -> ProblemResult<()> {
        match reader.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(Problem::Trailing { expected }),
        }
    }
}

impl Dtype {
    fn parse(name: &str) -> ProblemResult<Dtype> {
        let printable: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
        let unknown = || Problem::NotNumbers { dtype: printable.clone() };
        let (order, code) = match name.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), code @ ..] => (*order, code),
            code => (b'|', code),
        };
        let (kind, bytes) = match code {
            [b'b', b'1'] | [b'?'] => (b'b', 1),
            [kind @ (b'u' | b'i'), size @ (b'1' | b'2' | b'4' | b'8')]
            | [kind @ b'f', size @ (b'2' | b'4' | b'8')] => (*kind, usize::from(size - b'0')),
            _ => return Err(unknown()),
        };
        Ok(Dtype { big_endian: order == b'>', kind, bytes, name: printable })
    }

    /// The kind of the elements.
    pub fn number_kind(&self) -> NumberKind {
        match self.kind {
            b'b' => NumberKind::Bits,
            b'f' => NumberKind::Float,
            _ => NumberKind::Whole,
        }
    }

    /// The number in the bytes of one element.
    fn value(&self, element: &[u8]) -> f64 {
        let bits = match self.big_endian {
            true => element.iter().fold(0u64, |sum, &b| sum << 8 | u64::from(b)),
            false => element.iter().rev().fold(0u64, |sum, &b| sum << 8 | u64::from(b)),
        };
        match (self.kind, self.bytes) {
            (b'f', 2) => half::f16::from_bits(bits as u16).to_f64(),
            (b'f', 4) => f64::from(f32::from_bits(bits as u32)),
            (b'f', _) => f64::from_bits(bits),
            (b'i', bytes) => {
                let unused = 64 - 8 * bytes as u32;
                ((bits << unused).cast_signed() >> unused) as f64
            }
            (b'b', _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }
}
