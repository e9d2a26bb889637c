//! The header of a NumPy array.

use std::io::{self, Read};

use super::Reason;

/// The first bytes of every array.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, in bytes.
const LONGEST: usize = 1 << 16;

/// The header in NumPy's format, versions 1 to 3: a Python literal such as
/// `{'descr': '|u1', 'fortran_order': False, 'shape': (9, 28, 28), }`.
pub(super) struct Header {
    pub dtype: String,
    pub fortran: bool,
    pub shape: Vec<u64>,
}

impl Header {
    pub fn read(file: &mut impl Read) -> Result<Header, Reason> {
        let broken = Reason::Header;
        let mut exactly = |length: usize| {
            let mut bytes = vec![0; length];
            match file.read_exact(&mut bytes) {
                Ok(()) => Ok(bytes),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    Err(broken("the file ends inside it"))
                }
                Err(e) => Err(Reason::Io(e)),
            }
        };
        if exactly(MAGIC.len())? != MAGIC {
            return Err(Reason::NotNumpy);
        }
        let major = exactly(2)?[0];
        let length = match major {
            1 => exactly(2)?,
            2 | 3 => exactly(4)?,
            _ => return Err(broken("its version is unknown")),
        };
        let length = length
            .iter()
            .rev()
            .fold(0, |sum, &b| sum << 8 | usize::from(b));
        if length > LONGEST {
            return Err(broken("it is too long"));
        }
        let text = String::from_utf8(exactly(length)?);
        let text = text
            .map_err(|_| broken("it is not text"))?
            .replace('"', "'");
        let value = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}'"))?;
            Some(rest.trim_start().strip_prefix(':')?.trim_start())
        };
        let dtype = value("descr").and_then(|v| {
            // A list describes records.
            let code = v.strip_prefix('\'').and_then(|v| v.split_once('\''));
            code.map(|(code, _)| code)
                .or(v.starts_with('[').then_some("records"))
        });
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
            dtype: dtype.ok_or(broken("no type of numbers"))?.to_owned(),
            fortran: fortran.ok_or(broken("no order"))?,
            shape: shape.ok_or(broken("no shape"))?,
        })
    }
}
