//! Reads IDX data; nothing that a header claims is believed before it is seen.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, ErrorKind, Read};
use std::path::Path;

use crate::gzip::{self, Gunzip};
use crate::idx::element_count;
use crate::{ElementType, Error, Idx, IdxData, Result};

/// How much is set aside for data whose length is only a header's claim.
const FIRST_RESERVE: usize = 1 << 20;

impl Idx {
    /// Reads one array, plain or packed with gzip, which is told by the first
    /// two bytes. Memory grows with the bytes that arrive, not with what the
    /// header claims. The reader must end where the data ends.
    ///
    /// # Errors
    /// [`Error::Read`] where the reader fails; one of [`Error::Magic`],
    /// [`Error::UnknownType`], [`Error::Rank`], [`Error::TruncatedHeader`],
    /// [`Error::TruncatedData`], [`Error::TrailingBytes`],
    /// [`Error::TooLarge`], [`Error::GzipCorrupt`], [`Error::GzipTruncated`],
    /// [`Error::GzipTrailing`] where the bytes break that rule.
    pub fn read(reader: impl Read) -> Result<Idx> {
        read(reader, None)
    }

    /// Reads one file, plain or packed with gzip, which is told by its first
    /// two bytes and not by its name.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be opened; otherwise
    /// [`Error::InFile`] around the errors of [`Idx::read`], or around
    /// [`Error::NotGzip`] where a file named `.gz` is neither.
    pub fn read_file(path: &Path) -> Result<Idx> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let info = file.metadata().map_err(Error::io("open", path))?;
        let length = info.is_file().then_some(info.len());
        read(file, length).map_err(|e| explain_name(e, path).in_file(path))
    }
}

/// Gives `visit` the raw bytes of a file, unpacked where it is gzip.
pub(crate) fn raw_file<T>(
    path: &Path,
    visit: impl FnOnce(&mut dyn Read) -> std::io::Result<T>,
) -> Result<T> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    match detect(file) {
        Ok(Source::Plain(mut reader)) => visit(&mut reader).map_err(Error::from),
        Ok(Source::Gzip(mut reader)) => visit(&mut reader).map_err(Error::from),
        Err(e) => Err(e),
    }
    .map_err(|e| e.in_file(path))
}

/// A reader whose first bytes have been looked at and put back.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

enum Source<R: Read> {
    Plain(Peeked<R>),
    Gzip(Box<Gunzip<BufReader<Peeked<R>>>>),
}

fn detect<R: Read>(mut reader: R) -> Result<Source<R>> {
    let mut start = [0; 2];
    let found = fill(&mut reader, &mut start)?;
    let peeked = Cursor::new(start[..found].to_vec()).chain(reader);
    Ok(if found == 2 && start == gzip::MAGIC {
        Source::Gzip(Box::new(Gunzip::new(BufReader::with_capacity(
            64 * 1024,
            peeked,
        ))))
    } else {
        Source::Plain(peeked)
    })
}

/// `length` is the length of the whole source, where it is certain.
fn read(reader: impl Read, length: Option<u64>) -> Result<Idx> {
    match detect(reader)? {
        Source::Plain(mut plain) => {
            let header = Header::read(&mut plain)?;
            if let Some(length) = length {
                header.check_length(length)?;
            }
            header.read_data(plain, length.is_some())
        }
        Source::Gzip(mut gzip) => Header::read(&mut gzip)?.read_data(gzip, false),
    }
}

struct Header {
    element: ElementType,
    shape: Vec<usize>,
    /// Bytes of data that the shape needs.
    bytes: usize,
}

