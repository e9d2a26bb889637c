//! Malformed files: the right error for each rule, and no panic.

mod common;

use std::io::{self, Read};

use common::{gzip, u8_file};
use mnist_io::{Error, Idx, IdxData};

/// Expects an error of `Idx::read` that matches the pattern, for the plain bytes
/// and for the bytes compressed with gzip.
macro_rules! rejects {
    ($bytes:expr, $pattern:pat $(if $guard:expr)?) => {{
        let bytes: &[u8] = $bytes;
        for source in [bytes.to_vec(), gzip(bytes)] {
            let error = Idx::read(&source[..]).unwrap_err();
            assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        }
    }};
}

#[test]
fn first_two_bytes_must_be_zero() {
    rejects!(b"\x89PNG\r\n\x1a\n", Error::Magic { found: [0x89, b'P'] });
    rejects!(b"\x00\x01\x08\x01\x00\x00\x00\x00", Error::Magic { found: [0, 1] });
    rejects!(b"ab", Error::Magic { found: [b'a', b'b'] });
}

#[test]
fn element_type_must_be_known() {
    for code in (0..=255).filter(|c| ![8, 9, 11, 12, 13, 14].contains(c)) {
        rejects!(
            &[0, 0, code, 1, 0, 0, 0, 0],
            Error::UnknownType { code: found } if *found == code
        );
    }
}

#[test]
fn number_of_dimensions_must_not_be_zero() {
    rejects!(&[0, 0, 8, 0], Error::Rank { rank: 0 });
    rejects!(&[0, 0, 8, 0, 7], Error::Rank { rank: 0 });
}

#[test]
fn header_must_be_complete() {
    let file = u8_file(&[1, 2, 3], &[1, 2, 3, 4, 5, 6]);
    for length in 0..4 {
        rejects!(
            &file[..length],
            Error::TruncatedHeader { expected: 4, found } if *found == length
        );
    }
    for length in 4..16 {
        rejects!(
            &file[..length],
            Error::TruncatedHeader { expected: 16, found } if *found == length
        );
    }
    rejects!(&[0, 0, 14, 255], Error::TruncatedHeader { expected: 1024, found: 4 });
}

#[test]
fn data_must_be_complete() {
    let file = u8_file(&[1, 2, 3], &[1, 2, 3, 4, 5, 6]);
    for length in 16..file.len() {
        rejects!(
            &file[..length],
            Error::TruncatedData { expected: 6, found, .. } if *found == length as u64 - 16
        );
    }
    rejects!(
        &[0, 0, 14, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        Error::TruncatedData { expected: 16, found: 9, .. }
    );
}

#[test]
fn no_bytes_may_follow_the_data() {
    rejects!(
        &u8_file(&[2, 2], &[1, 2, 3, 4, 5]),
        Error::TrailingBytes { expected: 4, shape } if shape[..] == [2, 2]
    );
    rejects!(&u8_file(&[0], &[0]), Error::TrailingBytes { expected: 0, .. });
}

#[test]
fn sizes_must_not_overflow() {
    let max = u32::MAX;
    rejects!(&u8_file(&[max, max, max], &[]), Error::TooLarge { .. });
    rejects!(&u8_file(&[max; 255], &[]), Error::TooLarge { .. });
    // 2^32 - 1 times 2^31 - 1 elements fit in a u64, their bytes do not.
    let mut doubles = u8_file(&[max, max >> 1], &[]);
    doubles[2] = 14;
    rejects!(&doubles, Error::TooLarge { .. });
}

#[test]
fn file_errors_have_the_path_and_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("array");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = Idx::read_file(&path).unwrap_err();
        assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
        assert!(matches!(&error, Error::InFile { path: named, .. } if *named == path));
        error
    };
    let short = read(&u8_file(&[2, 2], &[1, 2, 3]));
    assert!(matches!(short.rule(), Error::TruncatedData { expected: 4, found: 3, .. }));
    let long = read(&u8_file(&[2, 2], &[1, 2, 3, 4, 5]));
    assert!(matches!(long.rule(), Error::TrailingBytes { expected: 4, .. }));
    let cut = read(&[0, 0, 8, 2, 0]);
    assert!(matches!(cut.rule(), Error::TruncatedHeader { expected: 12, found: 5 }));
    let empty = read(&[]);
    assert!(matches!(empty.rule(), Error::TruncatedHeader { expected: 4, found: 0 }));
    let foreign = read(b"<!DOCTYPE html>");
    assert!(matches!(foreign.rule(), Error::Magic { found: [b'<', b'!'] }));
    let packed = gzip(&u8_file(&[2, 2], &[1, 2, 3, 4]));
    let packed = read(&packed[..packed.len() - 1]);
    assert!(matches!(packed.rule(), Error::GzipTruncated));
}

#[test]
fn missing_file_and_folder_are_errors_with_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = Idx::read_file(&missing).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == missing));
    let error = Idx::read_file(dir.path()).unwrap_err();
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
}

#[test]
fn failing_reader_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    for start in [&[][..], &[0, 0, 8, 1, 0, 0, 0, 9, 1], &[0x1f, 0x8b, 8]] {
        let error = Idx::read(start.chain(Broken)).unwrap_err();
        assert!(
            matches!(&error, Error::Read(e) if e.kind() == io::ErrorKind::ConnectionReset),
            "{error:?}"
        );
    }
}

#[test]
fn shape_must_fit_the_number_of_elements() {
    let new = |shape: &[usize], n| Idx::new(shape.to_vec(), IdxData::U8(vec![0; n])).unwrap_err();
    assert!(matches!(new(&[2, 2], 5), Error::ElementCount { found: 5, .. }));
    assert!(matches!(new(&[0], 1), Error::ElementCount { found: 1, .. }));
    assert!(matches!(new(&[u32::MAX as usize; 3], 0), Error::ElementCount { .. }));
    assert!(matches!(new(&[], 1), Error::Rank { rank: 0 }));
    assert!(matches!(new(&[1; 256], 1), Error::Rank { rank: 256 }));
    #[cfg(target_pointer_width = "64")]
    assert!(matches!(new(&[1 << 32, 0], 0), Error::TooLarge { .. }));
}
