//! Writing IDX data, plain or compressed with gzip.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::idx::Idx;

impl Idx {
    /// Writes the array as plain IDX data.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(&header(self.data().element_type(), self.shape()))?;
        self.data().encode(writer)
    }

    /// Writes the array as IDX data compressed with gzip.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn write_gzip(&self, writer: impl Write) -> io::Result<()> {
        let mut gzip = GzEncoder::new(writer, Compression::default());
        self.write(&mut gzip)?;
        gzip.finish()?.flush()
    }

    /// Writes a plain IDX file, atomically. Replaces an existing file.
    ///
    /// # Errors
    /// [`Error::Io`] with the action that failed.
    pub fn write_file(&self, path: &Path) -> Result<()> {
        write_atomic(path, |writer| self.write(writer))
    }
}

/// Writes an IDX file of u8 whose bytes arrive in parts, atomically, so that the file can be
/// larger than the memory. A path that ends in `.gz` is compressed with gzip.
///
/// `shape` has at most 255 sizes, each below 2³². After an error there is no file.
///
/// # Errors
/// [`Error::Io`] with the action that failed, with the error of a part, or if the parts
/// together have another size than `shape`.
pub fn write_parts(
    path: &Path,
    shape: &[usize],
    parts: impl IntoIterator<Item = io::Result<Vec<u8>>>,
) -> Result<()> {
    let gzip = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    write_atomic(path, |file| {
        let write = |writer: &mut dyn Write| {
            writer.write_all(&header(ElementType::U8, shape))?;
            let mut missing = shape.iter().product::<usize>();
            for part in parts {
                let part = part?;
                let left = missing.checked_sub(part.len());
                missing = left.ok_or_else(|| io::Error::other("there are too many bytes"))?;
                writer.write_all(&part)?;
            }
            if missing == 0 { Ok(()) } else { Err(io::Error::other("bytes are missing")) }
        };
        if !gzip {
            return write(file);
        }
        let mut encoder = GzEncoder::new(file, Compression::default());
        write(&mut encoder)?;
        encoder.finish()?.flush()
    })
}

/// The bytes before the data. The shape satisfies the rules of [`Idx::new`].
pub(crate) fn header(element: ElementType, shape: &[usize]) -> Vec<u8> {
    let mut header = vec![0, 0, element as u8, shape.len() as u8];
    header.extend(shape.iter().flat_map(|&size| (size as u32).to_be_bytes()));
    header
}

/// Writes a temporary file in the folder of `path`, flushes it to the disk, and renames
/// it to `path`. After an error the temporary file is removed.
///
/// The name of the temporary file begins with `.tmp-`.
///
/// # Errors
/// [`Error::Io`] with the path and the action that failed. An error of `write` is
/// reported as a failed write.
pub(crate) fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-");
    // The usual permissions, limited by the umask. The defaults of `tempfile` allow
    // only the owner.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary =
        builder.tempfile_in(path.parent().unwrap_or(path)).map_err(Error::io("write", path))?;
    let file = temporary.as_file();
    let mut writer = BufWriter::new(file);
    write(&mut writer).and_then(|()| writer.flush()).map_err(Error::io("write", path))?;
    drop(writer);
    file.sync_all().map_err(Error::io("flush", path))?;
    temporary.persist(path).map_err(|e| Error::io("rename to", path)(e.error))?;
    Ok(())
}
