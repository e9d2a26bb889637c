//! Reads the labels of a data set.

use std::io::Read;
use std::path::Path;

use crate::element::{ElementType, IdxData};
use crate::error::{Error, Result};
use crate::idx::Idx;
use crate::read::{read, read_file_if};

/// The most columns of a table of labels. QMNIST has 8.
const MAX_COLUMNS: usize = 64;

/// Reads the labels of `images` images from an IDX file of integers, `[n]`, or
/// `[n, columns]` as in QMNIST, whose first column holds the classes.
///
/// # Errors
/// Those of [`Idx::read_file`], or [`Error::InFile`] with [`Error::NotLabels`] or
/// [`Error::LabelCount`]. The data of such a file are not read.
pub fn read_labels(path: &Path, images: usize) -> Result<Vec<i64>> {
    let idx = read_file_if(path, |element, shape| check_header(element, shape, images))?;
    Ok(classes(idx))
}

/// Reads labels as [`read_labels`] does, from a stream.
///
/// # Errors
/// Those of [`Idx::read`], [`Error::NotLabels`] and [`Error::LabelCount`].
pub fn read_labels_from(reader: impl Read, images: usize) -> Result<Vec<i64>> {
    let idx = read(reader, None, |element, shape| check_header(element, shape, images))?;
    Ok(classes(idx))
}

fn check_header(element: ElementType, shape: &[usize], images: usize) -> Result<()> {
    let other = matches!(element, ElementType::I8 | ElementType::F32 | ElementType::F64);
    match *shape {
        [labels] | [labels, 1..=MAX_COLUMNS] if !other => match labels == images {
            true => Ok(()),
            false => Err(Error::LabelCount { images, labels }),
        },
        _ => Err(Error::NotLabels { element, shape: shape.to_vec() }),
    }
}

/// The first column.
fn classes(idx: Idx) -> Vec<i64> {
    let (shape, data) = idx.into_parts();
    let columns = shape.get(1).copied().unwrap_or(1);
    fn first<T: Copy + Into<i64>>(values: &[T], columns: usize) -> Vec<i64> {
        values.iter().step_by(columns).map(|&value| value.into()).collect()
    }
    match data {
        IdxData::U8(v) => first(&v, columns),
        IdxData::I16(v) => first(&v, columns),
        IdxData::I32(v) => first(&v, columns),
        // `check_header` refuses them.
        IdxData::I8(_) | IdxData::F32(_) | IdxData::F64(_) => Vec::new(),
    }
}
