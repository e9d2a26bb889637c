//! Shared by the tests: the same images in every format.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use gan_import::{Error, Options, Samples, Subset, read_samples};
use image::{ExtendedColorType, ImageFormat, write_buffer_with_format};
use mnist_io::Images;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

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

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// `n` random images of 28x28 that hold 0 and 255.
pub fn images(n: usize) -> Images {
    let mut random = Random(n as u64);
    let mut pixels: Vec<u8> = (0..n * 784).map(|_| random.next() as u8).collect();
    (pixels[0], pixels[1]) = (0, 255);
    Images::new(28, 28, pixels).unwrap()
}

/// A NumPy file of format version 1.
pub fn npy(dtype: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A NumPy file of images, u8.
pub fn npy_u8(images: &Images) -> Vec<u8> {
    npy("|u1", "False", &format!("({}, 28, 28)", images.len()), images.pixels())
}

pub fn zip(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip(members, CompressionMethod::Deflated)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn idx(images: &Images) -> Vec<u8> {
    let mut bytes = Vec::new();
    mnist_io::Idx::from(images.clone()).write(&mut bytes).unwrap();
    bytes
}

/// One IDX array of any element type.
pub fn idx_array(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, code, shape.len() as u8];
    file.extend(shape.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(data);
    file
}

/// Kaggle's CSV, with or without labels.
pub fn csv(images: &Images, labels: Option<&[u8]>) -> Vec<u8> {
    let mut text = String::new();
    let columns: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
    text += if labels.is_some() { "label," } else { "" };
    text += &(columns.join(",") + "\n");
    for (index, image) in images.iter().enumerate() {
        if let Some(labels) = labels {
            text += &format!("{},", labels[index]);
        }
        let pixels: Vec<String> = image.iter().map(ToString::to_string).collect();
        text += &(pixels.join(",") + "\n");
    }
    text.into_bytes()
}

pub fn picture(pixels: &[u8], color: ExtendedColorType, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    write_buffer_with_format(&mut bytes, pixels, 28, 28, color, format).unwrap();
    bytes.into_inner()
}

pub fn png(pixels: &[u8]) -> Vec<u8> {
    picture(pixels, ExtendedColorType::L8, ImageFormat::Png)
}

/// Writes a file into `dir` and returns its path.
pub fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

pub const ALL: Subset = Subset { most: usize::MAX, seed: 1 };

pub fn read(path: &Path) -> Result<Samples, Error> {
    read_samples(path, &Options::default(), ALL)
}

/// Expects an error that names the file and holds each of `hints`, in at most three lines.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>, path: &Path, hints: &[&str]) {
    let message = result.unwrap_err().to_string();
    assert!(message.contains(path.to_str().unwrap()), "no path in {message}");
    for hint in hints {
        assert!(message.contains(hint), "no {hint:?} in {message}");
    }
    assert!(message.lines().count() <= 3, "{message}");
}
