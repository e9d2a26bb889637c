//! Scratch directories for downloads, and the check of a downloaded file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::error::user_error;
use crate::progress;

const PREFIX: &str = "scratch-";

/// Runs `work` with an empty directory in `staging`, then removes the directory, and `staging` if
/// it is empty.
///
/// If this program is killed, the pip or npm that it started continues to write. Every call has a
/// directory of its own, so that such a process cannot damage the files of a later call. The later
/// call removes the directories of killed calls.
pub fn in_scratch_dir<T>(staging: &Path, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let refused = || format!("cannot create {}", staging.display());
    fs::create_dir_all(staging).with_context(refused)?;
    for entry in fs::read_dir(staging).with_context(refused)? {
        let entry = entry.with_context(refused)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // This fails if a process is writing into the directory. A later call removes it then.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = staging.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let result = work(&dir);
    let _ = fs::remove_dir_all(&dir);
    let _ = fs::remove_dir(staging);
    result
}

/// Returns an error with `remedy` if the SHA-256 of a downloaded file is not the pinned one.
pub fn verify(path: &Path, pinned: &str, remedy: &str) -> Result<()> {
    let name = path.file_name().unwrap_or_default().display();
    let found = sha256_of(path)?;
    if found == pinned {
        return Ok(());
    }
    Err(user_error(
        format!(
            "the downloaded {name} has the wrong content and is removed: its SHA-256 is {found}, \
             not {pinned}"
        ),
        remedy,
    ))
}

/// The SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of(path: &Path) -> Result<String> {
    let refused = || format!("cannot read {}", path.display());
    let file = mnist_io::open_regular(path)?;
    let name = path.file_name().unwrap_or_default().display();
    let bytes = file.metadata().with_context(refused)?.len();
    let bar = progress::bytes(format!("checking {name}"), bytes);
    let (_, sha256) = mnist_io::sha256_of_reader(bar.wrap_read(file)).with_context(refused)?;
    bar.finish_and_clear();
    Ok(sha256)
}
