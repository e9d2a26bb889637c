//! Writes IDX data, plain or packed with gzip.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{ElementType, Error, Idx, IdxData, Result};

impl Idx {
    /// Writes the array as a plain IDX file's bytes.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(&header(self.data().element_type(), self.shape()))?;
        match self.data() {
            IdxData::U8(v) => writer.write_all(v),
            IdxData::I8(v) => encode_each(writer, v, i8::to_be_bytes),
            IdxData::I16(v) => encode_each(writer, v, i16::to_be_bytes),
            IdxData::I32(v) => encode_each(writer, v, i32::to_be_bytes),
            IdxData::F32(v) => encode_each(writer, v, f32::to_be_bytes),
            IdxData::F64(v) => encode_each(writer, v, f64::to_be_bytes),
        }
    }

    /// Writes the array as an IDX file's bytes packed with gzip.
    ///
    /// # Errors
    /// Those of `writer`.
    pub fn write_gzip(&self, writer: impl Write) -> io::Result<()> {
        let mut gzip = GzEncoder::new(writer, Compression::default());
        self.write(&mut gzip)?;
        gzip.finish()?.flush()
    }

    /// Writes a plain IDX file, which appears under its name whole or not at
    /// all; a file of that name is replaced.
    ///
    /// # Errors
    /// [`Error::Io`] with the action that was refused.
    pub fn write_file(&self, path: &Path) -> Result<()> {
        write_whole(path, |writer| self.write(writer))
    }
}

/// The bytes before the data. Every size must fit in 32 bits and their number
/// in 8, as [`Idx::new`] makes sure.
pub(crate) fn header(element: ElementType, shape: &[usize]) -> Vec<u8> {
    let mut header = vec![0, 0, element.code(), shape.len() as u8];
    for &size in shape {
        header.extend((size as u32).to_be_bytes());
    }
    header
}

/// Writes a file aside, flushes it to the disk, and renames it.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let aside = aside_in(folder).map_err(Error::io("write", path))?;
    let mut writer = BufWriter::new(aside.as_file());
    write(&mut writer)
        .and_then(|()| writer.flush())
        .and_then(|()| aside.as_file().sync_all())
        .map_err(Error::io("write", path))?;
    drop(writer);
    aside
        .persist(path)
        .map_err(|e| Error::io("rename to", path)(e.error))?;
    Ok(())
}

/// `tempfile` makes private files; what ends under a final name gets the
/// permissions that any new file has, the user's umask applied.
fn aside_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn encode_each<T: Copy, const N: usize>(
    mut writer: impl Write,
    elements: &[T],
    encode: impl Fn(T) -> [u8; N],
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for chunk in elements.chunks(8192) {
        bytes.clear();
        bytes.extend(chunk.iter().flat_map(|&element| encode(element)));
        writer.write_all(&bytes)?;
    }
    Ok(())
}
