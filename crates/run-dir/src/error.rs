//! The errors of this crate.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a run directory. Every message contains the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// The operation as a verb: "read", "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason of the operating system.
        #[source]
        reason: std::io::Error,
    },
    /// The folder exists but contains no `config.toml`.
    #[error("{} is not a run directory: it holds no config.toml", .0.display())]
    NotARun(PathBuf),
    /// The folder for a new run is not empty.
    #[error("{} is not empty; choose another folder for the new run", .0.display())]
    NotEmpty(PathBuf),
    /// Another process holds the lock of the run in this folder.
    #[error(
        "another process trains in {} or draws its figures; wait for its end or stop it",
        .0.display()
    )]
    Locked(PathBuf),
    /// The lock file of the run in this folder is not the locked one.
    #[error(
        "the file lock in {} was removed or replaced; another process may train there, so this \
         one stops", .0.display()
    )]
    LockReplaced(PathBuf),
    /// The path is not of the expected type.
    #[error(
        "{} is a {found}; a run directory contains no links, and only regular files and folders: \
         replace it with the {wanted} itself, or remove it", path.display()
    )]
    WrongKind {
        /// The path.
        path: PathBuf,
        /// `link`, `folder`, `file`, or `FIFO, socket or device`.
        found: &'static str,
        /// `file` or `folder`.
        wanted: &'static str,
    },
    /// A file is longer than a file of its kind may be.
    #[error(
        "{} has {bytes} bytes, but at most {limit} are accepted; restore or remove it",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest accepted size.
        limit: u64,
    },
    /// A file has another SHA-256 than `checksums.jsonl` holds.
    #[error(
        "{}: it is damaged, or its SHA-256 in checksums.jsonl is; restore the damaged file{help}",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// An alternative to restoring the file, if there is one.
        help: String,
    },
    /// `config.toml` or `report.json` is invalid, or its new content is.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The reason of the parser or of the check.
        reason: String,
    },
    /// A line of a row file, or a row to append, is invalid.
    #[error("{}{}: {reason}", path.display(), location(*line))]
    Row {
        /// The file.
        path: PathBuf,
        /// The line's number from 1; `None` for a row to append.
        line: Option<usize>,
        /// The reason of the parser or of the check.
        reason: String,
    },
    /// The image rows for one file have different shapes.
    #[error(
        "{}: all rows of images must have one shape, but one has {} images of {}x{} and another \
         {} of {}x{}",
        path.display(), first[0], first[1], first[2], other[0], other[1], other[2]
    )]
    ImageRowsDiffer {
        /// The file.
        path: PathBuf,
        /// Images, height and width of the first row.
        first: [usize; 3],
        /// Images, height and width of the first row that differs.
        other: [usize; 3],
    },
    /// The array is not u8 `[rows, images, height, width]` with sizes above 0.
    #[error(
        "{}: expected u8 [rows, {}, height, width] with sizes above 0, found {found}",
        path.display(), columns.map_or("images".to_owned(), |n| n.to_string())
    )]
    NotImageRows {
        /// The file.
        path: PathBuf,
        /// Images in each row, if the number is fixed.
        columns: Option<usize>,
        /// Element type and shape of the array.
        found: String,
    },
    /// A file of the run is not the expected IDX file.
    #[error(transparent)]
    Idx(#[from] mnist_io::Error),
}

impl Error {
    /// Returns the kind of the operating system's error, if it is one.
    pub fn io_kind(&self) -> Option<ErrorKind> {
        match self {
            Error::Io { reason, .. } => Some(reason.kind()),
            Error::Idx(error) => error.io_kind(),
            _ => None,
        }
    }

    pub(crate) fn damaged(path: &Path) -> Error {
        let name = path.file_name().unwrap_or_default().display();
        let help = match path.ends_with("config.toml") {
            true => String::new(),
            false => format!(
                ", or remove {name} and resume the run: it continues without the file, or writes \
                 it again"
            ),
        };
        Error::Damaged { path: path.to_owned(), help }
    }

    pub(crate) fn in_file(path: &Path, reason: mnist_io::Error) -> Error {
        Error::Idx(mnist_io::Error::InFile { path: path.to_owned(), reason: Box::new(reason) })
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |reason| Error::Io { action, path, reason }
    }
}

/// Turns the error for a missing file into `None`.
pub(crate) fn none_if_missing<T, E: Into<Error>>(
    result: std::result::Result<T, E>,
) -> Result<Option<T>> {
    match result.map_err(Into::into) {
        Err(e) if e.io_kind() == Some(ErrorKind::NotFound) => Ok(None),
        result => result.map(Some),
    }
}

fn location(line: Option<usize>) -> String {
    line.map_or_else(|| ", a new row".to_owned(), |line| format!(" line {line}"))
}

/// Returns advice in the imperative for errors of the operating system that
/// the user can fix.
pub fn help(kind: ErrorKind) -> Option<&'static str> {
    use ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match kind {
        StorageFull | QuotaExceeded => {
            Some("free some space on that disk, then run the same command again")
        }
        PermissionDenied | ReadOnlyFilesystem => {
            Some("make that folder writable or name another, then run the same command again")
        }
        ErrorKind::NotFound => Some("check the path: there is no such file or folder"),
        _ => None,
    }
}
