//! Rows of images in one IDX file, u8 `[rows, images, height, width]`.

use std::path::Path;

use mnist_io::{Idx, IdxData, Images};

use crate::dir::RunDir;
use crate::error::{Error, Result, none_if_missing};

impl RunDir {
    /// Writes rows of equally many images of one size.
    ///
    /// # Errors
    /// [`Error::ImageRowsDiffer`] if the rows differ in shape, [`Error::NotImageRows`] without
    /// rows or images or if a row does not hold `columns` images, and those of
    /// [`RunDir::write_images`].
    pub fn write_image_rows(
        &self,
        path: &Path,
        rows: &[Images],
        columns: Option<usize>,
    ) -> Result<()> {
        let shape = |images: &Images| [images.len(), images.rows(), images.cols()];
        let first = rows.first().map_or([0; 3], shape);
        if let Some(other) = rows.iter().map(shape).find(|other| *other != first) {
            return Err(Error::ImageRowsDiffer { path: path.to_owned(), first, other });
        }
        let shape = vec![rows.len(), first[0], first[1], first[2]];
        let pixels = rows.iter().flat_map(Images::pixels).copied().collect();
        let idx = Idx::new(shape, IdxData::U8(pixels))?;
        check(path, &idx, columns)?;
        self.write_idx(path, &idx)
    }

    /// Reads a file of [`RunDir::write_image_rows`]. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::NotImageRows`] for an array of another type or shape or without `columns` images
    /// in each row, and those of [`RunDir::read_images`].
    pub fn image_rows(&self, path: &Path, columns: Option<usize>) -> Result<Option<Vec<Images>>> {
        let Some(idx) = none_if_missing(self.read_idx(path))? else {
            return Ok(None);
        };
        let (pixels, [columns, height, width]) = check(path, &idx, columns)?;
        let rows = pixels.chunks_exact(columns * height * width);
        let rows = rows.map(|row| Ok(Images::new(height, width, row.to_vec())?));
        rows.collect::<Result<_>>().map(Some)
    }
}

/// Returns the pixels, and images per row, height and width, all above 0.
fn check<'a>(path: &Path, idx: &'a Idx, columns: Option<usize>) -> Result<(&'a [u8], [usize; 3])> {
    match (idx.shape(), idx.data()) {
        (&[rows, found, height, width], IdxData::U8(pixels))
            if ![rows, found, height, width].contains(&0)
                && columns.is_none_or(|columns| columns == found) =>
        {
            Ok((pixels, [found, height, width]))
        }
        (shape, data) => Err(Error::NotImageRows {
            path: path.to_owned(),
            columns,
            found: format!("{} {shape:?}", data.element_type()),
        }),
    }
}
