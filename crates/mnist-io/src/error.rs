//! The errors of this crate: one variant per broken rule.

use std::io;
use std::path::{Path, PathBuf};

use crate::element::ElementType;

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// An error of reading or writing IDX data. The message includes the cause.
///
/// An error in a file is an [`Error::InFile`] that contains the path and the
/// broken rule. [`Error::rule`] returns the rule for data from any source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error("cannot {action} {}: {reason}", path.display())]
    Io {
        /// The operation as a verb: "open", "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason of the operating system.
        #[source]
        reason: io::Error,
    },
    /// A file breaks a rule.
    #[error("{}: {reason}", path.display())]
    InFile {
        /// The file, or the folder for a rule about several files.
        path: PathBuf,
        /// The broken rule.
        #[source]
        reason: Box<Error>,
    },
    /// The reader failed.
    #[error("cannot read: {0}")]
    Read(#[source] io::Error),

    /// The path names a folder, a pipe or a device.
    #[error("{} is {found}, not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// "a folder" or "a pipe or a device".
        found: &'static str,
    },

    /// The data is neither gzip nor IDX.
    #[error(
        "neither IDX nor gzip data: an IDX file begins with the bytes 00 00, a gzip file with \
         1f 8b, but this begins with {:02x} {:02x}{}", found[0], found[1], other_format(*found)
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
    /// The third byte is not the code of an element type.
    #[error(
        "unknown element type 0x{code:02x}; the types of IDX are 0x08, 0x09, 0x0b, 0x0c, 0x0d and 0x0e"
    )]
    UnknownType {
        /// The byte.
        code: u8,
    },
    /// The number of dimensions is 0 or above 255.
    #[error("{rank} dimensions; IDX data has 1 to 255")]
    Rank {
        /// The number of dimensions.
        rank: usize,
    },
    /// The header ends early.
    #[error(
        "the header is incomplete: it has {found} of {expected} bytes; fetch or write the file again"
    )]
    TruncatedHeader {
        /// The expected number of bytes.
        expected: usize,
        /// The number of bytes.
        found: usize,
    },
    /// The data ends early.
    #[error(
        "the data is incomplete: it has {found} of the {expected} bytes of the shape {shape:?}; \
         fetch or write the file again"
    )]
    TruncatedData {
        /// The shape in the header.
        shape: Vec<usize>,
        /// The number of bytes for this shape and element type.
        expected: u64,
        /// The number of bytes.
        found: u64,
    },
    /// Other bytes follow the data.
    #[error(
        "too long: other bytes follow the {expected} bytes of the shape {shape:?}; fetch or write \
         the file again"
    )]
    TrailingBytes {
        /// The shape in the header.
        shape: Vec<usize>,
        /// The number of bytes for this shape and element type.
        expected: u64,
    },
    /// A size exceeds 32 bits, or the data exceeds the memory.
    #[error("the shape {shape:?} is too large for an IDX file or for this machine's memory")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },

    /// The images take more than [`MAX_BYTES`](crate::MAX_BYTES).
    #[error("the images {shape:?} take more than 1 GiB; take fewer of them")]
    TooManyBytes {
        /// The shape in the header.
        shape: Vec<usize>,
    },

    /// The content or the checksum of the gzip data is wrong.
    #[error("corrupted gzip data ({reason}); fetch the file again")]
    GzipCorrupt {
        /// The reason of the decoder.
        reason: io::Error,
    },
    /// The gzip data ends early.
    #[error("the gzip data is incomplete; fetch the file again")]
    GzipTruncated,
    /// Bytes that are not gzip follow the gzip data.
    #[error("other bytes follow the gzip data; fetch the file again")]
    GzipTrailing,

    /// The shape does not fit the number of elements.
    #[error("the shape {shape:?} does not fit {found} elements")]
    ElementCount {
        /// The shape.
        shape: Vec<usize>,
        /// The number of elements.
        found: usize,
    },
    /// The array does not contain images.
    #[error(
        "expected images, u8 [n, rows, cols] with rows and cols above 0, found {element} {shape:?}{}",
        other_content(*element, shape, 1, "labels")
    )]
    NotImages {
        /// The type of the elements.
        element: ElementType,
        /// The shape of the array.
        shape: Vec<usize>,
    },
    /// A label is not a byte.
    #[error("label {label} is not within 0 to 255")]
    LabelRange {
        /// The label.
        label: i64,
    },
    /// The array does not contain labels.
    #[error(
        "expected labels, integers [n], found {element} {shape:?}{}",
        other_content(*element, shape, 3, "images")
    )]
    NotLabels {
        /// The type of the elements.
        element: ElementType,
        /// The shape of the array.
        shape: Vec<usize>,
    },
    /// The number of pixels is not a multiple of an image.
    #[error("{pixels} pixels are not a whole number of images of {rows} rows and {cols} columns")]
    PixelCount {
        /// Rows of one image.
        rows: usize,
        /// Columns of one image.
        cols: usize,
        /// The number of pixels.
        pixels: usize,
    },
    /// The numbers of images and labels differ.
    #[error("{images} images but {labels} labels; take both from the same set and split")]
    LabelCount {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },

    /// The folder lacks a file of the data set.
    #[error(
        "{} holds no {} (searched for {}); put the data set's files there or choose another folder",
        dir.display(), what, names.join(", ")
    )]
    MissingFile {
        /// The folder.
        dir: PathBuf,
        /// The content of the file: "training images".
        what: &'static str,
        /// The accepted names.
        names: Vec<String>,
    },
    /// The folder holds several data sets, each with a prefix.
    #[error(
        "{} holds several data sets, with the prefixes {}; put one of them into a folder of its \
         own", dir.display(), prefixes.join(", ")
    )]
    SeveralSets {
        /// The folder.
        dir: PathBuf,
        /// The prefixes of the files' names.
        prefixes: Vec<String>,
    },
    /// The folder does not exist.
    #[error("there is no folder {}; fetch the data set or choose another folder", dir.display())]
    MissingFolder {
        /// The folder.
        dir: PathBuf,
    },
    /// The file is not that of the known set.
    #[error(
        "not the file of {title}: its SHA-256 is {found} instead of {expected}; fetch the file again"
    )]
    WrongHash {
        /// The title of the known set.
        title: &'static str,
        /// The published hash.
        expected: &'static str,
        /// The hash of the file.
        found: String,
    },
    /// The file does not have the size of the known set's file.
    #[error("not the file of {title}: its size is not {expected} bytes; fetch the file again")]
    WrongSize {
        /// The title of the known set.
        title: &'static str,
        /// The size of the published file, in bytes.
        expected: u64,
    },
}

