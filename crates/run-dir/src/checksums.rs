//! `checksums.jsonl`: the SHA-256 of the files of a run.
//!
//! A line is added before its file is written, so a process may be killed at any moment.
//! A file must have one of its SHA-256. A row file must begin with the rows of its last
//! recorded SHA-256. A file without a line is accepted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::PoisonError;

use cap_std::fs::OpenOptions;
use mnist_io::{sha256_hex, sha256_of_reader};
use serde::{Deserialize, Serialize};

use crate::dir::RunDir;
use crate::error::{Error, Result, none_if_missing};
use crate::rows::{self, MAX_ROW_FILE_BYTES, Row};

/// The SHA-256 of the first bytes of a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksum {
    /// The path in the run, with `/` between folders.
    file: String,
    /// The number of bytes: the whole file, or the rows so far.
    bytes: u64,
    sha256: String,
}

impl Row for Checksum {}

impl RunDir {
    /// Writes a file atomically, as [`RunDir::write`] does. Adds its SHA-256 to
    /// `checksums.jsonl` first.
    ///
    /// # Errors
    /// Those of [`RunDir::write`].
    pub fn save(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.record(&[self.checksum(path, bytes)])?;
        self.write(path, |w| w.write_all(bytes))
    }

    /// Flushes the row files to the disk and records the SHA-256 of their rows.
    ///
    /// # Errors
    /// [`Error::Damaged`] if rows changed that were recorded before, and those of
    /// [`RunDir::open_file`].
    pub fn record_rows(&self) -> Result<()> {
        let recorded = self.checksums()?;
        let mut new = Vec::new();
        for path in self.row_files() {
            let Some(rows) = self.open_rows(&path)? else {
                continue;
            };
            // Windows flushes only files that are open for writing.
            let flushed = self.open_with(&path, OpenOptions::new().append(true))?;
            flushed.sync_all().map_err(Error::io("flush", &path))?;
            let found = self.checksum_of(&path, rows)?;
            if last(&recorded, &found.file) != Some(&found) {
                new.push(found);
            }
        }
        self.record(&new)
    }

    /// Compares every file with its SHA-256. Removed files are accepted.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::WrongKind`], [`Error::TooLong`], [`Error::Io`], and
    /// [`Error::Row`] for an invalid `checksums.jsonl`.
    pub fn check_files(&self) -> Result<()> {
        let mut files = BTreeMap::<_, Vec<Checksum>>::new();
        for checksum in self.checksums()? {
            files.entry(self.root().join(&checksum.file)).or_default().push(checksum);
        }
        for (path, recorded) in files {
            if self.row_files().contains(&path) {
                self.open_rows(&path)?;
                continue;
            }
            let longest = recorded.iter().map(|checksum| checksum.bytes).max().unwrap_or(0);
            if let Some(file) = none_if_missing(self.open_file(&path, longest))?
                && !recorded.contains(&self.checksum_of(&path, &file)?)
            {
                return Err(Error::damaged(&path));
            }
        }
        Ok(())
    }

    /// Refuses the content of a file with another SHA-256 than those that were recorded.
    pub(crate) fn check(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let found = (self.name_in_run(path), sha256_hex(bytes));
        let mut recorded = self.recorded_hashes().lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.contains(&found) {
            return Ok(());
        }
        // Another process may have written the file since the last read.
        recorded.extend(self.checksums()?.into_iter().map(|line| (line.file, line.sha256)));
        let has_other = recorded.iter().any(|(file, _)| *file == found.0);
        if has_other && !recorded.contains(&found) { Err(Error::damaged(path)) } else { Ok(()) }
    }

    /// Opens a row file and compares the rows that were recorded. `None` without the file.
    pub(crate) fn open_rows(&self, path: &Path) -> Result<Option<File>> {
        let Some(mut file) = none_if_missing(self.open_file(path, MAX_ROW_FILE_BYTES))? else {
            return Ok(None);
        };
        // Open the file before reading the sums: rows can be appended and recorded meanwhile.
        if let Some(recorded) = last(&self.checksums()?, &self.name_in_run(path)) {
            if self.checksum_of(path, (&file).take(recorded.bytes))? != *recorded {
                return Err(Error::damaged(path));
            }
            file.rewind().map_err(Error::io("read", path))?;
        }
        Ok(Some(file))
    }

    /// Accepts any rows in a row file, until they are recorded again.
    pub(crate) fn reset_recorded_rows(&self, path: &Path) -> Result<()> {
        let nothing = self.checksum(path, &[]);
        match last(&self.checksums()?, &nothing.file) {
            Some(recorded) if *recorded != nothing => self.record(&[nothing]),
            _ => Ok(()),
        }
    }

    /// All lines of `checksums.jsonl`, oldest first.
    fn checksums(&self) -> Result<Vec<Checksum>> {
        let path = self.checksums_path();
        let mut checksums = Vec::new();
        if let Some(file) = none_if_missing(self.open_file(&path, MAX_ROW_FILE_BYTES))? {
            let read = rows::for_each(file, &path, |checksum, _| checksums.push(checksum));
            read.map_err(|mut error| {
                if let Error::Row { reason, .. } = &mut error {
                    *reason += "; restore the file, or remove it to continue without checksums";
                }
                error
            })?;
        }
        Ok(checksums)
    }

    /// Adds lines to `checksums.jsonl` and flushes them to the disk.
    fn record(&self, checksums: &[Checksum]) -> Result<()> {
        if checksums.is_empty() {
            return Ok(());
        }
        let path = self.checksums_path();
        let file = rows::append(self, &path, checksums)?;
        file.sync_all().map_err(Error::io("flush", &path))
    }

    fn checksum(&self, path: &Path, bytes: &[u8]) -> Checksum {
        let (file, sha256) = (self.name_in_run(path), sha256_hex(bytes));
        Checksum { file, bytes: bytes.len() as u64, sha256 }
    }

    fn checksum_of(&self, path: &Path, content: impl Read) -> Result<Checksum> {
        let (bytes, sha256) = sha256_of_reader(content).map_err(Error::io("read", path))?;
        Ok(Checksum { file: self.name_in_run(path), bytes, sha256 })
    }

    fn name_in_run(&self, path: &Path) -> String {
        let inner = path.strip_prefix(self.root()).unwrap_or(path);
        inner.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }
}

/// The newest of `checksums` of a file.
fn last<'a>(checksums: &'a [Checksum], file: &str) -> Option<&'a Checksum> {
    checksums.iter().rfind(|checksum| checksum.file == file)
}
