//! Shared by the tests: generated images, and reading PNGs and GIFs.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod runs;
pub mod svg;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use mnist_io::Images;

/// Pseudorandom images.
pub fn images(n: usize, rows: usize, cols: usize, seed: u32) -> Images {
    let mut state = seed | 1;
    let pixels = (0..n * rows * cols).map(|_| {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 24) as u8
    });
    Images::new(rows, cols, pixels.collect()).unwrap()
}

/// Width and height of a gray PNG, and its pixels.
pub fn read_png(path: &Path) -> (usize, usize, Vec<u8>) {
    read(path, png::ColorType::Grayscale)
}

/// Width and height of an RGB PNG, and its pixels.
pub fn read_color_png(path: &Path) -> (usize, usize, Vec<u8>) {
    read(path, png::ColorType::Rgb)
}

fn read(path: &Path, color: png::ColorType) -> (usize, usize, Vec<u8>) {
    let file = BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let info = reader.info();
    assert_eq!(info.color_type, color);
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    let (width, height) = (info.width as usize, info.height as usize);
    let mut pixels = vec![0; width * height * color.samples()];
    reader.next_frame(&mut pixels).unwrap();
    (width, height, pixels)
}

/// A frame of a GIF.
pub struct GifFrame {
    pub width: usize,
    pub height: usize,
    /// Red, green and blue.
    pub pixels: Vec<u8>,
    /// In hundredths of a second.
    pub delay: u16,
}

/// The frames of a GIF, which must cover its whole area and repeat forever.
pub fn read_gif(path: &Path) -> Vec<GifFrame> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(File::open(path).unwrap()).unwrap();
    let size = (decoder.width(), decoder.height());
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        assert_eq!((frame.left, frame.top), (0, 0));
        assert_eq!((frame.width, frame.height), size);
        assert!(frame.buffer.chunks(4).all(|rgba| rgba[3] == 255));
        let rgb = frame.buffer.chunks(4).flat_map(|rgba| &rgba[..3]);
        frames.push(GifFrame {
            width: frame.width.into(),
            height: frame.height.into(),
            pixels: rgb.copied().collect(),
            delay: frame.delay,
        });
    }
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    frames
}

/// Gray pixels as red, green and blue.
pub fn gray_as_rgb(pixels: &[u8]) -> Vec<u8> {
    pixels.iter().flat_map(|gray| [*gray; 3]).collect()
}
