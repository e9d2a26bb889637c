//! What can be wrong with IDX data: one variant per broken rule.

use std::io;
use std::path::{Path, PathBuf};

use crate::ElementType;

/// A result whose error is this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong; the message is complete, causes included.
///
/// What is wrong with a file comes as [`Error::InFile`] around the rule that
/// it breaks, so that one rule is one variant whether the bytes came from a
/// file or not; [`Error::rule`] looks through it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open, write or rename a file.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// What was tried, as a verb: "open", "write".
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// The operating system's reason.
        reason: io::Error,
    },
    /// The file breaks the rule that `reason` names.
    #[error("{}: {reason}", path.display())]
    InFile {
        /// The file, or the folder where the rule is about several files.
        path: PathBuf,
        /// The rule.
        reason: Box<Error>,
    },
    /// The reader failed.
    #[error("cannot read: {0}")]
    Read(io::Error),

    /// The data is neither gzip nor IDX.
    #[error(
        "neither IDX nor gzip data: an IDX file begins with the bytes 00 00, a gzip file with \
         1f 8b, but this begins with {:02x} {:02x}", found[0], found[1]
    )]
    Magic {
        /// The first two bytes.
        found: [u8; 2],
    },
    /// A file named `.gz` is neither gzip nor IDX.
    #[error(
        "named .gz but holds neither gzip nor IDX data, it begins with {:02x} {:02x} (perhaps a \
         web page saved in its place); fetch the file again", found[0], found[1]
    )]
    NotGzip {
        /// The first two bytes.
        found: [u8; 2],
    },
    /// The third byte is no element type's code.
    #[error("unknown element type 0x{code:02x}: IDX knows 0x08, 0x09, 0x0b, 0x0c, 0x0d and 0x0e")]
    UnknownType {
        /// The byte.
        code: u8,
    },
    /// The number of dimensions cannot be written, or is 0.
    #[error("{rank} dimensions: IDX data has 1 to 255")]
    Rank {
        /// The number of dimensions.
        rank: usize,
    },
    /// The header ends early.
    #[error("cut short in the header: {expected} bytes were expected, {found} are there")]
    TruncatedHeader {
        /// Bytes of the header, as far as it is known.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The data ends early.
    #[error(
        "cut short: the shape {shape:?} needs {expected} bytes after the header, {found} are \
         there; fetch or write the file again"
    )]
    TruncatedData {
        /// The shape that the header claims.
        shape: Vec<usize>,
        /// Bytes that the shape and element type need.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Something follows the data.
    #[error(
        "too long: bytes follow the {expected} that the shape {shape:?} needs; the header or \
         the data is wrong, fetch or write the file again"
    )]
    TrailingBytes {
        /// The shape that the header claims.
        shape: Vec<usize>,
        /// Bytes that the shape and element type need.
        expected: u64,
    },
    /// A size does not fit in 32 bits, or the data not in memory.
    #[error("the shape {shape:?} is too large for an IDX file or for this machine's memory")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },

    /// The gzip stream's contents or checksum are wrong.
    #[error("corrupted gzip data ({reason}); fetch the file again")]
    GzipCorrupt {
        /// The decoder's reason.
        reason: io::Error,
    },
    /// The gzip stream ends early.
    #[error("gzip data cut short; fetch the file again")]
    GzipTruncated,
    /// Something that is not gzip follows the gzip stream.
    #[error("bytes that are not gzip follow the gzip data; fetch the file again")]
    GzipTrailing,

    /// Shape and data were given that do not fit each other.
    #[error("the shape {shape:?} does not fit {found} elements")]
    ElementCount {
        /// The shape given.
        shape: Vec<usize>,
        /// Elements given.
        found: usize,
    },
    /// Images were expected, something else is there.
    #[error(
        "images were expected, u8 [n, rows, cols] with rows and cols above 0; this is {element} \
         {shape:?}{}", hint(*element, shape, 1, "labels")
    )]
    NotImages {
        /// Type of the elements there.
        element: ElementType,
        /// Shape of the data there.
        shape: Vec<usize>,
    },
    /// Labels were expected, something else is there.
    #[error(
        "labels were expected, u8 [n]; this is {element} {shape:?}{}",
        hint(*element, shape, 3, "images")
    )]
    NotLabels {
        /// Type of the elements there.
        element: ElementType,
        /// Shape of the data there.
        shape: Vec<usize>,
    },
    /// Pixels were given that make no whole number of images.
    #[error("{pixels} pixels make no whole number of images of {rows} rows and {cols} columns")]
    PixelCount {
        /// Rows of one image.
        rows: usize,
        /// Columns of one image.
        cols: usize,
        /// Pixels given.
        pixels: usize,
    },
    /// Images and labels do not belong together.
    #[error("{images} images but {labels} labels; they are of different sets or splits")]
    LabelCount {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },

    /// The folder lacks one of a data set's files.
    #[error(
        "{} holds no {} (looked for {}); put the data set's files there or choose another folder",
        dir.display(), what, names.join(", ")
    )]
    MissingFile {
        /// The folder.
        dir: PathBuf,
        /// What the file holds: "training images".
        what: &'static str,
        /// The names looked for.
        names: Vec<String>,
    },
    /// There is no such folder.
    #[error("there is no folder {}; fetch the data set or choose another folder", dir.display())]
    MissingFolder {
        /// The folder.
        dir: PathBuf,
    },
    /// The file is not the known set's.
    #[error(
        "not {title}'s: the raw data's SHA-256 is {found}, not {expected}; fetch the file again"
    )]
    WrongHash {
        /// Title of the known set.
        title: &'static str,
        /// The published hash.
        expected: &'static str,
        /// The hash of what is there.
        found: String,
    },
    /// The file is not of the known set's size.
    #[error("not {title}'s: the raw data is not {expected} bytes; fetch the file again")]
    WrongSize {
        /// Title of the known set.
        title: &'static str,
        /// Bytes of the published file.
        expected: u64,
    },
}

impl Error {
    /// The broken rule, without the path around it.
    pub fn rule(&self) -> &Error {
        match self {
            Error::InFile { reason, .. } => reason.rule(),
            rule => rule,
        }
    }

    /// The kind of the operating system's refusal, where it was one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self.rule() {
            Error::Io { reason, .. } | Error::Read(reason) => Some(reason.kind()),
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |reason| Error::Io {
            action,
            path,
            reason,
        }
    }

    pub(crate) fn in_file(self, path: &Path) -> Error {
        Error::InFile {
            path: path.to_owned(),
            reason: Box::new(self),
        }
    }
}

/// Readers pass this crate's errors through `io::Error`; this unwraps them.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        error.downcast().unwrap_or_else(Error::Read)
    }
}

fn hint(element: ElementType, shape: &[usize], rank: usize, what: &str) -> String {
    if element == ElementType::U8 && shape.len() == rank {
        format!(" (a file of {what}?)")
    } else {
        String::new()
    }
}