impl Header {
    fn read(reader: &mut impl Read) -> Result<Header> {
        let mut magic = [0; 4];
        let found = fill(reader, &mut magic)?;
        let [zero0, zero1, code, rank] = magic;
        if found >= 2 && [zero0, zero1] != [0, 0] {
            return Err(Error::Magic {
                found: [zero0, zero1],
            });
        }
        if found < magic.len() {
            return Err(Error::TruncatedHeader {
                expected: magic.len(),
                found,
            });
        }
        let element = ElementType::from_code(code).ok_or(Error::UnknownType { code })?;
        if rank == 0 {
            return Err(Error::Rank { rank: 0 });
        }
        let mut sizes = vec![0; 4 * usize::from(rank)];
        let found = fill(reader, &mut sizes)?;
        if found < sizes.len() {
            return Err(Error::TruncatedHeader {
                expected: magic.len() + sizes.len(),
                found: magic.len() + found,
            });
        }
        let (sizes, _) = sizes.as_chunks();
        let shape: Vec<usize> = sizes
            .iter()
            .map(|&size| u32::from_be_bytes(size) as usize)
            .collect();
        let bytes = element_count(&shape).and_then(|count| count.checked_mul(element.bytes()));
        match bytes {
            Some(bytes) => Ok(Header {
                element,
                shape,
                bytes,
            }),
            None => Err(Error::TooLarge { shape }),
        }
    }

    /// Compares a file's length with what the header claims.
    fn check_length(&self, length: u64) -> Result<()> {
        let expected = self.bytes as u64;
        let found = length.saturating_sub(4 + 4 * self.shape.len() as u64);
        if found < expected {
            return Err(Error::TruncatedData {
                shape: self.shape.clone(),
                expected,
                found,
            });
        }
        if found > expected {
            return Err(Error::TrailingBytes {
                shape: self.shape.clone(),
                expected,
            });
        }
        Ok(())
    }

    /// `certain`: that the bytes are there is known, not only claimed.
    fn read_data(self, mut reader: impl Read, certain: bool) -> Result<Idx> {
        let mut bytes = Vec::new();
        while bytes.len() < self.bytes {
            let goal = if certain {
                self.bytes
            } else {
                self.bytes.min((2 * bytes.len()).max(FIRST_RESERVE))
            };
            let missing = goal - bytes.len();
            if bytes.try_reserve_exact(missing).is_err() {
                return Err(Error::TooLarge { shape: self.shape });
            }
            let found = reader
                .by_ref()
                .take(missing as u64)
                .read_to_end(&mut bytes)?;
            if found < missing {
                return Err(Error::TruncatedData {
                    expected: self.bytes as u64,
                    found: bytes.len() as u64,
                    shape: self.shape,
                });
            }
        }
        if fill(&mut reader, &mut [0])? > 0 {
            return Err(Error::TrailingBytes {
                expected: self.bytes as u64,
                shape: self.shape,
            });
        }
        Idx::new(self.shape, decode(self.element, bytes))
    }
}

/// Turns big-endian bytes, a whole number of elements, into the elements.
fn decode(element: ElementType, bytes: Vec<u8>) -> IdxData {
    match element {
        ElementType::U8 => IdxData::U8(bytes),
        ElementType::I8 => IdxData::I8(bytes.into_iter().map(u8::cast_signed).collect()),
        ElementType::I16 => IdxData::I16(decode_each(&bytes, i16::from_be_bytes)),
        ElementType::I32 => IdxData::I32(decode_each(&bytes, i32::from_be_bytes)),
        ElementType::F32 => IdxData::F32(decode_each(&bytes, f32::from_be_bytes)),
        ElementType::F64 => IdxData::F64(decode_each(&bytes, f64::from_be_bytes)),
    }
}

fn decode_each<T, const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (elements, _) = bytes.as_chunks();
    elements.iter().map(|&element| decode(element)).collect()
}

/// Reads until `buf` is full or the reader ends; returns the bytes read.
fn fill(reader: &mut impl Read, buf: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

/// A name that promises gzip makes a foreign file's error clearer.
fn explain_name(error: Error, path: &Path) -> Error {
    let named_gz = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    match error {
        Error::Magic { found } if named_gz => Error::NotGzip { found },
        error => error,
    }
}
