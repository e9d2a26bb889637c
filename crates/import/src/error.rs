//! The errors of this crate: one variant per problem, with the name of the file.

use std::io;
use std::path::Path;

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// A result with a problem, before the file is named.
pub(crate) type ProblemResult<T> = std::result::Result<T, Problem>;

/// A source that cannot be read. The message names the file and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An IDX file, or a file of any format that cannot be opened.
    #[error(transparent)]
    Idx(#[from] mnist_io::Error),
    /// A problem of a file or of a member of an archive.
    #[error("{name}: {problem}")]
    InFile {
        /// The path of the file; of a member of an archive, the archive's and its own.
        name: String,
        /// The problem.
        #[source]
        problem: Problem,
    },
}

/// What is wrong with a source of images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The operating system cannot read the file.
    #[error("cannot read it: {0}")]
    Read(#[source] io::Error),
    /// The file breaks a rule of IDX or of gzip.
    #[error(transparent)]
    Idx(mnist_io::Error),
    /// The file has no bytes.
    #[error("it is empty")]
    Empty,
    /// The file has another format.
    #[error(
        "it is {found}, which is not read; give IDX, NumPy's .npy or .npz, CSV, PNG or JPEG{}",
        other_help(found)
    )]
    OtherFormat {
        /// The format: "a web page".
        found: &'static str,
    },
    /// A folder or an archive without files of a known format.
    #[error(
        "it holds no images; searched for IDX files, .npy, .npz, .csv, .png and .jpg, also in its \
         sub-folders{}", if found.is_empty() { String::new() } else { format!("; found {found}") }
    )]
    NothingThere {
        /// Some names of other files.
        found: String,
    },
    /// More files than the limit.
    #[error("it holds more than {0} files; split it")]
    TooManyFiles(usize),
    /// A zip archive is damaged: its index, its compressed data or a checksum.
    #[error("the archive is damaged ({0}); write or fetch it again")]
    Archive(String),
    /// The header of a NumPy file is invalid.
    #[error("the header of this NumPy file is broken: {0}; save the array again with np.save")]
    Header(&'static str),
    /// Elements that are not numbers.
    #[error(
        "its elements are Python objects (pickled) or records, dtype {dtype}; save plain numbers, \
         as in np.save(\"images.npy\", np.stack(list(array)))"
    )]
    NotNumbers {
        /// NumPy's name of the type.
        dtype: String,
    },
    /// An array that does not hold images.
    #[error(
        "its shape is {0:?}, but images are [n, rows, cols], [n, rows*cols], [n, 1, rows, cols], \
         [n, rows, cols, 1] or, in color, [n, rows, cols, 3]"
    )]
    NotImages(Vec<usize>),
    /// An array that does not hold labels.
    #[error("its shape is {0:?}, but labels are whole numbers [n]")]
    NotLabels(Vec<usize>),
    /// A label that is not a whole number.
    #[error("the label {value} of image {image} is not a whole number")]
    LabelValue {
        /// The image's number, from 0.
        image: usize,
        /// The value.
        value: f64,
    },
    /// Labels whose range does not fit one byte.
    #[error("the labels go from {low} to {high}, more than 256 values; are they classes?")]
    LabelRange {
        /// The smallest label.
        low: i64,
        /// The largest label.
        high: i64,
    },
    /// A negative label becomes 0, but there are no negative labels.
    #[error(
        "--label-offset {given} is the label that becomes 0, but they start at {low}; write --label-offset {low}"
    )]
    LabelOffset {
        /// The given label.
        given: i64,
        /// The smallest label.
        low: i64,
    },
    /// The numbers of images and labels differ.
    #[error("{labels} labels for the {images} images of {of}; take both from the same set")]
    LabelCount {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
        /// The file of the images.
        of: String,
    },
    /// The data end early.
    #[error("it ends after {found} of the {expected} bytes of its shape; write it again")]
    Truncated {
        /// Bytes of the shape.
        expected: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// Other bytes follow the data.
    #[error("other bytes follow the {expected} bytes of its shape; write it again")]
    Trailing {
        /// Bytes of the shape.
        expected: u64,
    },
    /// A size beyond the limits.
    #[error(
        "its images {shape:?} are too large; up to 4096 rows and columns and 1 GiB in all are read"
    )]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Images of a size that is not accepted.
    #[error("the images are {rows}x{cols}, but {accepted} are used; add --resize 28{import}")]
    Size {
        /// Rows of the images.
        rows: usize,
        /// Columns of the images.
        cols: usize,
        /// The accepted sizes: "28x28".
        accepted: String,
        /// How `--resize` is given if the command lacks it.
        import: &'static str,
    },
    /// Pictures of different sizes.
    #[error("it is {rows}x{cols}, but the pictures before it are {first}; add --resize 28")]
    SizesDiffer {
        /// Rows of this picture.
        rows: usize,
        /// Columns of this picture.
        cols: usize,
        /// The size of the first picture.
        first: String,
    },
    /// A pixel that is not a number.
    #[error("image {image} holds NaN or infinite numbers; remove such images")]
    NotFinite {
        /// The image's number, from 0.
        image: usize,
    },
    /// Values outside every usual range.
    #[error(
        "its values go from {low} to {high}, which is none of [0,1], [-1,1] and [0,255]; give \
         the range, as in --range {low},{high}"
    )]
    UnknownRange {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// Values outside the given range.
    #[error("its values go from {low} to {high}, outside of --range {},{}", range.0, range.1)]
    OutsideRange {
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
        /// The given range.
        range: (f64, f64),
    },
    /// Images in color without `--gray`.
    #[error("its images are in color or transparent; --gray makes them gray")]
    Color,
    /// A picture that cannot be decoded.
    #[error("the picture is damaged or unusual ({0}); save it again as PNG, or remove it")]
    Picture(String),
    /// A line of a CSV file.
    #[error("line {line}: {reason}; a line holds a label and the pixels of one image, all numbers")]
    Csv {
        /// The line's number, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Several arrays of images.
    #[error("it holds several arrays of images, {names}; choose one, as in --array {first}")]
    SeveralArrays {
        /// Their names.
        names: String,
        /// The first name.
        first: String,
    },
    /// No array of the given name.
    #[error("it holds no array {name} (--array); it holds {names}")]
    NoArray {
        /// The name.
        name: String,
        /// The names that there are.
        names: String,
    },
    /// No images, or none of the chosen classes.
    #[error("there are no images in it{0}")]
    NoImages(&'static str),
    /// One image, which cannot be divided into training and test images.
    #[error("it holds one image; training needs at least two")]
    OneImage,
    /// Standard input is longer than the limit.
    #[error("standard input is longer than 1 GiB; save it in a file")]
    LongInput,
}

impl Error {
    /// The kind of the error of the operating system, if it caused this one.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Idx(error) | Error::InFile { problem: Problem::Idx(error), .. } => {
                error.io_kind()
            }
            Error::InFile { problem: Problem::Read(reason), .. } => Some(reason.kind()),
            Error::InFile { .. } => None,
        }
    }

    /// Whether the operating system does not permit reading a file or a folder.
    pub fn is_permission_denied(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::PermissionDenied)
    }
}

