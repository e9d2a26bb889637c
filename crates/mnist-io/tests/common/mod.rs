//! Shared by the tests: random bytes, gzip, a small data set.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// SplitMix64: the same numbers in every test run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    /// 0 to `limit`, both included.
    pub fn up_to(&mut self, limit: u32) -> u32 {
        (self.next() % (u64::from(limit) + 1)) as u32
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A plain IDX file of u8.
pub fn u8_file(shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    file.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(data);
    file
}

/// The usual file names: training images and labels, test images and labels.
pub const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// The four files of a small set: 3 training and 2 test images of 2 by 2.
pub fn files() -> [Vec<u8>; 4] {
    [
        u8_file(&[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]),
        u8_file(&[3], &[7, 0, 255]),
        u8_file(&[2, 2, 2], &[20, 21, 22, 23, 24, 25, 26, 27]),
        u8_file(&[2], &[1, 2]),
    ]
}

pub fn write_set(dir: &Path) {
    for (name, bytes) in NAMES.iter().zip(files()) {
        fs::write(dir.join(name), bytes).unwrap();
    }
}
