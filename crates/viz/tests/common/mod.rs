//! What the tests share: images without meaning, and reading pictures back.
#![allow(dead_code, reason = "not every test file needs all of it")]

pub mod runs;
pub mod svg;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use mnist_io::Images;

/// Images whose pixels repeat late: a multiplicative generator's high bytes.
pub fn images(n: usize, rows: usize, cols: usize, seed: u32) -> Images {
    let mut state = seed | 1;
    let pixels = (0..n * rows * cols).map(|_| {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 24) as u8
    });
    Images::new(rows, cols, pixels.collect()).unwrap()
}

/// A frame's pixels, and its delay as a fraction of a second.
pub type Frame = (Vec<u8>, Option<(u16, u16)>);

/// A gray PNG's width, height and frames.
pub fn read_png(path: &Path) -> (u32, u32, Vec<Frame>) {
    read(path, png::ColorType::Grayscale)
}

/// The same of an RGB one.
pub fn read_color_png(path: &Path) -> (u32, u32, Vec<Frame>) {
    read(path, png::ColorType::Rgb)
}

fn read(path: &Path, color: png::ColorType) -> (u32, u32, Vec<Frame>) {
    let file = BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let info = reader.info();
    assert_eq!(info.color_type, color);
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    let (width, height) = info.size();
    let count = match info.animation_control() {
        Some(control) => {
            assert_eq!(control.num_plays, 0, "it loops for ever");
            control.num_frames
        }
        None => 1,
    };
    let frames = (0..count).map(|_| {
        let mut pixels = vec![0; width as usize * height as usize * color.samples()];
        reader.next_frame(&mut pixels).unwrap();
        let control = reader.info().frame_control();
        (pixels, control.map(|c| (c.delay_num, c.delay_den)))
    });
    let frames = frames.collect();
    (width, height, frames)
}

/// How many frames a GIF has.
pub fn gif_frames(path: &Path) -> usize {
    let file = File::open(path).unwrap();
    let mut decoder = gif::DecodeOptions::new().read_info(file).unwrap();
    let mut count = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        count += 1;
    }
    count
}
