//! Reads images from NumPy files, `.npy` and `.npz`: u8 `[n, rows, cols]` or
//! `[n, 1, rows, cols]`.

mod header;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use mnist_io::Images;
use zip::ZipArchive;

use header::{Header, MAGIC};

/// A NumPy file without usable images.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct NumpyError {
    /// The file.
    path: PathBuf,
    /// The rule that it breaks.
    reason: Reason,
}

/// A broken rule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is neither a .npy nor a .npz file")]
    NotNumpy,
    #[error("it is a broken .npz file: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// Another number of arrays than one.
    #[error("{}", match names.as_slice() {
        [] => "it holds no array".to_owned(),
        names => format!(
            "it holds {} arrays, {}; save one of them alone, with np.save(\"images.npy\", \
             np.load(file)[{:?}])",
            names.len(), names.join(", "), names[0]
        ),
    })]
    Arrays { names: Vec<String> },
    #[error("its header is broken: {0}")]
    Header(&'static str),
    /// Numbers of another type; `dtype` is NumPy's code.
    #[error(
        "its numbers are {dtype}, not uint8{}; pixels are whole numbers from 0 (background) to 255 \
         (ink); save them with .round().astype(\"uint8\")",
        if *nan { ", and some are NaN" } else { "" }
    )]
    Dtype { dtype: String, nan: bool },
    #[error("its shape is {shape:?}, but images are [n, rows, cols] or [n, 1, rows, cols]")]
    Shape { shape: Vec<u64> },
    #[error("its order is Fortran's; save np.ascontiguousarray of the array")]
    Fortran,
    #[error("it ends after {found} of {expected} bytes of pixels")]
    Short { found: usize, expected: usize },
    #[error(transparent)]
    Images(#[from] mnist_io::Error),
}

/// Whether a file that starts with `bytes` may be a NumPy file.
pub fn is_numpy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(b"PK")
}

/// The first `most` images of the file, and the number of images that it holds. The rest is
/// neither unpacked nor kept.
///
/// # Errors
/// A file without usable images, with the file and the reason.
pub fn read_images(path: &Path, most: usize) -> Result<(Images, u64), NumpyError> {
    read_file(path, most).map_err(|reason| NumpyError {
        path: path.to_owned(),
        reason,
    })
}

fn read_file(path: &Path, most: usize) -> Result<(Images, u64), Reason> {
    let mut start = Vec::new();
    let longest = MAGIC.len() as u64;
    File::open(path)?.take(longest).read_to_end(&mut start)?;
    if start.is_empty() {
        return Err(Reason::Empty);
    }
    if !is_numpy(&start) {
        return Err(Reason::NotNumpy);
    }
    let file = BufReader::new(File::open(path)?);
    if start == MAGIC {
        return read_array(file, most);
    }
    let mut archive = ZipArchive::new(file)?;
    let mut names = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        names.push(entry.name()?.trim_end_matches(".npy").to_owned());
    }
    if names.len() != 1 {
        return Err(Reason::Arrays { names });
    }
    read_array(archive.by_index(0)?, most)
}

fn read_array(mut file: impl Read, most: usize) -> Result<(Images, u64), Reason> {
    let header = Header::read(&mut file)?;
    if !header.dtype.ends_with("u1") {
        let nan = holds_nan(&header.dtype, &mut file)?;
        let dtype = header.dtype;
        return Err(Reason::Dtype { dtype, nan });
    }
    if header.fortran {
        return Err(Reason::Fortran);
    }
    let (n, rows, cols) = match *header.shape.as_slice() {
        [n, rows, cols] | [n, 1, rows, cols] if rows > 0 && cols > 0 => (n, rows, cols),
        _ => {
            return Err(Reason::Shape {
                shape: header.shape,
            });
        }
    };
    let taken = n.min(most as u64);
    let expected = taken.checked_mul(rows).and_then(|v| v.checked_mul(cols));
    let sizes = (
        expected.map(usize::try_from),
        rows.try_into(),
        cols.try_into(),
    );
    let (Some(Ok(expected)), Ok(rows), Ok(cols)) = sizes else {
        return Err(Reason::Shape {
            shape: header.shape,
        });
    };
    // Grows with the file, not with what the header claims.
    let mut pixels = Vec::new();
    file.take(expected as u64).read_to_end(&mut pixels)?;
    if pixels.len() < expected {
        let found = pixels.len();
        return Err(Reason::Short { found, expected });
    }
    Ok((Images::new(rows, cols, pixels)?, n))
}

/// Whether one of the first numbers of a float array is NaN.
fn holds_nan(dtype: &str, file: &mut impl Read) -> io::Result<bool> {
    let mut bytes = Vec::new();
    file.take(100 << 20).read_to_end(&mut bytes)?;
    Ok(match dtype {
        "<f4" => bytes
            .chunks_exact(4)
            .any(|b| <[u8; 4]>::try_from(b).is_ok_and(|b| f32::from_le_bytes(b).is_nan())),
        "<f8" => bytes
            .chunks_exact(8)
            .any(|b| <[u8; 8]>::try_from(b).is_ok_and(|b| f64::from_le_bytes(b).is_nan())),
        _ => false,
    })
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

    fn read(bytes: &[u8], most: usize) -> Result<(Images, u64), NumpyError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        read_images(&path, most)
    }

    #[track_caller]
    fn refused(bytes: &[u8], hint: &str) {
        let reason = read(bytes, 9).unwrap_err().to_string();
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
        refused(
            &npy("|u1", "False", "(9, 1000000, 1000000)", &eight),
            "after 8 of",
        );
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
