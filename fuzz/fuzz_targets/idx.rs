//! Reads any bytes as an IDX file, plain and packed with gzip: no panic, and
//! what is accepted is written as the same bytes.

#![no_main]

use flate2::Crc;
use libfuzzer_sys::fuzz_target;
use mnist_io::{Idx, Images};

fuzz_target!(|bytes: &[u8]| {
    let plain = Idx::read(bytes);
    let is_gzip = bytes.starts_with(&[0x1f, 0x8b]);
    if let Ok(idx) = &plain {
        let mut written = Vec::new();
        idx.write(&mut written).expect("a Vec takes every byte");
        if is_gzip {
            let again = Idx::read(&written[..]).expect("what was written can be read");
            assert!(same(&again, idx));
        } else {
            assert_eq!(written, bytes);
        }
        if let Ok(images) = Images::try_from(idx.clone()) {
            assert_eq!(images.iter().flatten().count(), images.pixels().len());
        }
    }
    // A mutation never finds the right checksum, so the packing is done here.
    // The same rule is broken whether the bytes came packed or not.
    if is_gzip || bytes.len() > usize::from(u16::MAX) {
        return;
    }
    let packed = gzip(bytes);
    match (plain, Idx::read(&packed[..])) {
        (Ok(plain), Ok(packed)) => assert!(same(&plain, &packed)),
        (Err(plain), Err(packed)) => assert_eq!(plain.to_string(), packed.to_string()),
        (plain, packed) => panic!("plain {plain:?}, packed {packed:?}"),
    }
    // Cut anywhere, the data or the checksum is incomplete.
    assert!(Idx::read(&packed[..packed.len() - 1 - bytes.len() / 2]).is_err());
});

/// Equal to the bit: an array of NaNs does not equal itself.
fn same(a: &Idx, b: &Idx) -> bool {
    let bytes = |idx: &Idx| {
        let mut bytes = Vec::new();
        idx.write(&mut bytes).expect("a Vec takes every byte");
        bytes
    };
    bytes(a) == bytes(b)
}

/// One gzip member (RFC 1952) of one stored block (RFC 1951), which costs
/// nothing to pack.
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
