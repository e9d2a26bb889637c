//! Reading IDX data. Allocations do not depend on the sizes in a header alone.

use std::fs::File;
use std::io::{self, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

use crate::element::{ElementType, IdxData};
use crate::error::{Error, Result};
use crate::gzip::{self, Gunzip};
use crate::idx::{Idx, element_count};

/// The first allocation for data of uncertain length, in bytes.
const FIRST_RESERVE: usize = 1 << 20;

impl Idx {
    /// Reads one array, plain or compressed with gzip. The first two bytes
    /// determine which.
    ///
    /// Memory grows with the bytes that arrive, not with the sizes in the header.
    /// The reader must end where the data ends.
    ///
    /// # Errors
    /// [`Error::Read`] if the reader fails. [`Error::Magic`],
    /// [`Error::UnknownType`], [`Error::Rank`], [`Error::TruncatedHeader`],
    /// [`Error::TruncatedData`], [`Error::TrailingBytes`], [`Error::TooLarge`],
    /// [`Error::GzipCorrupt`], [`Error::GzipTruncated`] or
    /// [`Error::GzipTrailing`] if the bytes break that rule.
    pub fn read(reader: impl Read) -> Result<Idx> {
        read(reader, None, |_, _| Ok(()))
    }

    /// Reads one file, plain or compressed with gzip. The first two bytes
    /// determine which, not the name.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened, [`Error::NotAFile`] for anything but a
    /// regular file. Otherwise [`Error::InFile`]
    /// with an error of [`Idx::read`], or with [`Error::NotGzip`] for a file
    /// named `.gz` that is neither gzip nor IDX.
    pub fn read_file(path: &Path) -> Result<Idx> {
        read_file_if(path, |_, _| Ok(()))
    }
}

/// Reads one file if `check` accepts the element type and the shape in its header.
pub(crate) fn read_file_if(
    path: &Path,
    check: impl FnOnce(ElementType, &[usize]) -> Result<()>,
) -> Result<Idx> {
    let file = open_regular(path)?;
    let length = file.metadata().map_err(Error::io("open", path))?.len();
    read(file, Some(length), check).map_err(|e| explain_name(e, path).in_file(path))
}

/// Opens a regular file, or a link to one, for reading. Anything else is refused without
/// being opened, because opening a named pipe waits for a writer.
///
/// # Errors
/// [`Error::Io`], or [`Error::NotAFile`].
pub fn open_regular(path: &Path) -> Result<File> {
    let info = path.metadata().map_err(Error::io("open", path))?;
    if !info.is_file() {
        let found = if info.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(Error::NotAFile { path: path.to_owned(), found });
    }
    File::open(path).map_err(Error::io("open", path))
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open_regular`]; [`Error::Io`] also for a longer file.
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let read = |file: File| {
        let length = file.metadata()?.len();
        if length > limit {
            let reason = format!("it has {length} bytes, but at most {limit} are accepted");
            return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
        }
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read(open_regular(path)?).map_err(Error::io("read", path))
}

/// Decompresses the data if it is gzip.
///
/// # Errors
/// [`Error::Read`] if the first bytes cannot be read. An error of the gzip data is an
/// `io::Error` of the reader; `Error::from` extracts it.
pub fn plain_reader<'a>(reader: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
    Ok(decompress(reader)?.0)
}

/// Returns the bytes of a plain file or the decompressed bytes of a gzip file, and
/// whether it is gzip.
fn decompress<'a>(mut reader: impl Read + 'a) -> Result<(Box<dyn Read + 'a>, bool)> {
    let start = read_up_to(&mut reader, gzip::MAGIC.len())?;
    let is_gzip = start == gzip::MAGIC;
    let reader = Cursor::new(start).chain(reader);
    if !is_gzip {
        return Ok((Box::new(reader), false));
    }
    let buffered = BufReader::with_capacity(64 * 1024, reader);
    Ok((Box::new(Gunzip::new(buffered)), true))
}

/// Reads one array. `length` is the length of the source, if it is known. `check` sees the
/// header before any data are read.
pub(crate) fn read(
    reader: impl Read,
    length: Option<u64>,
    check: impl FnOnce(ElementType, &[usize]) -> Result<()>,
) -> Result<Idx> {
    let (mut reader, is_gzip) = decompress(reader)?;
    let header = Header::read(&mut reader)?;
    let length = length.filter(|_| !is_gzip);
    if let Some(length) = length {
        header.check_length(length)?;
    }
    check(header.element, &header.shape)?;
    header.read_data(reader, length.is_some())
}

struct Header {
    element: ElementType,
    shape: Vec<usize>,
    /// Bytes of the data.
    bytes: usize,
}

impl Header {
    fn read(reader: &mut impl Read) -> Result<Header> {
        let truncated = |expected, found| Error::TruncatedHeader { expected, found };
        let magic = read_up_to(reader, 4)?;
        if let [a, b, ..] = magic[..]
            && [a, b] != [0, 0]
        {
            return Err(Error::Magic { found: [a, b] });
        }
        let [_, _, code, rank] = magic[..] else {
            return Err(truncated(4, magic.len()));
        };
        let element = ElementType::from_code(code).ok_or(Error::UnknownType { code })?;
        if rank == 0 {
            return Err(Error::Rank { rank: 0 });
        }
        let rank = usize::from(rank);
        let sizes = read_up_to(reader, 4 * rank)?;
        if sizes.len() < 4 * rank {
            return Err(truncated(4 + 4 * rank, 4 + sizes.len()));
        }
        let (sizes, _) = sizes.as_chunks();
        let size = |bytes: &[u8; 4]| u32::from_be_bytes(*bytes) as usize;
        let shape: Vec<usize> = sizes.iter().map(size).collect();
        match element_count(&shape).and_then(|count| count.checked_mul(element.bytes())) {
            Some(bytes) => Ok(Header { element, shape, bytes }),
            None => Err(Error::TooLarge { shape }),
        }
    }

    /// Compares the length of a file with the header.
    fn check_length(&self, length: u64) -> Result<()> {
        let found = length.saturating_sub(4 + 4 * self.shape.len() as u64);
        match found.cmp(&(self.bytes as u64)) {
            std::cmp::Ordering::Less => Err(self.truncated(found)),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(self.trailing()),
        }
    }

    fn truncated(&self, found: u64) -> Error {
        Error::TruncatedData { shape: self.shape.clone(), expected: self.bytes as u64, found }
    }

    fn trailing(&self) -> Error {
        Error::TrailingBytes { shape: self.shape.clone(), expected: self.bytes as u64 }
    }

    /// Reads the data. `length_checked` means that the length of the file fits.
    fn read_data(self, mut reader: impl Read, length_checked: bool) -> Result<Idx> {
        let mut bytes = Vec::new();
        while bytes.len() < self.bytes {
            let goal = if length_checked {
                self.bytes
            } else {
                self.bytes.min((2 * bytes.len()).max(FIRST_RESERVE))
            };
            let missing = goal - bytes.len();
            if bytes.try_reserve_exact(missing).is_err() {
                return Err(Error::TooLarge { shape: self.shape });
            }
            let part = reader.by_ref().take(missing as u64);
            if { part }.read_to_end(&mut bytes)? < missing {
                return Err(self.truncated(bytes.len() as u64));
            }
        }
        if !read_up_to(&mut reader, 1)?.is_empty() {
            return Err(self.trailing());
        }
        Idx::new(self.shape, IdxData::decode(self.element, bytes))
    }
}

/// Reads `count` bytes, or fewer if the reader ends.
fn read_up_to(reader: &mut impl Read, count: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(count);
    reader.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Turns [`Error::Magic`] into [`Error::NotGzip`] for a file named `.gz`.
fn explain_name(error: Error, path: &Path) -> Error {
    let named_gz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    match error {
        Error::Magic { found } if named_gz => Error::NotGzip { found },
        error => error,
    }
}
