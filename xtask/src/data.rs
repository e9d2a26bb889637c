//! The data set's folder: what is in it, and MNIST put into it where nothing is.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use indicatif::HumanCount;
use mnist_io::known::{self, KnownFile, KnownSet, MNIST};
use mnist_io::{Dataset, Split};

use crate::fault::fault;
use crate::mirrors;
use crate::progress::say;
use crate::workspace::Workspace;

/// Checks the data set in `dir`, whichever it is, and puts MNIST there where
/// there is none. Returns what it is, in words. Overwrites nothing.
pub fn ensure(workspace: &Workspace, dir: &Path) -> Result<String> {
    if missing(dir)?.is_empty() {
        return check(dir);
    }
    let _turn = workspace.turn()?;
    let missing = missing(dir)?;
    if !missing.is_empty() {
        say(format_args!("fetching MNIST into {}", dir.display()));
        // Before anything is downloaded: a folder that cannot be made.
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        run_dir::remove_temporary_files(dir)?;
        mirrors::fetch(&missing, &workspace.staging(), |file, raw| {
            let path = dir.join(file.name);
            Ok(run_dir::write_atomic(&path, |w| w.write_all(raw))?)
        })
        // Only a folder that is still empty goes.
        .inspect_err(|_| drop(fs::remove_dir(dir)))?;
    }
    check(dir)
}

/// Checks that `dir` holds a data set, whichever it is. Returns what it is, in
/// words.
pub fn check(dir: &Path) -> Result<String> {
    let open = |split| Dataset::open(dir, split).map_err(|e| explain(&e, dir));
    let (train, test) = (open(Split::Train)?, open(Split::Test)?);
    let known = known::identify(&train.images_sha256(), &train.labels_sha256());
    let title = known.map_or("a data set of your own", |set| set.title);
    let count = |set: &Dataset| HumanCount(set.len() as u64);
    Ok(format!(
        "{title}, {} training and {} test images",
        count(&train),
        count(&test)
    ))
}

fn explain(error: &mnist_io::Error, dir: &Path) -> anyhow::Error {
    use mnist_io::Error::{MissingFile, MissingFolder};
    let fetch = format!("cargo xtask fetch --data {}", dir.display());
    let remedy = match error.rule() {
        MissingFolder { .. } => format!("correct the path, or put MNIST there with `{fetch}`"),
        MissingFile { .. } => "put the missing file there, or name another folder".to_owned(),
        _ => format!("replace that file; if it is MNIST's, remove it and run `{fetch}`"),
    };
    fault(error.to_string(), remedy)
}

/// The files of MNIST that `dir` lacks: all four, none, or what an interrupted
/// call left to do. Some files of another set are an error.
fn missing(dir: &Path) -> Result<Vec<KnownFile>> {
    missing_of(&MNIST, dir)
}

fn missing_of(set: &KnownSet, dir: &Path) -> Result<Vec<KnownFile>> {
    let refused = |e| explain(&e, dir);
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for (file, path) in set.files.iter().zip(set.find(dir).map_err(refused)?) {
        match path {
            Some(path) => there.push((file, path)),
            None => missing.push(*file),
        }
    }
    if there.is_empty() || missing.is_empty() {
        return Ok(missing);
    }
    for (file, path) in there {
        if !file.is_at(&path).map_err(refused)? {
            let names: Vec<_> = missing.iter().map(|f| f.name).collect();
            return Err(fault(
                format!(
                    "{} holds some files of a data set, but no {}",
                    dir.display(),
                    names.join(", no ")
                ),
                "put the missing files there, or name another folder with --data; a folder \
                 without any of the four files gets MNIST",
            ));
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use mnist_io::{Idx, IdxData, Images};

    use super::*;

    fn write(dir: &Path, images: &str, labels: &str, count: usize) {
        Images::new(2, 2, vec![7; 4 * count])
            .unwrap()
            .write_file(&dir.join(images))
            .unwrap();
        Idx::new(vec![count], IdxData::U8(vec![1; count]))
            .unwrap()
            .write_file(&dir.join(labels))
            .unwrap();
    }

    #[test]
    fn any_four_files_are_a_data_set_and_lack_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3);
        write(
            dir,
            "t10k-images.idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte.gz",
            2,
        );
        assert_eq!(missing(dir).unwrap(), []);
        let words = check(dir).unwrap();
        assert_eq!(
            words,
            "a data set of your own, 3 training and 2 test images"
        );
    }

    #[test]
    fn an_empty_or_absent_folder_lacks_all_four() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(missing(dir.path()).unwrap(), MNIST.files);
        assert_eq!(missing(&dir.path().join("none")).unwrap(), MNIST.files);
    }

    #[test]
    fn some_files_of_another_set_are_an_error_that_names_the_others() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            3,
        );
        let error = missing(dir.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("no t10k-images-idx3-ubyte, no t10k-labels-idx1-ubyte"),
            "{error}"
        );
    }

    #[test]
    fn genuine_files_lack_only_the_others_packed_too() {
        let dir = tempfile::tempdir().unwrap();
        let (images, labels) = ("t10k-images.idx3-ubyte.gz", "t10k-labels-idx1-ubyte");
        let plain = tempfile::tempdir().unwrap();
        write(plain.path(), "images", "labels", 2);
        let path = dir.path().join(images);
        let mut packed = Vec::new();
        let idx = Idx::read_file(&plain.path().join("images")).unwrap();
        idx.write_gzip(&mut packed).unwrap();
        fs::write(&path, &packed).unwrap();
        fs::copy(plain.path().join("labels"), dir.path().join(labels)).unwrap();
        let file = |name, plain_name: &str| {
            let bytes = fs::read(plain.path().join(plain_name)).unwrap();
            KnownFile {
                name,
                bytes: bytes.len() as u64,
                sha256: mnist_io::sha256_hex(&bytes).leak(),
            }
        };
        let [train_images, train_labels, ..] = MNIST.files;
        let set = KnownSet {
            files: [
                train_images,
                train_labels,
                file("t10k-images-idx3-ubyte", "images"),
                file(labels, "labels"),
            ],
            ..MNIST
        };
        let lacks = missing_of(&set, dir.path()).unwrap();
        assert_eq!(lacks, [train_images, train_labels]);
        // A download that broke off is called that, not another data set.
        fs::write(&path, &packed[..packed.len() - 3]).unwrap();
        let error = missing_of(&set, dir.path()).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn labels_that_do_not_fit_the_images_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", "x", 3);
        write(dir.path(), "x2", "train-labels-idx1-ubyte", 2);
        let error = check(dir.path()).unwrap_err().to_string();
        assert!(error.contains("3 images but 2 labels"), "{error}");
    }
}
