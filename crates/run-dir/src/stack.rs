//! Rows of equally many images as one IDX file of four dimensions.

use std::path::Path;

use mnist_io::{Idx, IdxData, Images};

use crate::{Error, Result};

/// Writes u8 `[rows, columns, height, width]`, whole or not at all; with
/// `columns` each row must hold so many.
pub fn write(path: &Path, rows: &[Images], columns: Option<usize>) -> Result<()> {
    let shape = |images: &Images| [images.len(), images.rows(), images.cols()];
    let first = rows.first().map_or([0; 3], shape);
    if let Some(other) = rows.iter().map(shape).find(|other| *other != first) {
        return Err(Error::RowsDiffer {
            path: path.to_owned(),
            first,
            other,
        });
    }
    let shape = vec![rows.len(), first[0], first[1], first[2]];
    check(path, &shape, columns)?;
    let pixels = rows.iter().flat_map(Images::pixels).copied().collect();
    Ok(Idx::new(shape, IdxData::U8(pixels))?.write_file(path)?)
}

/// Reads what [`write`] wrote; `None` where there is no such file.
pub fn read(path: &Path, columns: Option<usize>) -> Result<Option<Vec<Images>>> {
    let Some(idx) = crate::present(Idx::read_file(path))? else {
        return Ok(None);
    };
    let (shape, data) = idx.into_parts();
    let IdxData::U8(pixels) = data else {
        return Err(Error::NotRows {
            path: path.to_owned(),
            columns,
            found: format!("{} {shape:?}", data.element_type()),
        });
    };
    let [columns, height, width] = check(path, &shape, columns)?;
    let rows = pixels.chunks_exact(columns * height * width);
    let rows = rows.map(|row| Ok(Images::new(height, width, row.to_vec())?));
    rows.collect::<Result<_>>().map(Some)
}

/// The sizes after the first, none of them 0.
fn check(path: &Path, shape: &[usize], columns: Option<usize>) -> Result<[usize; 3]> {
    match *shape {
        [rows, found, height, width]
            if rows > 0
                && found > 0
                && height > 0
                && width > 0
                && columns.is_none_or(|columns| columns == found) =>
        {
            Ok([found, height, width])
        }
        _ => Err(Error::NotRows {
            path: path.to_owned(),
            columns,
            found: format!("u8 {shape:?}"),
        }),
    }
}
