//! Data sets: training and test images with labels, from any source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mnist_io::{Dataset, Images, find_files, prefix_of_file, read_labels};

use crate::checks::value_range_text;
use crate::error::{Problem, Result};
use crate::options::{Options, Subset};
use crate::parts::{Part, SplitName, parts, refuse_several, transform_images};
use crate::stack::Loaded;
use crate::{entry, labels};

/// Seed that selects the held-out tenth of a source without test split.
const HELD_OUT_SEED: u64 = 0;

/// A data set.
#[derive(Debug)]
pub struct Set {
    /// The training images.
    pub train: Dataset,
    /// The test images.
    pub test: Dataset,
    /// Numbers, size, format, range and classes of the images, in one line.
    pub summary: String,
    /// A sentence for each decision: held-out images, shifted labels.
    pub notes: Vec<String>,
}

/// One split before its labels are final.
struct RawSplit {
    images: Images,
    labels: Option<Vec<i64>>,
    format: String,
    /// For messages.
    name: String,
}

/// Reads a data set: a folder, an archive, a file, or standard input (`-`).
///
/// A source without labels gives an unlabeled data set. In a source without test images,
/// a seeded tenth of the images is held out.
///
/// # Errors
/// [`crate::Error`] for a source without images or that breaks a rule of its format.
pub fn read_set(path: &Path, options: &Options) -> Result<Set> {
    let mut notes = Vec::new();
    let splits = match idx_files(path)? {
        Some(files) => read_idx(&files, options)?,
        None => read_parts(path, options, &mut notes)?,
    };
    finish(path, splits, options, notes)
}

/// The four files of an IDX data set: those in the folder `path`, or those with the prefix of the
/// file `path`.
fn idx_files(path: &Path) -> Result<Option<[Option<PathBuf>; 4]>> {
    let files = if path.is_dir() {
        find_files(path, None)?
    } else {
        let name = path.file_name().and_then(|name| name.to_str());
        let (Some(prefix), Some(dir)) = (name.and_then(prefix_of_file), path.parent()) else {
            return Ok(None);
        };
        // The folder of a bare name is the current one.
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        find_files(dir, Some(prefix))?
    };
    let [train, train_labels, test, test_labels] = files;
    // A test split alone is a set too.
    Ok(match (train, test) {
        (None, None) => None,
        (None, test) => Some([test, test_labels, None, None]),
        (train, test) => Some([train, train_labels, test, test_labels]),
    })
}

fn read_idx(
    [train, train_labels, test, test_labels]: &[Option<PathBuf>; 4],
    options: &Options,
) -> Result<[Option<RawSplit>; 2]> {
    let split = |images: &Option<PathBuf>, labels: &Option<PathBuf>| -> Result<Option<RawSplit>> {
        let Some(path) = images else {
            return Ok(None);
        };
        let name = path.display().to_string();
        let images = Images::read_file(path)?;
        let labels = labels.as_ref().map(|labels| read_labels(labels, images.len())).transpose()?;
        let images =
            transform_images(images, options, None).map_err(|problem| problem.in_file(&name))?;
        Ok(Some(RawSplit { images, labels, format: "IDX".to_owned(), name }))
    };
    Ok([split(train, train_labels)?, split(test, test_labels)?])
}

fn read_parts(
    path: &Path,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<[Option<RawSplit>; 2]> {
    let entries = entry::list(path)?;
    let mut all = parts(path, &entries, options)?;
    if all.iter().any(|part| part.split == Some(SplitName::Test)) {
        let before = all.len();
        all.retain(|part| part.split != Some(SplitName::Validation));
        if all.len() < before {
            notes.push("the validation images are not used".to_owned());
        }
    }
    let mapping = ClassNames::new(&all);
    notes.extend(mapping.note());
    let is_test = |part: &Part<'_>| part.split.is_some_and(|split| split != SplitName::Train);
    let (mut test, mut train): (Vec<_>, Vec<_>) = all.into_iter().partition(is_test);
    if train.is_empty() {
        std::mem::swap(&mut train, &mut test);
    }
    refuse_several(path, &train)?;
    refuse_several(path, &test)?;
    let split = |parts: Vec<Part<'_>>| {
        parts.into_iter().next().map(|part| read_split(&part, &mapping, options)).transpose()
    };
    Ok([split(train)?, split(test)?])
}

fn read_split(part: &Part<'_>, mapping: &ClassNames, options: &Options) -> Result<RawSplit> {
    let Loaded { images, labels, format, .. } = part.load(options, None)?;
    let named = |problem: Problem| problem.in_file(&part.name);
    let labels = match (labels, part.labels, &part.classes) {
        (Some(labels), _, _) => Some(labels::whole(&labels).map_err(named)?),
        (None, Some(entry), _) => Some(labels::read(entry, images.len(), &part.name)?),
        (None, None, Some(classes)) => {
            Some(classes.iter().map(|class| mapping.label(class)).collect())
        }
        (None, None, None) => None,
    };
    Ok(RawSplit { images, labels, format, name: part.name.clone() })
}

