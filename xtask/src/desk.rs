//! A folder of its own for each download, and a look at what arrived there.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::progress;

const PREFIX: &str = "desk-";

/// Runs `work` with an empty folder in `staging`, which is gone afterwards.
///
/// When a call is killed, the pip or npm that it had started goes on alone. No
/// other call uses the same folder, so that it can spoil nothing; the next call
/// takes the folder from under it.
pub fn at<T>(staging: &Path, work: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    clear(staging)?;
    let desk = staging.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&desk).with_context(|| format!("cannot create {}", desk.display()))?;
    let result = work(&desk);
    let _ = fs::remove_dir_all(&desk);
    // Unless something else is in it.
    let _ = fs::remove_dir(staging);
    result
}

/// Removes the folders of calls that were killed. An orphan that is still
/// writing may hinder that; then the call after this one does.
fn clear(staging: &Path) -> Result<()> {
    let refused = || format!("cannot create {}", staging.display());
    fs::create_dir_all(staging).with_context(refused)?;
    for entry in fs::read_dir(staging).with_context(refused)? {
        let entry = entry.with_context(refused)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// The SHA-256 of a file of any size, in lower-case hexadecimal.
pub fn sha256_of(path: &Path, label: String) -> Result<String> {
    let refused = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(refused)?;
    let bar = progress::bytes(label, file.metadata().with_context(refused)?.len());
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer).with_context(refused)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        bar.inc(count as u64);
    }
    bar.finish_and_clear();
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
