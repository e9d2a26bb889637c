//! Frames that follow each other, as an animated GIF or an animated PNG.

use std::io::{self, Write};
use std::path::Path;

use run_dir::write_atomic;

use crate::{Canvas, Error, Result};

/// How long the frames of an animation stay, in hundredths of a second, the
/// unit of the GIF format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Every frame but the last.
    pub frame: u16,
    /// The last frame, before the animation starts over.
    pub last: u16,
}

impl Timing {
    /// A timing under which `frames` frames pass in about eight seconds, none
    /// faster than the eye follows or slower than it waits; the last frame
    /// stays for two and a half.
    pub fn for_frames(frames: usize) -> Timing {
        let share = 800 / frames.max(1);
        Timing {
            frame: share.clamp(6, 50) as u16,
            last: 250,
        }
    }

    fn of(self, frame: usize, frames: usize) -> u16 {
        if frame + 1 == frames {
            self.last
        } else {
            self.frame
        }
    }
}

/// Grays in a GIF: with fewer levels than 256 the coder finds more repetition,
/// and 64 cannot be told from 256 by eye.
const GIF_GRAYS: u8 = 32;

/// Writes `frames` to `path` as a GIF in 64 grays that loops for ever, whole or
/// not at all.
///
/// # Errors
/// [`Error::Empty`] without frames, [`Error::FramesDiffer`] where not all have
/// one size, [`Error::TooLarge`] where a side is longer than the format's
/// 65,535 pixels, [`Error::Run`] where the file cannot be written.
pub fn write_gif(path: &Path, frames: &[Canvas], timing: Timing) -> Result<()> {
    let (width, height) = common_size(frames)?;
    let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(Error::TooLarge { width, height });
    };
    Ok(write_atomic(path, |w| {
        encode_gif(w, frames, (width, height), timing).map_err(|e| match e {
            gif::EncodingError::Io(e) => e,
            e => io::Error::other(e),
        })
    })?)
}

fn encode_gif(
    writer: impl Write,
    frames: &[Canvas],
    (width, height): (u16, u16),
    timing: Timing,
) -> std::result::Result<(), gif::EncodingError> {
    let step = 255.0 / f32::from(GIF_GRAYS - 1);
    let palette: Vec<u8> = (0..GIF_GRAYS)
        .flat_map(|level| [(f32::from(level) * step).round() as u8; 3])
        .collect();
    let mut encoder = gif::Encoder::new(writer, width, height, &palette)?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for (i, canvas) in frames.iter().enumerate() {
        let levels = canvas.pixels().iter();
        encoder.write_frame(&gif::Frame {
            width,
            height,
            delay: timing.of(i, frames.len()),
            buffer: levels
                .map(|gray| (f32::from(*gray) / step).round() as u8)
                .collect(),
            ..gif::Frame::default()
        })?;
    }
    encoder.into_inner()?;
    Ok(())
}

/// Writes `frames` to `path` as an animated PNG that loops for ever, whole or
/// not at all. Programs that know no animation show the first frame.
///
/// # Errors
/// [`Error::Empty`] without frames, [`Error::FramesDiffer`] where not all have
/// one size, [`Error::Run`] where the file cannot be written.
pub fn write_apng(path: &Path, frames: &[Canvas], timing: Timing) -> Result<()> {
    let size = common_size(frames)?;
    Ok(write_atomic(path, |w| {
        encode_apng(w, frames, size, timing)
    })?)
}

fn encode_apng(
    writer: impl Write,
    frames: &[Canvas],
    (width, height): (usize, usize),
    timing: Timing,
) -> io::Result<()> {
    let mut encoder = png::Encoder::new(writer, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_animated(frames.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for (i, canvas) in frames.iter().enumerate() {
        writer.set_frame_delay(timing.of(i, frames.len()), 100)?;
        writer.write_image_data(canvas.pixels())?;
    }
    Ok(writer.finish()?)
}

fn common_size(frames: &[Canvas]) -> Result<(usize, usize)> {
    let size = |frame: &Canvas| (frame.width(), frame.height());
    let first = frames.first().map(size).ok_or(Error::Empty)?;
    match frames.iter().map(size).find(|other| *other != first) {
        Some(other) => Err(Error::FramesDiffer { first, other }),
        None => Ok(first),
    }
}
