//! Compressed files: detected by content, and errors for damaged ones.

mod common;

use std::io::{self, Read};

use common::{Random, gzip, u8_file};
use mnist_io::{Error, Idx, IdxData};

#[test]
fn content_determines_what_is_gzip() {
    let dir = tempfile::tempdir().unwrap();
    let file = u8_file(&[2], &[1, 2]);
    for (name, bytes) in [("plain.gz", file.clone()), ("packed", gzip(&file))] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let idx = Idx::read_file(&path).unwrap();
        assert_eq!(*idx.data(), IdxData::U8(vec![1, 2]));
    }
    let path = dir.path().join("neither.GZ");
    std::fs::write(&path, "<!DOCTYPE html>").unwrap();
    let error = Idx::read_file(&path).unwrap_err();
    assert!(matches!(error.rule(), Error::NotGzip { found: [b'<', b'!'] }));
    assert!(error.to_string().contains("named .gz"), "{error}");
}

#[test]
fn gzip_cut_anywhere_is_an_error() {
    let packed = gzip(&u8_file(&[40, 3], &[9; 120]));
    for length in 2..packed.len() {
        let error = Idx::read(&packed[..length]).unwrap_err();
        assert!(matches!(error, Error::GzipTruncated), "{length}: {error:?}");
    }
}

#[test]
fn wrong_gzip_checksum_is_an_error() {
    let mut packed = gzip(&u8_file(&[40, 3], &[9; 120]));
    let checksum_at = packed.len() - 8;
    packed[checksum_at] ^= 1;
    let error = Idx::read(&packed[..]).unwrap_err();
    assert!(matches!(error, Error::GzipCorrupt { .. }), "{error:?}");
}

#[test]
fn flipped_bit_in_gzip_never_changes_the_data() {
    let mut random = Random(5);
    let data: Vec<u8> = (0..300).map(|_| random.byte() % 4).collect();
    let file = u8_file(&[100, 3], &data);
    let packed = gzip(&file);
    let original = Idx::read(&file[..]).unwrap();
    for bit in 0..8 * packed.len() {
        let mut flipped = packed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Some bits of the gzip header, such as its time stamp, are ignored.
        if let Ok(idx) = Idx::read(&flipped[..]) {
            assert_eq!(idx, original, "bit {bit}");
        }
    }
}

#[test]
fn other_bytes_after_gzip_are_an_error() {
    let packed = gzip(&u8_file(&[2], &[1, 2]));
    for junk in [&[0; 1][..], &[0; 600], b"junk"] {
        let error = Idx::read(&[&packed[..], junk].concat()[..]).unwrap_err();
        assert!(matches!(error, Error::GzipTrailing), "{error:?}");
    }
    let error = Idx::read(&[&packed[..], &[0x1f, 0x8b]].concat()[..]).unwrap_err();
    assert!(matches!(error, Error::GzipTruncated), "{error:?}");
}

#[test]
fn decompression_stops_at_the_first_extra_byte() {
    struct Counted<'a>(&'a [u8], usize);
    impl Read for Counted<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buf)?;
            self.1 += count;
            Ok(count)
        }
    }
    // Noise does not compress, so the compressed length shows how much was read.
    let mut random = Random(6);
    let noise: Vec<u8> = (0..4 << 20).map(|_| random.byte()).collect();
    let packed = gzip(&u8_file(&[10], &noise));
    let mut reader = Counted(&packed, 0);
    let error = Idx::read(&mut reader).unwrap_err();
    assert!(matches!(error, Error::TrailingBytes { expected: 10, .. }));
    assert!(reader.1 < packed.len() / 8, "{} bytes read", reader.1);
}
