//! Pictures in the page: PNG files as data URIs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mnist_io::Images;

use crate::canvas::Canvas;
use crate::error::Result;
use crate::grid::{GridStyle, grid};

/// A picture with its text for screen readers.
pub struct Picture {
    pub uri: String,
    pub width: usize,
    pub height: usize,
    pub alt: String,
    pub caption: String,
}

impl Picture {
    /// Images as tiles with gaps.
    pub fn grid(images: &Images, columns: usize, alt: String, caption: String) -> Result<Picture> {
        let canvas = grid(images, columns, &GridStyle::default())?;
        let (width, height) = (canvas.width(), canvas.height());
        Ok(Picture { uri: data_uri(&canvas)?, width, height, alt, caption })
    }
}

/// Images without gaps as one PNG, in rows of `columns`.
pub fn sprite(images: &Images, columns: usize) -> Result<String> {
    let style = GridStyle { scale: 1, gap: 0, margin: 0, ..GridStyle::default() };
    data_uri(&grid(images, columns, &style)?)
}

fn data_uri(canvas: &Canvas) -> Result<String> {
    let mut png = Vec::new();
    canvas.encode_png(&mut png).map_err(|e| crate::Error::Page(e.to_string()))?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png)))
}
