//! Round trips for every type and number of dimensions, compared with a naive
//! reader.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{self, ErrorKind, Read, Write};

use common::{Random, gzip};
use mnist_io::{Error, Idx, IdxData};

/// Codes and sizes of the six types.
const TYPES: [(u8, usize); 6] = [(8, 1), (9, 1), (11, 2), (12, 4), (13, 4), (14, 8)];

/// A file of random elements of any bit pattern.
fn random_file(random: &mut Random, code: u8, size: usize, shape: &[u32]) -> Vec<u8> {
    let mut file = vec![0, 0, code, shape.len() as u8];
    file.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    let count: usize = shape.iter().map(|&n| n as usize).product();
    file.extend((0..count * size).map(|_| random.byte()));
    file
}

/// Shape and elements, each element as its bits.
fn naive(file: &[u8]) -> (Vec<usize>, Vec<u64>) {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b));
    let (_, size) = TYPES.into_iter().find(|t| t.0 == file[2]).unwrap();
    let data_at = 4 + 4 * usize::from(file[3]);
    let shape = file[4..data_at].chunks(4).map(|n| number(n) as usize);
    (shape.collect(), file[data_at..].chunks(size).map(number).collect())
}

/// The code of the element type, and each element as its bits.
fn bits(data: &IdxData) -> (u8, Vec<u64>) {
    match data {
        IdxData::U8(v) => (8, v.iter().map(|&x| x.into()).collect()),
        IdxData::I8(v) => (9, v.iter().map(|&x| x.cast_unsigned().into()).collect()),
        IdxData::I16(v) => (11, v.iter().map(|&x| x.cast_unsigned().into()).collect()),
        IdxData::I32(v) => (12, v.iter().map(|&x| x.cast_unsigned().into()).collect()),
        IdxData::F32(v) => (13, v.iter().map(|&x| x.to_bits().into()).collect()),
        IdxData::F64(v) => (14, v.iter().map(|&x| x.to_bits()).collect()),
    }
}

fn written(idx: &Idx) -> Vec<u8> {
    let mut file = Vec::new();
    idx.write(&mut file).unwrap();
    file
}

#[test]
fn every_type_and_rank_agrees_with_the_naive_reader_and_is_written_back() {
    let mut random = Random(1);
    for (code, size) in TYPES {
        for rank in (1..=6).chain([255]) {
            for _ in 0..8 {
                // In the highest rank most sizes are 1, to limit the array.
                let limit = if rank > 6 { 1 } else { 5 };
                let mut shape: Vec<u32> = (0..rank).map(|_| random.up_to(limit).max(1)).collect();
                shape[0] = random.up_to(3);
                let file = random_file(&mut random, code, size, &shape);

                let idx = Idx::read(&file[..]).unwrap();
                let (expected_shape, expected) = naive(&file);
                assert_eq!(idx.shape(), expected_shape);
                assert_eq!(bits(idx.data()), (code, expected.clone()));
                assert_eq!(written(&idx), file);

                let mut packed = Vec::new();
                idx.write_gzip(&mut packed).unwrap();
                let unpacked = Idx::read(&packed[..]).unwrap();
                assert_eq!(bits(unpacked.data()), (code, expected));
                assert!(packed.starts_with(&[0x1f, 0x8b]));
            }
        }
    }
}

#[test]
fn arrays_larger_than_every_buffer_are_read_back() {
    let mut random = Random(2);
    for (code, size) in TYPES {
        let file = random_file(&mut random, code, size, &[1100, 1201]);
        let expected = naive(&file);
        for source in [&file, &gzip(&file)] {
            let idx = Idx::read(&source[..]).unwrap();
            assert_eq!((idx.shape().to_vec(), bits(idx.data()).1), expected);
            assert_eq!(written(&idx), file);
        }
    }
}

/// The header of the training images in the description of the format:
/// 0x00000803, 60000, 28, 28.
#[test]
fn header_matches_the_description_of_the_format() {
    let pixels = vec![7; 60_000 * 28 * 28];
    let file = written(&Idx::new(vec![60_000, 28, 28], IdxData::U8(pixels)).unwrap());
    let header = [
        0x00, 0x00, 0x08, 0x03, 0x00, 0x00, 0xea, 0x60, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00,
        0x1c,
    ];
    assert_eq!(file[..16], header);
    assert_eq!(file.len(), 47_040_016);
}

