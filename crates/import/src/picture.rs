//! PNG and JPEG pictures, decoded to gray.

use std::io::{Cursor, Read};

use image::{DynamicImage, ImageReader, Limits};

use crate::entry::Entry;
use crate::error::{Problem, ProblemResult, Result};
use crate::transform::{MAX_SIDE, Plane};

/// Maximum length of the file of a picture.
const MAX_PICTURE_BYTES: u64 = 64 << 20;

/// Decodes a picture. `gray` converts colors and lays transparent pixels on black; without
/// it they are refused.
pub(crate) fn decode(entry: &Entry, gray: bool) -> Result<Plane> {
    let bytes = entry.read(|reader| {
        let mut bytes = Vec::new();
        reader.take(MAX_PICTURE_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    })?;
    decode_bytes(bytes, gray).map_err(|problem| problem.in_file(&entry.name))
}

fn decode_bytes(bytes: Vec<u8>, gray: bool) -> ProblemResult<Plane> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE as u32);
    limits.max_image_height = Some(MAX_SIDE as u32);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let picture = reader.decode().map_err(|e| Problem::Picture(e.to_string()))?;
    let (rows, cols) = (picture.height() as usize, picture.width() as usize);
    let pixels = match picture {
        DynamicImage::ImageLuma8(luma) => luma.into_raw(),
        DynamicImage::ImageLuma16(_) => picture.into_luma8().into_raw(),
        colored => {
            let pixels = colored.into_rgba8();
            let is_gray = |p: &image::Rgba<u8>| p.0[0] == p.0[1] && p.0[1] == p.0[2];
            if !gray && !pixels.pixels().all(|p| is_gray(p) && p.0[3] == 255) {
                return Err(Problem::Color);
            }
            pixels.pixels().map(|p| luma(p.0)).collect()
        }
    };
    Ok(Plane { rows, cols, pixels })
}

/// ITU-R BT.601's luma, on black.
fn luma([r, g, b, alpha]: [u8; 4]) -> u8 {
    let [r, g, b, alpha] = [r, g, b, alpha].map(f64::from);
    ((0.299 * r + 0.587 * g + 0.114 * b) * alpha / 255.0).round() as u8
}