/// The label of each folder of pictures: its number, or else its place in the alphabet.
struct ClassNames(Vec<String>);

impl ClassNames {
    fn new(parts: &[Part<'_>]) -> ClassNames {
        let names = parts.iter().filter_map(|part| part.classes.as_ref()).flatten();
        let names: BTreeSet<&str> = names.copied().collect();
        ClassNames(names.into_iter().map(ToOwned::to_owned).collect())
    }

    fn are_numbers(&self) -> bool {
        self.0.iter().all(|name| name.parse::<u8>().is_ok())
    }

    fn label(&self, class: &str) -> i64 {
        let number = class.parse().ok().filter(|_| self.are_numbers());
        let place = || self.0.iter().position(|name| name == class).unwrap_or_default();
        number.unwrap_or_else(|| place() as i64)
    }

    fn note(&self) -> Option<String> {
        if self.are_numbers() {
            return None;
        }
        let mut pairs: Vec<String> =
            self.0.iter().enumerate().map(|(label, name)| format!("{label} = {name}")).collect();
        if pairs.len() > 10 {
            pairs.truncate(10);
            pairs.push("…".to_owned());
        }
        let names: String = pairs.join(", ").chars().filter(|c| !c.is_control()).collect();
        Some(format!("classes: {names}"))
    }
}

/// Makes labels classes from 0, and holds test images out if there are none.
fn finish(
    path: &Path,
    [train, mut test]: [Option<RawSplit>; 2],
    options: &Options,
    mut notes: Vec<String>,
) -> Result<Set> {
    let train = train.ok_or_else(|| Problem::NoImages("").at(path))?;
    if let Some(unlabeled) = test.take_if(|test| test.labels.is_none() && train.labels.is_some()) {
        notes.push(format!("{} has no labels and is not used", unlabeled.name));
    }
    let both = [Some(&train), test.as_ref()];
    let given = both.into_iter().flatten().filter_map(|split| split.labels.as_ref());
    let offset = labels::offset(given, options).map_err(|problem| problem.at(path))?;
    if offset != 0 {
        notes.push(format!("labels from {offset} are counted from 0"));
    }
    let format = train.format;
    let dataset =
        |images, labels, name: &str| labels::dataset(images, labels, offset, options, name);
    let all = dataset(train.images, train.labels, &train.name)?;
    let (train, test) = match test {
        Some(split) => {
            // Both splits are used together, so their sizes agree.
            let size = |images: &Images| (images.rows(), images.cols());
            if size(&split.images) != size(all.images()) {
                let ((rows, cols), first) = (size(&split.images), size(all.images()));
                let first = format!("{}x{}", first.0, first.1);
                return Err(Problem::SizesDiffer { rows, cols, first }.in_file(&split.name));
            }
            (all, dataset(split.images, split.labels, &split.name)?)
        }
        None => {
            let (train, test) = hold_out(&all).ok_or_else(|| Problem::OneImage.at(path))?;
            notes.push(format!(
                "there are no test images: {} of the {} images are held out for that (seed \
                 {HELD_OUT_SEED})",
                test.len(),
                all.len()
            ));
            (train, test)
        }
    };
    let images = train.images();
    let summary = format!(
        "{} training and {} test images of {}x{} ({format}), {}, {}",
        train.len(),
        test.len(),
        images.rows(),
        images.cols(),
        value_range_text(images),
        classes(&train),
    );
    Ok(Set { train, test, summary, notes })
}

/// A seeded tenth of the images as test images, the others as training images, both in
/// their order.
fn hold_out(all: &Dataset) -> Option<(Dataset, Dataset)> {
    let most = all.len().div_ceil(10);
    let test = Subset { most, seed: HELD_OUT_SEED }.choose(all.len())?;
    let train: Vec<usize> =
        (0..all.len()).filter(|index| test.binary_search(index).is_err()).collect();
    Some((all.select(&train)?, all.select(&test)?))
}

/// "10 classes (0 to 9)".
fn classes(set: &Dataset) -> String {
    let classes: BTreeSet<u8> = set.labels().iter().copied().collect();
    match (set.is_labeled(), classes.first(), classes.last()) {
        (true, Some(first), Some(last)) if first == last => format!("one class ({first})"),
        (true, Some(first), Some(last)) => format!("{} classes ({first} to {last})", classes.len()),
        _ => "no labels".to_owned(),
    }
}