#[test]
fn elements_are_big_endian() {
    let written_data = |data| written(&Idx::new(vec![2], data).unwrap())[8..].to_vec();
    assert_eq!(written_data(IdxData::I8(vec![-2, 1])), [0xfe, 1]);
    assert_eq!(written_data(IdxData::I16(vec![-2, 258])), [0xff, 0xfe, 1, 2]);
    assert_eq!(
        written_data(IdxData::I32(vec![-2, 16_909_060])),
        [0xff, 0xff, 0xff, 0xfe, 1, 2, 3, 4]
    );
    // IEEE 754: 1 has the exponent 127 or 1023, -2 has one more and the sign bit.
    assert_eq!(written_data(IdxData::F32(vec![1.0, -2.0])), [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
    assert_eq!(
        written_data(IdxData::F64(vec![1.0, -2.0])),
        [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn slow_and_interrupted_reader_gives_the_same_array() {
    struct Slow<'a>(&'a [u8], bool);
    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = buf.len().min(1);
            self.0.read(&mut buf[..count])
        }
    }
    let file = random_file(&mut Random(3), 12, 4, &[3, 5]);
    for source in [&file, &gzip(&file)] {
        let idx = Idx::read(Slow(source, false)).unwrap();
        assert_eq!(written(&idx), file);
    }
}

#[test]
fn several_gzip_members_are_one_file() {
    let file = random_file(&mut Random(4), 8, 1, &[10, 10]);
    let mut packed = gzip(&file[..30]);
    packed.extend(gzip(&[]));
    packed.extend(gzip(&file[30..]));
    packed.extend(gzip(&[]));
    assert_eq!(written(&Idx::read(&packed[..]).unwrap()), file);
}

#[test]
fn empty_array_may_have_sizes_whose_product_overflows() {
    let max = u32::MAX as usize;
    let idx = Idx::new(vec![max, max, max, 0], IdxData::F64(Vec::new())).unwrap();
    assert_eq!(Idx::read(&written(&idx)[..]).unwrap(), idx);
}

#[test]
fn write_file_replaces_a_file_and_sets_the_usual_permissions() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("array.idx2");
    std::fs::write(&path, "older").unwrap();
    let idx = Idx::new(vec![1, 2], IdxData::F32(vec![0.5, -1.0])).unwrap();
    idx.write_file(&path).unwrap();
    assert_eq!(Idx::read_file(&path).unwrap(), idx);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let ordinary = dir.path().join("ordinary");
        std::fs::write(&ordinary, "").unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&ordinary));
    }
}

#[test]
fn failed_write_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let taken = dir.path().join("folder");
    std::fs::create_dir(&taken).unwrap();
    let idx = Idx::new(vec![1], IdxData::U8(vec![1])).unwrap();
    let error = idx.write_file(&taken).unwrap_err();
    assert!(error.to_string().contains("folder"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let error = idx.write_file(&dir.path().join("none/a.idx1")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn parts_are_written_as_one_file_plain_or_gzip() {
    let dir = tempfile::tempdir().unwrap();
    let idx = Idx::new(vec![5, 2], IdxData::U8((0..10).collect())).unwrap();
    for name in ["a.idx2", "a.idx2.gz", "a.GZ"] {
        let path = dir.path().join(name);
        let parts = [vec![0, 1, 2], vec![], (3..10).collect()].map(Ok);
        mnist_io::write_parts(&path, &[5, 2], parts).unwrap();
        assert_eq!(Idx::read_file(&path).unwrap(), idx);
        let gzip = std::fs::read(&path).unwrap().starts_with(b"\x1f\x8b");
        assert_eq!(gzip, name != "a.idx2");
    }
}

#[test]
fn parts_that_fail_or_have_another_size_leave_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.idx1");
    for (parts, hint) in [
        (vec![Ok(vec![1, 2])], "missing"),
        (vec![Ok(vec![1, 2]), Ok(vec![3, 4])], "too many"),
        (
            vec![
                Ok(vec![1]),
                Err(io::Error::other(Error::PixelCount { rows: 7, cols: 7, pixels: 7 })),
            ],
            "7 rows",
        ),
    ] {
        let error = mnist_io::write_parts(&path, &[3], parts).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn failing_writer_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let idx = Idx::new(vec![1], IdxData::U8(vec![1])).unwrap();
    assert_eq!(idx.write(Full).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(idx.write_gzip(Full).unwrap_err().kind(), ErrorKind::StorageFull);
}
