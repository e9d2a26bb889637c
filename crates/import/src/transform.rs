//! Changes of single images: transposed, inverted, resized.

use image::GrayImage;
use image::imageops::{FilterType, resize};
use mnist_io::Images;

use crate::error::{Problem, ProblemResult};
use crate::options::Options;

/// Maximum number of rows and of columns of an image.
pub(crate) const MAX_SIDE: usize = 4096;

/// One gray image, u8 `[rows, cols]`.
pub(crate) struct Plane {
    pub rows: usize,
    pub cols: usize,
    pub pixels: Vec<u8>,
}

impl Plane {
    /// Transposes, inverts and resizes as set in the options.
    pub fn apply(mut self, options: &Options) -> Plane {
        if options.transpose {
            let (rows, cols) = (self.rows, self.cols);
            let at = |i: usize| self.pixels[i % rows * cols + i / rows];
            self = Plane { rows: cols, cols: rows, pixels: (0..rows * cols).map(at).collect() };
        }
        if options.invert {
            self.pixels.iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        }
        match options.resize {
            Some(side) if [self.rows, self.cols] != [side; 2] => self.resized(side),
            _ => self,
        }
    }

    /// Linear interpolation over the area that a new pixel covers (antialiased).
    fn resized(self, side: usize) -> Plane {
        let Plane { rows, cols, pixels } = self;
        let new = GrayImage::from_raw(cols as u32, rows as u32, pixels)
            .map(|old| resize(&old, side as u32, side as u32, FilterType::Triangle).into_raw());
        Plane { rows: side, cols: side, pixels: new.unwrap_or_default() }
    }
}

/// Collects images of one size.
#[derive(Default)]
pub(crate) struct Collector {
    size: Option<(usize, usize)>,
    pixels: Vec<u8>,
}

impl Collector {
    /// Adds an image, changed as set in the options.
    pub fn add(&mut self, image: Plane, options: &Options) -> ProblemResult<()> {
        let image = image.apply(options);
        let (rows, cols) = (image.rows, image.cols);
        let size = *self.size.get_or_insert((rows, cols));
        if size != (rows, cols) {
            let first = format!("{}x{}", size.0, size.1);
            return Err(Problem::SizesDiffer { rows, cols, first });
        }
        if self.pixels.len() + image.pixels.len() > mnist_io::MAX_BYTES {
            let images = self.pixels.len() / (rows * cols) + 1;
            return Err(Problem::TooLarge { shape: vec![images, rows, cols] });
        }
        self.pixels.extend(image.pixels);
        Ok(())
    }

    /// The images.
    pub fn finish(self) -> ProblemResult<Images> {
        let (rows, cols) = self.size.ok_or(Problem::NoImages(""))?;
        Images::new(rows, cols, self.pixels).map_err(|e| Problem::Archive(e.to_string()))
    }
}

/// Refuses images of a size that the command does not accept, before their pixels are read.
pub(crate) fn check_size(rows: usize, cols: usize, options: &Options) -> ProblemResult<()> {
    if rows.max(cols) > MAX_SIDE {
        return Err(Problem::TooLarge { shape: vec![rows, cols] });
    }
    let accepted = options.resize.is_some()
        || options.sides.is_empty()
        || options.sides.iter().any(|&side| [rows, cols] == [side; 2]);
    if accepted {
        return Ok(());
    }
    let accepted_sizes: Vec<String> =
        options.sides.iter().map(|side| format!("{side}x{side}")).collect();
    let import = if options.through_import { IMPORT } else { "" };
    Err(Problem::Size { rows, cols, accepted: accepted_sizes.join(" or "), import })
}

const IMPORT: &str =
    " in `cargo xtask import SOURCE --resize 28 --out DIR`, and use DIR with --data";
