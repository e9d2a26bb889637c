//! Reads images from NumPy files, `.npy` and `.npz`: u8 `[n, rows, cols]` or
//! `[n, 1, rows, cols]`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use mnist_io::Images;
use zip::ZipArchive;

/// The first bytes of every array.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, in bytes.
const LONGEST: usize = 1 << 16;

const NOT_NUMPY: &str = "it is neither a .npy nor a .npz file";
const UNREADABLE: &str = "cannot read it";
const BROKEN_ARCHIVE: &str = "it is a broken .npz file";

/// Whether a file that starts with `bytes` may be a NumPy file.
pub fn is_numpy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(b"PK")
}

/// The first `limit` images of the file, and the number of images that it holds. The rest is
/// neither unpacked nor kept.
///
/// # Errors
/// A file without usable images, with the file and the reason.
pub fn read_images(path: &Path, limit: usize) -> Result<(Images, u64)> {
    read_file(path, limit).with_context(|| path.display().to_string())
}

fn read_file(path: &Path, limit: usize) -> Result<(Images, u64)> {
    let mut file = BufReader::new(File::open(path).context(UNREADABLE)?);
    let start = file.fill_buf().context(UNREADABLE)?;
    ensure!(!start.is_empty(), "it is empty");
    ensure!(is_numpy(start), NOT_NUMPY);
    if start.starts_with(MAGIC) {
        return read_array(file, limit);
    }
    let mut archive = ZipArchive::new(file).context(BROKEN_ARCHIVE)?;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).context(BROKEN_ARCHIVE)?;
        let name = entry.name().context(BROKEN_ARCHIVE)?;
        names.push(name.trim_end_matches(".npy").to_owned());
    }
    match names.as_slice() {
        [] => bail!("it holds no array"),
        [_] => read_array(archive.by_index(0).context(BROKEN_ARCHIVE)?, limit),
        [first, ..] => bail!(
            "it holds {} arrays, {}; save one of them alone, with np.save(\"images.npy\", \
             np.load(file)[{first:?}])",
            names.len(),
            names.join(", ")
        ),
    }
}

fn read_array(mut file: impl Read, limit: usize) -> Result<(Images, u64)> {
    let Header { dtype, fortran, shape } = Header::read(&mut file)?;
    if !dtype.ends_with("u1") {
        let nan = match holds_nan(&dtype, file)? {
            true => ", and some are NaN",
            false => "",
        };
        bail!(
            "its numbers are {dtype}, not uint8{nan}; pixels are whole numbers from 0 (background) \
             to 255 (foreground); save them with .round().astype(\"uint8\")"
        );
    }
    ensure!(!fortran, "its order is Fortran's; save np.ascontiguousarray of the array");
    let sizes = match *shape.as_slice() {
        [n, rows, cols] | [n, 1, rows, cols] if rows > 0 && cols > 0 => {
            let bytes = rows.checked_mul(cols);
            let bytes = bytes.and_then(|image| image.checked_mul(n.min(limit)));
            bytes.map(|bytes| (n, rows, cols, bytes))
        }
        _ => None,
    };
    let (n, rows, cols, expected) = sizes.with_context(|| {
        format!("its shape is {shape:?}, but images are [n, rows, cols] or [n, 1, rows, cols]")
    })?;
    // Grows with the file, not with the size in the header.
    let pixels = read_up_to(expected, file)?;
    ensure!(
        pixels.len() == expected,
        "it ends after {} of {expected} bytes of pixels",
        pixels.len()
    );
    Ok((Images::new(rows, cols, pixels)?, n as u64))
}

fn read_up_to(length: usize, file: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = file.take(length as u64);
    file.read_to_end(&mut bytes).context(UNREADABLE)?;
    Ok(bytes)
}

/// Whether one of the first numbers of a float array is NaN.
fn holds_nan(dtype: &str, file: impl Read) -> Result<bool> {
    let bytes = read_up_to(100 << 20, file)?;
    let mut f4 = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes);
    let mut f8 = bytes.as_chunks().0.iter().copied().map(f64::from_le_bytes);
    Ok(match dtype {
        "<f4" => f4.any(f32::is_nan),
        "<f8" => f8.any(f64::is_nan),
        _ => false,
    })
}

/// The header in NumPy's format, versions 1 to 3: a Python literal such as
/// `{'descr': '|u1', 'fortran_order': False, 'shape': (9, 28, 28), }`.
struct Header {
    dtype: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn read(file: &mut impl Read) -> Result<Header> {
        let mut exactly = |length| {
            let bytes = read_up_to(length, &mut *file)?;
            match bytes.len() == length {
                true => Ok(bytes),
                false => Err(broken("the file ends inside it")),
            }
        };
        ensure!(exactly(MAGIC.len())? == MAGIC, NOT_NUMPY);
        let length = match exactly(2)?[0] {
            1 => exactly(2)?,
            2 | 3 => exactly(4)?,
            _ => return Err(broken("its version is unknown")),
        };
        let bytes = length.iter().rev();
        let length = bytes.fold(0, |sum, &b| sum << 8 | usize::from(b));
        if length > LONGEST {
            return Err(broken("it is too long"));
        }
        let text = String::from_utf8(exactly(length)?);
        let text = text.map_err(|_| broken("it is not text"))?;
        let text = text.replace('"', "'");
        Header::parse(&text)
    }

