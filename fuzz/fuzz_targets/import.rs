//! Reads any bytes as a file of images in any format. Checks that nothing panics, that an error
//! names the file, and that accepted images are whole.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use gan_import::{Options, Subset, read_samples, read_set};
use libfuzzer_sys::fuzz_target;

static DIR: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for the file"));

fuzz_target!(|bytes: &[u8]| {
    let path: PathBuf = DIR.path().join("file");
    std::fs::write(&path, bytes).expect("the file can be written");
    let subset = Subset { most: 3, seed: 1 };
    let options = Options { gray: true, ..Options::default() };
    match read_samples(&path, &options, subset) {
        Ok(samples) => {
            let images = &samples.images;
            assert_eq!(images.pixels().len(), images.len() * images.rows() * images.cols());
            assert!(images.len() <= 3 && images.len() <= samples.total);
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(path.to_str().expect("the path is text")), "{text}");
        }
    }
    if let Ok(set) = read_set(&path, &options) {
        assert!(!set.train.is_empty() && !set.test.is_empty());
    }
});
