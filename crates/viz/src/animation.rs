//! Frames that follow each other, as an animated GIF or an animated PNG.

use std::io::{self, Write};
use std::path::Path;

use run_dir::write_atomic;

use crate::canvas::png_encoder;
use crate::palette;
use crate::{Canvas, ColorCanvas, Error, Result};

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

/// A picture that can be a frame of an animation: a [`Canvas`] or a
/// [`ColorCanvas`].
pub trait Frame: sealed::Frame {}

impl Frame for Canvas {}
impl Frame for ColorCanvas {}

mod sealed {
    /// What the encoders ask of a picture.
    pub trait Frame: Sized {
        /// How a PNG holds the pixels.
        const COLOR: png::ColorType;
        /// Width and height in pixels.
        fn size(&self) -> (usize, usize);
        /// All channels of all pixels.
        fn pixels(&self) -> &[u8];
        /// At most 256 colors for all of `frames`, as red, green, blue.
        fn palette(frames: &[Self]) -> Vec<u8>;
        /// Each pixel's position in such a palette.
        fn indices(&self, palette: &[u8]) -> Vec<u8>;
    }
}

impl sealed::Frame for Canvas {
    const COLOR: png::ColorType = png::ColorType::Grayscale;

    fn size(&self) -> (usize, usize) {
        (self.width(), self.height())
    }

    fn pixels(&self) -> &[u8] {
        self.pixels()
    }

    fn palette(_: &[Self]) -> Vec<u8> {
        palette::grays()
    }

    fn indices(&self, _: &[u8]) -> Vec<u8> {
        palette::gray_indices(self.pixels())
    }
}

impl sealed::Frame for ColorCanvas {
    const COLOR: png::ColorType = png::ColorType::Rgb;

    fn size(&self) -> (usize, usize) {
        (self.width(), self.height())
    }

    fn pixels(&self) -> &[u8] {
        self.pixels()
    }

    fn palette(frames: &[Self]) -> Vec<u8> {
        palette::commonest(frames.iter().map(ColorCanvas::pixels))
    }

    fn indices(&self, palette: &[u8]) -> Vec<u8> {
        palette::nearest_indices(self.pixels(), palette)
    }
}

/// Writes `frames` to `path` as a GIF that loops for ever, whole or not at all:
/// gray ones in 32 grays, colored ones in their 256 commonest colors, and each
/// pixel in the nearest of these.
///
/// # Errors
/// [`Error::Empty`] without frames, [`Error::FramesDiffer`] where not all have
/// one size, [`Error::TooLarge`] where a side is longer than the format's
/// 65,535 pixels, [`Error::Run`] where the file cannot be written.
pub fn write_gif<F: Frame>(path: &Path, frames: &[F], timing: Timing) -> Result<()> {
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

fn encode_gif<F: Frame>(
    writer: impl Write,
    frames: &[F],
    (width, height): (u16, u16),
    timing: Timing,
) -> std::result::Result<(), gif::EncodingError> {
    let palette = F::palette(frames);
    let mut encoder = gif::Encoder::new(writer, width, height, &palette)?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for (i, frame) in frames.iter().enumerate() {
        encoder.write_frame(&gif::Frame {
            width,
            height,
            delay: timing.of(i, frames.len()),
            buffer: frame.indices(&palette).into(),
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
pub fn write_apng<F: Frame>(path: &Path, frames: &[F], timing: Timing) -> Result<()> {
    let size = common_size(frames)?;
    Ok(write_atomic(path, |w| {
        encode_apng(w, frames, size, timing)
    })?)
}

fn encode_apng<F: Frame>(
    writer: impl Write,
    frames: &[F],
    size: (usize, usize),
    timing: Timing,
) -> io::Result<()> {
    let mut encoder = png_encoder(writer, size, F::COLOR);
    encoder.set_animated(frames.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for (i, frame) in frames.iter().enumerate() {
        writer.set_frame_delay(timing.of(i, frames.len()), 100)?;
        writer.write_image_data(frame.pixels())?;
    }
    Ok(writer.finish()?)
}

fn common_size<F: Frame>(frames: &[F]) -> Result<(usize, usize)> {
    let first = frames.first().map(F::size).ok_or(Error::Empty)?;
    match frames.iter().map(F::size).find(|other| *other != first) {
        Some(other) => Err(Error::FramesDiffer { first, other }),
        None => Ok(first),
    }
}