    fn parse(text: &str) -> Result<Header> {
        let value = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}'"))?;
            Some(rest.trim_start().strip_prefix(':')?.trim_start())
        };
        let dtype = value("descr").and_then(|v| {
            // A list describes records.
            let code = v.strip_prefix('\'').and_then(|v| v.split_once('\''));
            code.map(|(code, _)| code).or(v.starts_with('[').then_some("records"))
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

fn broken(reason: &str) -> Error {
    anyhow!("its header is broken: {reason}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn npy(dtype: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(data);
        file
    }

    fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in arrays {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8], limit: usize) -> Result<(Images, u64)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        read_images(&path, limit)
    }

    #[track_caller]
    fn refused(bytes: &[u8], hint: &str) {
        let reason = format!("{:#}", read(bytes, 9).unwrap_err());
        assert!(reason.contains(hint), "{reason}");
    }

    #[test]
    fn reads_plain_and_packed_arrays_and_a_channel_axis() {
        let pixels: Vec<u8> = (0..24).collect();
        let plain = npy("|u1", "False", "(4, 2, 3)", &pixels);
        let channel = npy("|u1", "False", "(4, 1, 2, 3)", &pixels);
        let packed = npz(&[("arr_0.npy", plain.clone())]);
        for file in [&plain, &channel, &packed] {
            let (images, of) = read(file, 9).unwrap();
            assert_eq!((images.rows(), images.cols(), of), (2, 3, 4));
            assert_eq!(images.pixels(), pixels);
            let (first, of) = read(file, 1).unwrap();
            assert_eq!((first.pixels(), of), (&pixels[..6], 4));
        }
    }

    /// The header that NumPy 2.1.1 writes, `np.save(f, np.zeros((2, 1, 1),
    /// np.uint8))`.
    #[test]
    fn reads_a_file_written_by_numpy() {
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1), }";
        file.extend(format!("{text:117}\n").as_bytes());
        file.extend([0, 0]);
        assert_eq!(read(&file, 9).unwrap().0.len(), 2);
    }

    #[test]
    fn rejects_other_files_and_names_the_reason() {
        let eight = [0; 8];
        refused(b"", "empty");
        refused(b"IDX or anything", "neither");
        refused(b"\x93NUM", "neither");
        refused(b"\x93NUMPXxxxxx", "neither");
        refused(b"\x93NUMPY", "ends inside");
        refused(b"\x93NUMPY\x01\x00\xff\x00{'descr'", "ends inside");
        refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "too long");
        refused(b"\x93NUMPY\x07\x00\x01\x00 ", "version");
        refused(b"\x93NUMPY\x01\x00\x02\x00{}", "no type");
        refused(b"PK not an archive", "broken .npz");
        refused(&npy("|u1", "Maybe", "(2, 2, 2)", &eight), "no order");
        refused(&npy("|u1", "False", "(2, x)", &eight), "no shape");
        refused(&npy("|u1", "True", "(2, 2, 2)", &eight), "Fortran");
        for shape in ["()", "(8,)", "(2, 4)", "(2, 0, 4)", "(1, 3, 2, 2)"] {
            refused(&npy("|u1", "False", shape, &eight), "shape");
        }
        let huge = "(9, 18446744073709551615, 2)";
        refused(&npy("|u1", "False", huge, &eight), "shape");
        refused(&npy("|u1", "False", "(9, 1000000, 1000000)", &eight), "after 8 of");
        refused(&npy("|u1", "False", "(3, 2, 2)", &eight), "after 8 of 12");
    }

    #[test]
    fn rejects_numbers_that_are_not_bytes() {
        let nan = [f32::NAN.to_le_bytes(), 1f32.to_le_bytes()].concat();
        refused(&npy("<f4", "False", "(2, 1, 1)", &nan), "are NaN");
        let half = [0.5f32.to_le_bytes(); 2].concat();
        refused(&npy("<f4", "False", "(2, 1, 1)", &half), "<f4, not uint8;");
        let nan = f64::NAN.to_le_bytes();
        refused(&npy("<f8", "False", "(1, 1, 1)", &nan), "are NaN");
        refused(&npy("|b1", "False", "(2, 2, 2)", &[0; 8]), "|b1");
        let records = npy("|u1", "False", "(1, 1, 1)", &[0]);
        let records = String::from_utf8_lossy(&records[10..]).replace("'|u1'", "[('x', '|u1')]");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((records.len() as u16).to_le_bytes());
        file.extend(records.as_bytes());
        refused(&file, "records");
    }

    #[test]
    fn rejects_archives_without_exactly_one_array() {
        let one = npy("|u1", "False", "(2, 2, 2)", &[0; 8]);
        let two = npz(&[("x.npy", one.clone()), ("labels.npy", one)]);
        refused(&two, "x, labels");
        refused(&npz(&[]), "no array");
    }

    /// 200 MB of zeros in 200 kB.
    #[test]
    fn unpacks_no_more_than_the_requested_images() {
        let bomb = npy("|u1", "False", "(2, 2, 2)", &vec![0; 200_000_000]);
        let (images, _) = read(&npz(&[("x.npy", bomb)]), 9).unwrap();
        assert_eq!(images.len(), 2);
    }
}
