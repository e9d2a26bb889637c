//! The parts of a source: which files hold the images and labels of which split.

use std::collections::BTreeSet;
use std::path::Path;

use mnist_io::Images;

use crate::entry::Entry;
use crate::error::{Problem, ProblemResult, Result};
use crate::format::Format;
use crate::npy::Header;
use crate::options::{Options, Subset};
use crate::picture;
use crate::stack::{Loaded, PixelLayout, Stack};
use crate::transform::{Collector, Plane, check_size};

/// The images and labels of one split.
pub(crate) struct Part<'a> {
    /// `None` if the names of files and folders name no split.
    pub split: Option<SplitName>,
    pub images: Source<'a>,
    /// A file of labels.
    pub labels: Option<&'a Entry>,
    /// The folder of each picture, as classes.
    pub classes: Option<Vec<&'a str>>,
    /// For messages.
    pub name: String,
    /// For `--array`.
    array: String,
}

/// A split by the words in the names of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SplitName {
    Train,
    Test,
    Validation,
}

/// Where images are.
pub(crate) enum Source<'a> {
    Stack(Stack<'a>),
    Idx(&'a Entry),
    Pictures(Vec<&'a Entry>),
}

impl Part<'_> {
    /// Reads the images of `subset`.
    pub fn load(&self, options: &Options, subset: Option<Subset>) -> Result<Loaded> {
        let indices = |total| subset.and_then(|subset| subset.choose(total));
        match &self.images {
            Source::Stack(stack) => stack.load(options, subset),
            Source::Idx(entry) => {
                let images = entry.read(|reader| Ok(Images::read(reader)?))?;
                let total = images.len();
                let named = |problem: Problem| problem.in_file(&entry.name);
                let images = transform_images(images, options, indices(total)).map_err(named)?;
                Ok(Loaded { images, labels: None, total, format: "IDX".to_owned() })
            }
            Source::Pictures(entries) => {
                let total = entries.len();
                let mut images = Collector::default();
                for index in indices(total).unwrap_or_else(|| (0..total).collect()) {
                    let entry = entries[index];
                    let image = picture::decode(entry, options.gray)?;
                    let added = check_size(image.rows, image.cols, options)
                        .and_then(|()| images.add(image, options));
                    added.map_err(|problem| problem.in_file(&entry.name))?;
                }
                let images = images.finish().map_err(|problem| problem.in_file(&self.name))?;
                Ok(Loaded { images, labels: None, total, format: "pictures".to_owned() })
            }
        }
    }
}

/// Changes the images at `indices`, or all, as set in the options.
pub(crate) fn transform_images(
    images: Images,
    options: &Options,
    indices: Option<Vec<usize>>,
) -> ProblemResult<Images> {
    let (rows, cols) = (images.rows(), images.cols());
    check_size(rows, cols, options)?;
    if images.is_empty() {
        return Err(Problem::NoImages(""));
    }
    let plain = options.resize.is_none() && !options.transpose && !options.invert;
    if plain && options.range.is_none() && indices.is_none() {
        return Ok(images);
    }
    let range = options.range.map(|(low, high)| crate::range::Range { low, high, given: true });
    let mut changed = Collector::default();
    for index in indices.unwrap_or_else(|| (0..images.len()).collect()) {
        let Some(pixels) = images.pixels().get(index * rows * cols..(index + 1) * rows * cols)
        else {
            continue;
        };
        let pixel = |&pixel: &u8| range.map_or(pixel, |range| range.pixel(f64::from(pixel)));
        let pixels = pixels.iter().map(pixel).collect();
        changed.add(Plane { rows, cols, pixels }, options)?;
    }
    changed.finish()
}

/// The parts of a source.
pub(crate) fn parts<'a>(
    path: &Path,
    entries: &'a [Entry],
    options: &Options,
) -> Result<Vec<Part<'a>>> {
    let mut found = arrays(entries)?;
    if found.is_empty() {
        found = pictures(path, entries);
    }
    if found.is_empty() {
        found = tables(entries)?;
    }
    if found.is_empty() {
        // All entries are arrays of other shapes; the first one's error names its shape.
        for entry in entries.iter().filter(|entry| entry.format == Format::Npy) {
            PixelLayout::from_shape(&entry.read_start(Header::read)?.shape)
                .map_err(|problem| problem.in_file(&entry.name))?;
        }
        return Err(Problem::NothingThere { found: String::new() }.at(path));
    }
    if let Some(name) = &options.array {
        let names: Vec<String> = found.iter().map(|part| part.array.clone()).collect();
        found.retain(|part| part.array == *name);
        if found.is_empty() {
            return Err(Problem::NoArray { name: name.clone(), names: names.join(", ") }.at(path));
        }
    }
    Ok(found)
}

/// The one part of a source of samples. Pictures of all splits are one part.
pub(crate) fn single_part<'a>(
    path: &Path,
    entries: &'a [Entry],
    options: &Options,
) -> Result<Part<'a>> {
    let mut found = parts(path, entries, options)?;
    if found.iter().all(|part| matches!(part.images, Source::Pictures(_))) {
        let all = entries.iter().filter(|entry| entry.format == Format::Picture).collect();
        found.truncate(1);
        found.iter_mut().for_each(|part| part.images = Source::Pictures(Vec::clone(&all)));
    }
    refuse_several(path, &found)?;
    found.pop().ok_or_else(|| Problem::NoImages("").at(path))
}

