//! The folder of a data set: checks it, and downloads a known set into it if it is empty.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use indicatif::HumanCount;
use mnist_io::known::{self, KnownFile, KnownSet, MNIST};
use mnist_io::{Dataset, Split, find_files};

use crate::error::user_error;
use crate::mirrors;
use crate::progress::eprint_line;
use crate::workspace::Workspace;

/// Checks the data set in `dir` and describes it. Downloads `set` if `dir` holds none of the four
/// files, or only some files of `set`. With `repair`, also replaces files that differ from those of
/// `set`, if at least one file is one of `set`; otherwise overwrites nothing.
pub fn ensure(workspace: &Workspace, set: &KnownSet, dir: &Path, repair: bool) -> Result<String> {
    let closest = closest(dir)?;
    if files_to_fetch(set, dir, closest.as_ref(), repair)?.is_empty() {
        return describe(dir, closest);
    }
    let _lock = workspace.lock()?;
    let closest = self::closest(dir)?;
    let files = files_to_fetch(set, dir, closest.as_ref(), repair)?;
    if !files.is_empty() {
        for path in closest.iter().filter(|_| repair).flat_map(|(_, different)| different) {
            let (path, title) = (path.display(), set.title);
            eprint_line(format_args!(
                "{path} differs from {title}'s: keeping it, and fetching it again"
            ));
        }
        eprint_line(format_args!("fetching {} into {}", set.title, dir.display()));
        // Fails before the download if the folder cannot be created.
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        run_dir::remove_temporary_files(dir)?;
        mirrors::fetch(set, &files, dir, &workspace.staging())
            // This removes the folder only if it is empty.
            .inspect_err(|_| drop(fs::remove_dir(dir)))?;
    }
    check(dir)
}

/// Checks the data set in the folder that the user named, or fetches `set` into its default folder
/// and repairs it there. Returns the folder. Nothing is written into a folder that the user names.
pub fn check_or_fetch(
    workspace: &Workspace,
    set: &KnownSet,
    named: Option<&Path>,
) -> Result<PathBuf> {
    if let Some(dir) = named {
        check(dir)?;
        return Ok(dir.to_owned());
    }
    let dir = workspace.paths().dataset(set.name);
    ensure(workspace, set, &dir, true)?;
    Ok(dir)
}

/// Checks that `dir` holds any data set, and describes it. `forger` reads other sources than
/// folders of IDX files with labels, and holds out test images where there are none.
pub fn check(dir: &Path) -> Result<String> {
    if dir.exists()
        && let Ok([images, labels, test_images, test_labels]) = find_files(dir, None)
        && (images.is_none()
            || labels.is_none()
            || (test_images.is_none() && test_labels.is_none()))
    {
        if images.is_some() && labels.is_some() {
            Dataset::open(dir, Split::Train).map_err(|e| explain(&e, dir))?;
        }
        return Ok(format!("the images in {}", dir.display()));
    }
    describe(dir, closest(dir)?)
}

