//! Reads any bytes as an IDX file, plain and compressed with gzip. Checks that
//! nothing panics and that a valid file is written back with the same bytes.

#![no_main]

use flate2::Crc;
use libfuzzer_sys::fuzz_target;
use mnist_io::{Idx, Images};

fuzz_target!(|bytes: &[u8]| {
    let plain = Idx::read(bytes);
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    if let Ok(idx) = &plain {
        let mut written = Vec::new();
        idx.write(&mut written).expect("writing to a Vec cannot fail");
        if is_gzip {
            let again = Idx::read(&written[..]).expect("a written file can be read");
            assert!(same(&again, idx));
        } else {
            assert_eq!(written, bytes);
        }
        if let Ok(images) = Images::try_from(idx.clone()) {
            assert_eq!(images.iter().flatten().count(), images.pixels().len());
        }
    }
    // Mutations do not find the right checksum, so the target compresses the bytes.
    // Plain and compressed bytes must break the same rule.
    if is_gzip || bytes.len() > usize::from(u16::MAX) {
        return;
    }
    let compressed = gzip(bytes);
    match (plain, Idx::read(&compressed[..])) {
        (Ok(plain), Ok(compressed)) => assert!(same(&plain, &compressed)),
        (Err(plain), Err(compressed)) => {
            assert_eq!(plain.to_string(), compressed.to_string());
        }
        (plain, compressed) => panic!("plain {plain:?}, compressed {compressed:?}"),
    }
    // Cut anywhere, the data or the checksum is incomplete.
    let cut = compressed.len() - 1 - bytes.len() / 2;
    assert!(Idx::read(&compressed[..cut]).is_err());
});

/// Compares bytes, because NaN does not equal itself.
fn same(a: &Idx, b: &Idx) -> bool {
    let bytes = |idx: &Idx| {
        let mut bytes = Vec::new();
        idx.write(&mut bytes).expect("writing to a Vec cannot fail");
        bytes
    };
    bytes(a) == bytes(b)
}

/// One gzip member (RFC 1952) with one stored block (RFC 1951), which is cheap to
/// create.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a stored block is that short");
    let mut crc = Crc::new();
    crc.update(bytes);
    [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1][..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        bytes,
        &crc.sum().to_le_bytes(),
        &u32::from(length).to_le_bytes(),
    ]
    .concat()
}
