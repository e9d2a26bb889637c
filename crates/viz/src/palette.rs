//! The colors of a GIF, which has at most 256.

use std::cmp::Reverse;
use std::collections::HashMap;

/// The largest number of colors in a GIF.
const MAX_COLORS: usize = 256;

type Rgb = [u8; 3];

/// Returns the most frequent colors of all frames, at most 256. The most
/// frequent color is first; of two equally frequent colors, the darker one.
pub fn most_frequent(frames: impl Iterator<Item = Vec<Rgb>>) -> Vec<Rgb> {
    let mut counts: HashMap<Rgb, usize> = HashMap::new();
    for pixels in frames {
        for run in pixels.chunk_by(|a, b| a == b) {
            *counts.entry(run[0]).or_default() += run.len();
        }
    }
    let mut colors: Vec<(Rgb, usize)> = counts.into_iter().collect();
    colors.sort_by_key(|(color, count)| (Reverse(*count), *color));
    colors.truncate(MAX_COLORS);
    colors.into_iter().map(|(color, _)| color).collect()
}

/// Returns the index of the nearest color in `palette` for each pixel.
/// `palette` has at most 256 colors.
pub fn nearest_indices(pixels: &[Rgb], palette: &[Rgb]) -> Vec<u8> {
    let mut known: HashMap<Rgb, u8> = HashMap::new();
    let mut indices = Vec::with_capacity(pixels.len());
    for run in pixels.chunk_by(|a, b| a == b) {
        let index = known.entry(run[0]).or_insert_with_key(|color| nearest(color, palette));
        indices.extend(std::iter::repeat_n(*index, run.len()));
    }
    indices
}

fn nearest(color: &Rgb, palette: &[Rgb]) -> u8 {
    let squared = |other: &Rgb| -> u32 {
        let channels = other.iter().zip(color);
        channels.map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum()
    };
    (0..=u8::MAX).zip(palette).min_by_key(|(_, other)| squared(other)).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_frequent_colors_come_first_and_are_at_most_256() {
        let [a, b, c] = [[9, 9, 9], [1, 2, 3], [200, 0, 0]];
        let frames = [[a, b, b], [b, c, a]];
        let palette = most_frequent(frames.map(Vec::from).into_iter());
        assert_eq!(palette, [b, a, c]);
        let many: Vec<Rgb> = (0..1000_u32).map(|i| [(i % 250) as u8, (i / 250) as u8, 0]).collect();
        assert_eq!(most_frequent([many].into_iter()).len(), 256);
    }

    #[test]
    fn every_pixel_gets_the_nearest_color() {
        let palette = [[0, 0, 0], [255, 255, 255], [200, 0, 0]];
        let pixels = [[250, 250, 250], [250, 250, 250], [120, 10, 0], [40, 40, 40]];
        assert_eq!(nearest_indices(&pixels, &palette), [1, 1, 2, 0]);
        assert_eq!(nearest_indices(&palette, &palette), [0, 1, 2]);
    }
}