/// Refuses several parts.
pub(crate) fn refuse_several(path: &Path, parts: &[Part<'_>]) -> Result<()> {
    if parts.len() < 2 {
        return Ok(());
    }
    let names: Vec<&str> = parts.iter().map(|part| part.array.as_str()).collect();
    let first = names[0].to_owned();
    Err(Problem::SeveralArrays { names: names.join(", "), first }.at(path))
}

/// NumPy arrays and IDX files, each with the labels that belong to it.
fn arrays(entries: &[Entry]) -> Result<Vec<Part<'_>>> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.format {
            Format::Npy => {
                let header = entry.read_start(Header::read)?;
                match header.shape[..] {
                    [_] | [_, 1] => labels.push(entry),
                    _ => {
                        if let Ok(stack) = Stack::npy(entry, header) {
                            images.push((entry, Source::Stack(stack)));
                        }
                    }
                }
            }
            Format::Idx if is_labels(entry) => labels.push(entry),
            Format::Idx => images.push((entry, Source::Idx(entry))),
            Format::Csv | Format::Picture | Format::Zip => {}
        }
    }
    let parts = images.into_iter().map(|(entry, images)| {
        let split = split_of(entry);
        let mut of_split = labels.iter().filter(|label| split_of(label) == split);
        let labels = match (of_split.clone().count(), of_split.next()) {
            (1, found) => found.copied(),
            _ => labels.iter().copied().find(|label| split_of(label) == split && is_labels(label)),
        };
        Part { split, images, labels, classes: None, name: entry.name.clone(), array: array(entry) }
    });
    Ok(parts.collect())
}

/// CSV files; of several, those whose names contain a split.
fn tables(entries: &[Entry]) -> Result<Vec<Part<'_>>> {
    let mut tables: Vec<&Entry> = entries.iter().filter(|e| e.format == Format::Csv).collect();
    if tables.len() > 1 && tables.iter().any(|entry| split_of(entry).is_some()) {
        tables.retain(|entry| split_of(entry).is_some());
    }
    let parts = tables.into_iter().map(|entry| {
        Ok(Part {
            split: split_of(entry),
            images: Source::Stack(Stack::csv(entry)?),
            labels: None,
            classes: None,
            name: entry.name.clone(),
            array: array(entry),
        })
    });
    parts.collect()
}

/// Pictures by split. Their folder is their class, unless it is the split's or the only one.
fn pictures<'a>(path: &Path, entries: &'a [Entry]) -> Vec<Part<'a>> {
    let all = entries.iter().filter(|entry| entry.format == Format::Picture);
    let mut splits: Vec<Option<SplitName>> = all.clone().map(folder_split).collect();
    splits.sort_unstable();
    splits.dedup();
    let class = |entry: &'a Entry| {
        let (folders, _) = entry.path.rsplit_once('/')?;
        let folder = folders.rsplit('/').next().unwrap_or(folders);
        split_word(folder).is_none().then_some(folder)
    };
    let distinct: BTreeSet<_> = all.clone().map(class).collect();
    let classified = distinct.len() > 1 && !distinct.contains(&None);
    let parts = splits.into_iter().map(|split| {
        let of_split = all.clone().filter(|entry| folder_split(entry) == split);
        Part {
            split,
            classes: classified.then(|| of_split.clone().filter_map(class).collect()),
            images: Source::Pictures(of_split.collect()),
            labels: None,
            name: path.display().to_string(),
            array: split.map_or("pictures".to_owned(), |split| format!("{split:?}").to_lowercase()),
        }
    });
    parts.collect()
}

fn is_labels(entry: &Entry) -> bool {
    let words = entry.path_words();
    let name = words.last().copied().unwrap_or_default().to_ascii_lowercase();
    let y = name.split(['_', '-', '.']).any(|word| word == "y");
    y || ["label", "target"].iter().any(|word| name.contains(word))
}

/// The name without folders and endings.
fn array(entry: &Entry) -> String {
    let name = if entry.path.is_empty() { &entry.name } else { &entry.path };
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split('.').next().unwrap_or(name).to_owned()
}

/// The split that the entry's name or its folders name.
fn split_of(entry: &Entry) -> Option<SplitName> {
    entry.path_words().into_iter().rev().find_map(split_word)
}

/// The split that the entry's folders name.
fn folder_split(entry: &Entry) -> Option<SplitName> {
    let words = entry.path_words();
    let (_, folders) = words.split_last()?;
    folders.iter().rev().find_map(|word| split_word(word))
}

fn split_word(name: &str) -> Option<SplitName> {
    name.to_ascii_lowercase().split(|c: char| !c.is_alphanumeric()).find_map(|word| {
        Some(match word {
            "train" | "training" => SplitName::Train,
            "test" | "testing" | "t10k" => SplitName::Test,
            "val" | "valid" | "validation" | "dev" => SplitName::Validation,
            _ => return None,
        })
    })
}
