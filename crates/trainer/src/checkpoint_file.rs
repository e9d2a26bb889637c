//! The file of a checkpoint, with its SHA-256 in a file beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use mnist_io::sha256_hex;
use run_dir::RunDir;
use safetensors::tensor::Metadata;

use crate::Error;

/// Upper limit of the size of a hash file, in bytes.
const MAX_HASH_FILE: u64 = 1 << 10;

/// Upper limit of the size of the names of all tensors and the metadata, in bytes.
const MAX_HEADER: u64 = 1 << 24;

/// Upper limit of the size of a checkpoint, in bytes: 4 GiB.
pub(crate) const MAX_CHECKPOINT: u64 = 1 << 32;

/// Writes the hash file, then the checkpoint `path` of `run`. A checkpoint without a hash file is
/// invalid.
///
/// # Errors
/// [`Error::Run`] if a file cannot be written.
pub(crate) fn write(run: &RunDir, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let line = format!("{}  {}\n", sha256_hex(bytes), file_name(path));
    run.write(&hash_path(path), |w| w.write_all(line.as_bytes()))?;
    Ok(run.write(path, |w| w.write_all(bytes))?)
}

/// Reads the checkpoint `path` of `run` and verifies its SHA-256.
///
/// # Errors
/// [`Error::Checkpoint`] if a file is missing or damaged; [`Error::Run`] if the operating
/// system cannot read it, or if it is no regular file.
pub(crate) fn read(run: &RunDir, path: &Path) -> Result<Vec<u8>, Error> {
    let hash_path = hash_path(path);
    let mut line = Vec::new();
    let read = open(run, &hash_path)?.take(MAX_HASH_FILE).read_to_end(&mut line);
    read.map_err(|e| io_error("read", &hash_path, e))?;
    let expected_hash = hash(&line, path).ok_or_else(|| {
        checkpoint_error(&hash_path, "it is damaged: it holds no SHA-256 of the file")
    })?;
    let file = open(run, path)?;
    let (mut bytes, header) = read_header(&file).map_err(|e| io_error("read", path, e))?;
    let length = file.metadata().map_err(|e| io_error("read", path, e))?.len();
    let expected_length = header.and_then(|header| bytes.len().checked_add(header.data_len()));
    if expected_length.map(|n| n as u64) != Some(length) || length > MAX_CHECKPOINT {
        let reason = format!("it is damaged: its header does not describe {length} bytes");
        return Err(checkpoint_error(path, reason));
    }
    file.take(length).read_to_end(&mut bytes).map_err(|e| io_error("read", path, e))?;
    let found = sha256_hex(&bytes);
    if expected_hash != found {
        let hash = file_name(&hash_path);
        let reason =
            format!("it is damaged: its SHA-256 is {found}, but {hash} has {expected_hash}");
        return Err(checkpoint_error(path, reason));
    }
    Ok(bytes)
}

/// The metadata of the checkpoint `path`, without verifying its SHA-256; `None` if it is
/// no safetensors file.
pub(crate) fn metadata(run: &RunDir, path: &Path) -> Option<HashMap<String, String>> {
    let (_, header) = read_header(&open(run, path).ok()?).ok()?;
    header?.metadata().clone()
}

/// Removes the checkpoint `path` and its hash.
///
/// # Errors
/// [`Error::Run`] if a file cannot be removed.
pub(crate) fn remove(run: &RunDir, path: &Path) -> Result<(), Error> {
    run.remove(path)?;
    Ok(run.remove(&hash_path(path))?)
}

/// An error of the file `path`.
pub(crate) fn checkpoint_error(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), reason: reason.into() }
}

/// Reads the header at the start of a file: its bytes, and the header if it is valid.
fn read_header(file: &File) -> io::Result<(Vec<u8>, Option<Metadata>)> {
    let mut bytes = Vec::new();
    file.take(8).read_to_end(&mut bytes)?;
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    file.take(length.min(MAX_HEADER)).read_to_end(&mut bytes)?;
    let header = bytes.get(8..).and_then(|json| serde_json::from_slice(json).ok());
    Ok((bytes, header))
}

/// The hash in `line`, the content of the hash file of `path`; `None` if it is damaged.
fn hash<'a>(line: &'a [u8], path: &Path) -> Option<&'a str> {
    let end = format!("  {}\n", file_name(path));
    std::str::from_utf8(line).ok()?.strip_suffix(&end).filter(|hash| hash.len() == 64)
}

/// `000300.safetensors.sha256` for `000300.safetensors`.
fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("safetensors.sha256")
}

/// Opens a file of a checkpoint.
fn open(run: &RunDir, path: &Path) -> Result<File, Error> {
    run.open_file(path, u64::MAX).map_err(|e| match e.io_kind() {
        Some(ErrorKind::NotFound) => checkpoint_error(path, "it is missing"),
        // Any other error may be temporary, and the file may be valid.
        _ => e.into(),
    })
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn io_error(action: &'static str, path: &Path, reason: io::Error) -> Error {
    Error::Run(run_dir::Error::Io { action, path: path.to_owned(), reason })
}
