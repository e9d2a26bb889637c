//! The folder of a data set: checks it, and downloads MNIST into it if it is empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::HumanCount;
use mnist_io::known::{self, KnownFile, KnownSet, MNIST};
use mnist_io::{Dataset, Split};

use crate::error::user_error;
use crate::mirrors;
use crate::progress::say;
use crate::workspace::Workspace;

/// Checks the data set in `dir` and describes it. Downloads MNIST if `dir` holds none of the four
/// files, or only some files of MNIST. Overwrites nothing.
pub fn ensure(workspace: &Workspace, dir: &Path) -> Result<String> {
    if missing_files(&MNIST, dir)?.is_empty() {
        return check(dir);
    }
    let _lock = workspace.lock()?;
    let missing = missing_files(&MNIST, dir)?;
    if !missing.is_empty() {
        say(format_args!("fetching MNIST into {}", dir.display()));
        // Fails before the download if the folder cannot be created.
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        run_dir::remove_temporary_files(dir)?;
        mirrors::fetch(&missing, dir, &workspace.staging())
            // This removes the folder only if it is empty.
            .inspect_err(|_| drop(fs::remove_dir(dir)))?;
    }
    check(dir)
}

/// Checks the data set in the folder that the user named, or fetches MNIST into the default folder.
/// Returns the folder. Nothing is written into a folder that the user names.
pub fn find(workspace: &Workspace, named: Option<&Path>) -> Result<PathBuf> {
    let dir = workspace.paths().data(named);
    match named {
        Some(_) => check(&dir)?,
        None => ensure(workspace, &dir)?,
    };
    Ok(dir)
}

/// Checks that `dir` holds any data set, and describes it.
pub fn check(dir: &Path) -> Result<String> {
    let open = |split| Dataset::open(dir, split).map_err(|e| explain(&e, dir));
    let (train, test) = (open(Split::Train)?, open(Split::Test)?);
    let known = known::identify(&train.images_sha256(), &train.labels_sha256());
    let title = known.map_or("a data set of your own", |set| set.title);
    let [train, test] = [train, test].map(|set| HumanCount(set.len() as u64));
    Ok(format!("{title}, {train} training and {test} test images"))
}

fn explain(error: &mnist_io::Error, dir: &Path) -> anyhow::Error {
    use mnist_io::Error::{MissingFile, MissingFolder};
    let fetch = format!("cargo xtask fetch --data {}", dir.display());
    let remedy = match error.rule() {
        // The missing folder may be that of another data set.
        MissingFolder { .. } => "correct the path; `cargo xtask train` without --data trains on \
                                 MNIST"
            .to_owned(),
        MissingFile { .. } => "put the missing file there, or name another folder".to_owned(),
        _ => format!("replace that file; if it belongs to MNIST, remove it and run `{fetch}`"),
    };
    user_error(error.to_string(), remedy)
}

/// The files of `set` that `dir` lacks. Some files of another data set are an error; four files of
/// any data set are complete.
fn missing_files(set: &KnownSet, dir: &Path) -> Result<Vec<KnownFile>> {
    let explain = |e| explain(&e, dir);
    let (mut present, mut missing) = (Vec::new(), Vec::new());
    for (file, path) in set.files.iter().zip(set.find(dir).map_err(explain)?) {
        match path {
            Some(path) => present.push((file, path)),
            None => missing.push(*file),
        }
    }
    if present.is_empty() || missing.is_empty() {
        return Ok(missing);
    }
    for (file, path) in present {
        if !file.is_at(&path).map_err(explain)? {
            let names: Vec<_> = missing.iter().map(|f| f.name).collect();
            let (dir, names) = (dir.display(), names.join(", no "));
            return Err(user_error(
                format!("{dir} holds some files of a data set, but no {names}"),
                "put the missing files there, or name another folder with --data; MNIST is \
                 downloaded into a folder without any of the four files",
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
        Images::new(2, 2, vec![7; 4 * count]).unwrap().write_file(&dir.join(images)).unwrap();
        Idx::new(vec![count], IdxData::U8(vec![1; count]))
            .unwrap()
            .write_file(&dir.join(labels))
            .unwrap();
    }

    #[test]
    fn any_four_files_are_a_complete_data_set() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3);
        write(dir, "t10k-images.idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 2);
        assert_eq!(missing_files(&MNIST, dir).unwrap(), []);
        let words = check(dir).unwrap();
        assert_eq!(words, "a data set of your own, 3 training and 2 test images");
    }

    #[test]
    fn an_empty_or_missing_folder_lacks_all_four_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(missing_files(&MNIST, dir.path()).unwrap(), MNIST.files);
        assert_eq!(missing_files(&MNIST, &dir.path().join("none")).unwrap(), MNIST.files);
    }

    #[test]
    fn some_files_of_another_data_set_are_an_error_that_names_the_missing_files() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3);
        let error = missing_files(&MNIST, dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("no t10k-images-idx3-ubyte, no t10k-labels-idx1-ubyte"), "{error}");
    }

    #[test]
    fn some_files_of_the_known_set_lack_only_the_others_even_if_packed() {
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
        let lacks = missing_files(&set, dir.path()).unwrap();
        assert_eq!(lacks, [train_images, train_labels]);
        // The error names an incomplete file; it does not report another data set.
        fs::write(&path, &packed[..packed.len() - 3]).unwrap();
        let error = missing_files(&set, dir.path()).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_different_number_of_labels_and_images_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", "x", 3);
        write(dir.path(), "x2", "train-labels-idx1-ubyte", 2);
        let error = check(dir.path()).unwrap_err().to_string();
        assert!(error.contains("3 images but 2 labels"), "{error}");
    }
}
