//! Animated GIFs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use run_dir::write_atomic;

use crate::canvas::{Bitmap, Color};
use crate::error::{Error, Result};
use crate::palette::{most_frequent, nearest_indices};

/// How long the frames of an animation are visible, in hundredths of a second,
/// the unit of the GIF format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Each frame except the last.
    pub frame_centiseconds: u16,
    /// The last frame.
    pub last_centiseconds: u16,
}

impl Timing {
    /// Returns a timing that shows `frames` frames in about eight seconds, 0.06
    /// to 0.5 seconds each, and the last one for 2.5 seconds.
    pub fn for_frames(frames: usize) -> Timing {
        let share = 800 / frames.max(1);
        Timing { frame_centiseconds: share.clamp(6, 50) as u16, last_centiseconds: 250 }
    }
}

/// Writes `frames` to `path` as a GIF that repeats forever, atomically.
///
/// The GIF has the 256 most frequent colors of all frames. Pixels of other
/// colors get the nearest of these.
///
/// # Errors
/// [`Error::Empty`] without frames, [`Error::SizesDiffer`] for frames of
/// different sizes, [`Error::TooLarge`] if a side exceeds the format's 65,535
/// pixels, [`Error::Run`] if the file cannot be written.
pub fn write_gif<C: Color>(path: &Path, frames: &[Bitmap<C>], timing: Timing) -> Result<()> {
    Ok(write_atomic(path, gif(frames, timing)?)?)
}

/// Checks the frames and returns the function that writes the GIF.
pub(crate) fn gif<C: Color>(
    frames: &[Bitmap<C>],
    timing: Timing,
) -> Result<impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>> {
    let size = |frame: &Bitmap<C>| (frame.width(), frame.height());
    let first = frames.first().map(size).ok_or(Error::Empty)?;
    if let Some(other) = frames.iter().map(size).find(|other| *other != first) {
        return Err(Error::SizesDiffer { first, other });
    }
    let (Ok(width), Ok(height)) = (u16::try_from(first.0), u16::try_from(first.1)) else {
        return Err(Error::TooLarge { width: first.0, height: first.1 });
    };
    Ok(move |w: &mut BufWriter<&File>| {
        encode(w, frames, (width, height), timing).map_err(|e| match e {
            gif::EncodingError::Io(e) => e,
            e => io::Error::other(e),
        })
    })
}

fn encode<C: Color>(
    writer: impl Write,
    frames: &[Bitmap<C>],
    (width, height): (u16, u16),
    timing: Timing,
) -> std::result::Result<(), gif::EncodingError> {
    let palette = most_frequent(frames.iter().map(rgb));
    let mut encoder = gif::Encoder::new(writer, width, height, palette.as_flattened())?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for (i, frame) in frames.iter().enumerate() {
        let is_last = i + 1 == frames.len();
        encoder.write_frame(&gif::Frame {
            width,
            height,
            delay: if is_last { timing.last_centiseconds } else { timing.frame_centiseconds },
            buffer: nearest_indices(&rgb(frame), &palette).into(),
            ..gif::Frame::default()
        })?;
    }
    encoder.into_inner()?;
    Ok(())
}

/// Returns the pixels as red, green and blue.
fn rgb<C: Color>(frame: &Bitmap<C>) -> Vec<[u8; 3]> {
    let pixels = frame.pixels().chunks_exact(C::PNG.samples());
    pixels.map(|channels| std::array::from_fn(|i| channels[i % channels.len()])).collect()
}