impl Problem {
    pub(crate) fn in_file(self, name: &str) -> Error {
        Error::InFile { name: name.to_owned(), problem: self }
    }

    pub(crate) fn at(self, path: &Path) -> Error {
        self.in_file(&path.display().to_string())
    }
}

/// A failed read becomes [`Problem::Read`].
impl From<mnist_io::Error> for Problem {
    fn from(error: mnist_io::Error) -> Problem {
        match error {
            mnist_io::Error::Read(error) => error.into(),
            error => Problem::Idx(error),
        }
    }
}

/// Errors of gzip become [`Problem::Idx`], errors of other decompressors [`Problem::Archive`], and
/// errors of the machine [`Problem::Read`].
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
        match mnist_io::Error::from(error) {
            mnist_io::Error::Read(error) => match error.kind() {
                InvalidData | InvalidInput | Other | UnexpectedEof => {
                    Problem::Archive(error.to_string())
                }
                _ => Problem::Read(error),
            },
            error => Problem::Idx(error),
        }
    }
}

fn other_help(found: &str) -> &'static str {
    if found.contains("PyTorch") {
        "; save the tensor in Python with np.save(\"images.npy\", tensor.cpu().numpy())"
    } else if found.contains("Python") {
        "; save the array in Python with np.save(\"images.npy\", array)"
    } else {
        ""
    }
}
