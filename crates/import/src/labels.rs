//! Labels as classes from 0: read, shifted, filtered.

use std::collections::BTreeSet;

use mnist_io::{Dataset, Images, read_labels_from};

use crate::entry::Entry;
use crate::error::{Error, Problem, ProblemResult, Result};
use crate::format::Format;
use crate::npy::Header;
use crate::options::Options;

/// The largest label of digits. Labels that start above 0 and end above it are shifted.
const LARGEST_DIGIT: i64 = 9;

/// Reads the labels of the `images` images of the file `of`.
pub(crate) fn read(entry: &Entry, images: usize, of: &str) -> Result<Vec<i64>> {
    if entry.format == Format::Idx {
        return entry.read(|reader| Ok(read_labels_from(reader, images)?));
    }
    let header = entry.read_start(Header::read)?;
    let labels = header.shape.first().copied().unwrap_or_default();
    if labels != images {
        let problem = Problem::LabelCount { images, labels, of: of.to_owned() };
        return Err(problem.in_file(&entry.name));
    }
    if !matches!(header.shape[..], [_] | [_, 1]) {
        return Err(Problem::NotLabels(header.shape).in_file(&entry.name));
    }
    let mut values = Vec::new();
    entry.read(|reader| {
        let header = Header::read(reader)?;
        header.read_items(reader, &mut |_, label| {
            values.extend(label);
            Ok(())
        })
    })?;
    whole(&values).map_err(|problem| problem.in_file(&entry.name))
}

/// Labels that are whole numbers.
pub(crate) fn whole(values: &[f64]) -> ProblemResult<Vec<i64>> {
    let whole = values.iter().enumerate().map(|(image, &value)| {
        let fits = value.fract() == 0.0 && value.abs() < 1e15;
        fits.then_some(value as i64).ok_or(Problem::LabelValue { image, value })
    });
    whole.collect()
}

/// The label that becomes 0: the given one; or the smallest, for labels that start above 0
/// and end above 9, or do not fit a byte.
pub(crate) fn offset<'a>(
    labels: impl Iterator<Item = &'a Vec<i64>>,
    options: &Options,
) -> ProblemResult<i64> {
    let all: BTreeSet<i64> = labels.flatten().copied().collect();
    let (Some(&low), Some(&high)) = (all.first(), all.last()) else {
        return Ok(0);
    };
    let offset = match options.label_offset {
        Some(given) if given < 0 && low >= 0 => return Err(Problem::LabelOffset { given, low }),
        Some(given) => given,
        None if low < 0 || high > 255 => low,
        // The labels are consecutive, so the smallest becomes class 0.
        None if low > 0 && high > LARGEST_DIGIT && high - low == all.len() as i64 - 1 => low,
        None => 0,
    };
    match low >= offset && high - offset <= 255 {
        true => Ok(offset),
        false => Err(Problem::LabelRange { low, high }),
    }
}

/// A data set of the `images` of the classes in the options, with their labels less `offset`.
/// [`offset`] has checked the labels.
pub(crate) fn dataset(
    images: Images,
    labels: Option<Vec<i64>>,
    offset: i64,
    options: &Options,
    name: &str,
) -> Result<Dataset> {
    let Some(labels) = labels else {
        return Ok(Dataset::unlabeled(images));
    };
    let labels: Vec<u8> = labels.iter().map(|&label| (label - offset) as u8).collect();
    let set = Dataset::new(images, labels).map_err(Error::Idx)?;
    let Some(classes) = &options.classes else {
        return Ok(set);
    };
    let kept: Vec<usize> =
        (0..set.len()).filter(|&index| classes.contains(&set.labels()[index])).collect();
    let kept = set.select(&kept).filter(|kept| !kept.is_empty());
    kept.ok_or_else(|| Problem::NoImages(" of the classes of --classes").in_file(name))
}
