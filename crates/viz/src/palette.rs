//! The few colors that a GIF may hold.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Grays in a GIF: with fewer levels than 256 the coder finds more repetition,
/// and 32 can hardly be told from 256 by eye.
const GRAYS: u8 = 32;
/// Distance between two of them.
const GRAY_STEP: f32 = 255.0 / (GRAYS - 1) as f32;
/// Most colors of a GIF.
const COLORS: usize = 256;

/// Evenly spaced grays from black to white, as red, green, blue.
pub fn grays() -> Vec<u8> {
    (0..GRAYS)
        .flat_map(|level| [(f32::from(level) * GRAY_STEP).round() as u8; 3])
        .collect()
}

/// The position in [`grays`] nearest to each of `pixels`.
pub fn gray_indices(pixels: &[u8]) -> Vec<u8> {
    let level = |gray: &u8| (f32::from(*gray) / GRAY_STEP).round() as u8;
    pixels.iter().map(level).collect()
}

/// The colors that fill the most pixels of all frames, at most 256, as red,
/// green, blue; the commonest first, the darker of two equally common.
pub fn commonest<'a>(frames: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for pixels in frames {
        let (pixels, _) = pixels.as_chunks::<3>();
        for run in pixels.chunk_by(|a, b| a == b) {
            if let Some(color) = run.first() {
                *counts.entry(*color).or_default() += run.len();
            }
        }
    }
    let mut colors: Vec<([u8; 3], usize)> = counts.into_iter().collect();
    colors.sort_by_key(|(color, count)| (Reverse(*count), *color));
    colors
        .iter()
        .take(COLORS)
        .flat_map(|(color, _)| *color)
        .collect()
}

/// The position in `palette`, at most 256 colors, nearest to each of `pixels`;
/// both are red, green, blue.
pub fn nearest_indices(pixels: &[u8], palette: &[u8]) -> Vec<u8> {
    let (pixels, _) = pixels.as_chunks::<3>();
    let mut known: HashMap<[u8; 3], u8> = HashMap::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for run in pixels.chunk_by(|a, b| a == b) {
        if let Some(color) = run.first() {
            let index = *known
                .entry(*color)
                .or_insert_with(|| nearest(*color, palette));
            indices.extend(std::iter::repeat_n(index, run.len()));
        }
    }
    indices
}

fn nearest(color: [u8; 3], palette: &[u8]) -> u8 {
    let (palette, _) = palette.as_chunks::<3>();
    let squared = |other: &[u8; 3]| -> u32 {
        let channels = other.iter().zip(color);
        channels.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    (0..=u8::MAX)
        .zip(palette)
        .min_by_key(|(_, other)| squared(other))
        .map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_colors_come_first_and_are_at_most_256() {
        let [a, b, c] = [[9, 9, 9], [1, 2, 3], [200, 0, 0]];
        let frames = [[a, b, b].concat(), [b, c, a].concat()];
        let palette = commonest(frames.iter().map(Vec::as_slice));
        assert_eq!(palette, [b, a, c].concat());
        let many: Vec<u8> = (0..1000_u32)
            .flat_map(|i| [(i % 250) as u8, (i / 250) as u8, 0])
            .collect();
        assert_eq!(commonest([many.as_slice()].into_iter()).len(), 256 * 3);
    }

    #[test]
    fn every_pixel_gets_the_nearest_color() {
        let palette = [[0, 0, 0], [255, 255, 255], [200, 0, 0]].concat();
        let pixels = [[250, 250, 250], [250, 250, 250], [120, 10, 0], [40, 40, 40]].concat();
        assert_eq!(nearest_indices(&pixels, &palette), [1, 1, 2, 0]);
        assert_eq!(nearest_indices(&palette, &palette), [0, 1, 2]);
    }
}
