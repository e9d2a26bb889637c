//! Generated images as NumPy files.

use std::io::{Result, Seek, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

/// Writes the `parts` of u8 `[n, rows, cols]` in NumPy's format, version 1.0.
pub fn write_npy(
    shape: [usize; 3],
    parts: impl Iterator<Item = Result<Vec<u8>>>,
    mut writer: impl Write,
) -> Result<()> {
    let shape = shape.map(|length| length.to_string()).join(", ");
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    // The values start at a multiple of 64. Before the header are 10 bytes: the name of the
    // format, its version, and the header's length.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&(length as u16).to_le_bytes())?;
    writeln!(writer, "{header:<width$}", width = length - 1)?;
    for part in parts {
        writer.write_all(&part?)?;
    }
    Ok(())
}

/// Writes a zip archive with the array `images`, compressed; see [`write_npy`]. The same
/// images give the same bytes.
pub fn write_npz(
    shape: [usize; 3],
    parts: impl Iterator<Item = Result<Vec<u8>>>,
    writer: impl Write + Seek,
) -> Result<()> {
    let mut archive = ZipWriter::new(writer);
    let large = shape.iter().product::<usize>() > u32::MAX as usize / 2;
    let date = zip::DateTime::default();
    let options = SimpleFileOptions::default().large_file(large).last_modified_time(date);
    archive.start_file("images.npy", options)?;
    write_npy(shape, parts, &mut archive)?;
    archive.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    const SHAPE: [usize; 3] = [4, 2, 3];

    /// The values 0 to 23 in two parts.
    fn parts() -> impl Iterator<Item = Result<Vec<u8>>> {
        [Ok((0..6).collect()), Ok((6..24).collect())].into_iter()
    }

    #[test]
    fn npy_header_describes_the_images_and_ends_at_a_multiple_of_64() {
        let mut bytes = Vec::new();
        write_npy(SHAPE, parts(), &mut bytes).unwrap();
        let (header, pixels) = bytes.split_at(bytes.len() - 24);
        assert_eq!(pixels, (0..24).collect::<Vec<u8>>());
        assert_eq!((header.len() % 64, header.last()), (0, Some(&b'\n')));
        assert_eq!(header[..10], [b"\x93NUMPY\x01\x00".as_slice(), &[118, 0]].concat());
        let text = std::str::from_utf8(&header[10..]).unwrap().trim_end();
        assert_eq!(text, "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3), }");
    }

    #[test]
    fn npz_holds_the_npy_file() {
        let mut bytes = Cursor::new(Vec::new());
        write_npz(SHAPE, parts(), &mut bytes).unwrap();
        let mut archive = zip::ZipArchive::new(bytes).unwrap();
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        archive.by_name("images.npy").unwrap().read_to_end(&mut found).unwrap();
        write_npy(SHAPE, parts(), &mut expected).unwrap();
        assert_eq!(found, expected);
    }
}