/// A known set of which a folder holds at least one file, and the paths of the files there that
/// differ from it.
type Closest = (&'static KnownSet, Vec<PathBuf>);

fn closest(dir: &Path) -> Result<Option<Closest>> {
    known::best_match(known::ALL, dir).map_err(|e| explain(&e, dir))
}

fn describe(dir: &Path, closest: Option<Closest>) -> Result<String> {
    let open = |split| Dataset::open(dir, split).map_err(|e| explain(&e, dir));
    let (train, test) = (open(Split::Train)?, open(Split::Test)?);
    let [train, test] = [train, test].map(|set| HumanCount(set.len() as u64));
    let title = match closest {
        None => "a data set of your own".to_owned(),
        Some((set, different)) if different.is_empty() => set.title.to_owned(),
        Some((set, different)) => {
            let title = set.title;
            let names = different.iter().map(|p| p.file_name().unwrap_or_default().display());
            let names = names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
            let fetch = fetch_command(set, dir);
            eprint_line(format_args!(
                "warning: {} holds {title}, except that the content of {names} differs; if it is \
                 damaged and not your own, remove it and run `{fetch}`",
                dir.display()
            ));
            format!("{title} with a different {names}")
        }
    };
    Ok(format!("{title}, {train} training and {test} test images"))
}

/// The command that completes `set` in `dir`.
fn fetch_command(set: &KnownSet, dir: &Path) -> String {
    let option = if *set == MNIST { String::new() } else { format!(" --dataset {}", set.name) };
    format!("cargo xtask fetch{option} --data {}", dir.display())
}

fn explain(error: &mnist_io::Error, dir: &Path) -> anyhow::Error {
    use mnist_io::Error::{MissingFile, MissingFolder};
    let fetch = fetch_command(&MNIST, dir);
    let remedy = match error.rule() {
        // The missing folder may be that of another data set.
        MissingFolder { .. } => "correct the path; `cargo xtask train` without --data trains on \
                                 MNIST"
            .to_owned(),
        MissingFile { .. } => "put the missing file there, or name another folder".to_owned(),
        _ if error.is_permission_denied() => gan_cli::error::PERMISSION_HELP.to_owned(),
        _ => format!("replace that file; if it belongs to MNIST, remove it and run `{fetch}`"),
    };
    user_error(error.to_string(), remedy)
}

/// The files of `set` that `dir` lacks, and with `repair` those that differ. Some files of another
/// data set are an error; four files of any data set are complete.
fn files_to_fetch(
    set: &KnownSet,
    dir: &Path,
    closest: Option<&Closest>,
    repair: bool,
) -> Result<Vec<KnownFile>> {
    let paths = find_files(dir, None).map_err(|e| explain(&e, dir))?;
    let different = closest.filter(|(found, _)| *found == set).map(|(_, paths)| paths.as_slice());
    let repaired = different.filter(|_| repair).unwrap_or_default();
    let files = set.files.into_iter().zip(&paths);
    let files = files.filter(|(_, path)| path.as_ref().is_none_or(|p| repaired.contains(p)));
    let files: Vec<_> = files.map(|(file, _)| file).collect();
    let some = paths.iter().any(Option::is_some) && paths.iter().any(Option::is_none);
    if !some || different.is_some_and(|paths| repair || paths.is_empty()) {
        return Ok(files);
    }
    let names = files.iter().map(|file| file.name).collect::<Vec<_>>().join(", no ");
    let (dir, title) = (dir.display(), set.title);
    Err(match different.and_then(<[_]>::first) {
        Some(path) => user_error(
            format!("{} differs from {title}'s, and {dir} holds no {names}", path.display()),
            "replace or remove that file, or name another folder with --data",
        ),
        None => user_error(
            format!("{dir} holds some files of a data set, but no {names}"),
            format!(
                "put the missing files there, or name another folder with --data; {title} is \
                 downloaded into a folder without any of the four files"
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    use mnist_io::{Idx, IdxData, Images};

    use super::*;

    /// The files of `set` that `dir` lacks.
    fn missing(set: &KnownSet, dir: &Path) -> Result<Vec<KnownFile>> {
        let set = &*Box::leak(Box::new(*set));
        let closest = known::best_match(std::slice::from_ref(set), dir).unwrap();
        files_to_fetch(set, dir, closest.as_ref(), false)
    }

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
        assert_eq!(missing(&MNIST, dir).unwrap(), []);
        let words = check(dir).unwrap();
        assert_eq!(words, "a data set of your own, 3 training and 2 test images");
    }

    #[test]
    fn an_empty_or_missing_folder_lacks_all_four_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(missing(&MNIST, dir.path()).unwrap(), MNIST.files);
        assert_eq!(missing(&MNIST, &dir.path().join("none")).unwrap(), MNIST.files);
    }

    #[test]
    fn some_files_of_another_data_set_are_an_error_that_names_the_missing_files() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3);
        let error = missing(&MNIST, dir.path()).unwrap_err().to_string();
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
        let lacks = missing(&set, dir.path()).unwrap();
        assert_eq!(lacks, [train_images, train_labels]);
        // The error names an incomplete file; it does not report another data set.
        fs::write(&path, &packed[..packed.len() - 3]).unwrap();
        let error = missing(&set, dir.path()).unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()), "{error}");
    }

    /// A known set in `dir`, of two training and two test images.
    fn known_set(dir: &Path) -> &'static KnownSet {
        write(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 2);
        write(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 2);
        let files = MNIST.files.map(|file| {
            let bytes = fs::read(dir.join(file.name)).unwrap();
            let sha256 = mnist_io::sha256_hex(&bytes).leak();
            KnownFile { name: file.name, bytes: bytes.len() as u64, sha256 }
        });
        Box::leak(Box::new(KnownSet { name: "small", title: "Small", files }))
    }

    #[test]
    fn a_file_of_a_known_set_with_one_flipped_bit_is_named_and_fetched_again_by_default() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let set = known_set(dir);
        let closest = || known::best_match(std::slice::from_ref(set), dir).unwrap();
        assert_eq!(describe(dir, closest()).unwrap(), "Small, 2 training and 2 test images");
        for file in set.files {
            let path = dir.join(file.name);
            let good = fs::read(&path).unwrap();
            // Behind the header, which has errors of its own.
            for bit in [8 * good.len() - 1, 8 * good.len() - 8] {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, bad).unwrap();
                let found = closest();
                let wanted = |repair| files_to_fetch(set, dir, found.as_ref(), repair).unwrap();
                assert_eq!(wanted(true), [file]);
                // A folder that the user names may hold data of the user.
                assert_eq!(wanted(false), []);
                let text = describe(dir, found.clone()).unwrap();
                assert!(
                    text.starts_with(&format!("Small with a different {}, 2", file.name)),
                    "{text}"
                );
            }
            fs::write(&path, &good[..5]).unwrap();
            assert_eq!(files_to_fetch(set, dir, closest().as_ref(), true).unwrap(), [file]);
            fs::write(&path, good).unwrap();
        }
        assert_eq!(files_to_fetch(set, dir, closest().as_ref(), true).unwrap(), []);
    }

    #[test]
    fn own_data_with_the_names_of_a_known_set_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let set = known_set(&dir.join(""));
        write(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 3);
        write(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 4);
        let closest = known::best_match(std::slice::from_ref(set), dir).unwrap();
        assert_eq!(files_to_fetch(set, dir, closest.as_ref(), true).unwrap(), []);
        let text = describe(dir, closest).unwrap();
        assert_eq!(text, "a data set of your own, 3 training and 4 test images");
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