impl Error {
    /// Returns the broken rule without the path.
    pub fn rule(&self) -> &Error {
        match self {
            Error::InFile { reason, .. } => reason.rule(),
            rule => rule,
        }
    }

    /// Returns the kind of the operating system's error, if it is one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self.rule() {
            Error::Io { reason, .. } | Error::Read(reason) => Some(reason.kind()),
            _ => None,
        }
    }

    /// Whether the operating system does not permit reading a file or a folder.
    pub fn is_permission_denied(&self) -> bool {
        let reading = matches!(self.rule(), Error::Io { action: "open" | "list", .. });
        let reading = reading || matches!(self.rule(), Error::Read(_));
        reading && self.io_kind() == Some(io::ErrorKind::PermissionDenied)
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |reason| Error::Io { action, path, reason }
    }

    pub(crate) fn in_file(self, path: &Path) -> Error {
        Error::InFile { path: path.to_owned(), reason: Box::new(self) }
    }
}

/// Extracts an [`Error`] that a reader of this crate put into an `io::Error`.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        error.downcast().unwrap_or_else(Error::Read)
    }
}

/// The format of a file that begins with these bytes, if it is a frequent one.
fn other_format(found: [u8; 2]) -> &'static str {
    match &found {
        b"\x89P" => " (a PNG picture?)",
        b"\xff\xd8" => " (a JPEG picture?)",
        b"\x93N" => " (a NumPy file?)",
        b"PK" => " (a zip archive?)",
        b"<!" | b"<h" => " (a web page?)",
        _ => "",
    }
}

/// A guess at the content of an array of unsigned bytes with `rank` dimensions.
fn other_content(element: ElementType, shape: &[usize], rank: usize, what: &str) -> String {
    if element == ElementType::U8 && shape.len() == rank {
        format!(" (a file of {what}?)")
    } else {
        String::new()
    }
}
