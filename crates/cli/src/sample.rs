//! The options of `sample`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::ClassArgs;
use crate::error::user_error;
use crate::values::{number, threads, whole};

const EXAMPLES: &str = "\
Examples:
  cargo xtask sample                                   64 images of the newest run
  cargo xtask sample --run runs/0003-modern            images of another run
  cargo xtask sample --grid 2x10 --scale 4             a picture of 2 rows and 10 columns
  cargo xtask sample --count 10000 --out digits.idx3   an IDX file instead of a picture
  cargo xtask sample --count 10000 --out digits.npz    a NumPy file, u8 [10000, 28, 28]
  cargo xtask sample --class 7                         one class, from a conditional run";

/// Generate images from a trained run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SampleArgs {
    /// Folder of the run to sample from [default: runs/latest]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,

    /// Number of images [default: 64, or as many as --grid has cells]
    #[arg(long, value_name = "N", value_parser = number(1..=10_000_000))]
    pub count: Option<u64>,

    /// Seed of the latents
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole)]
    pub seed: u64,

    #[command(flatten)]
    #[allow(missing_docs, reason = "documentation here would become a help text")]
    pub class: ClassArgs,

    /// File to write: a picture (.png), an IDX file (.idx3, or .idx3.gz in gzip) or a NumPy file
    /// (.npy, .npz); an existing file is replaced [default: samples-0001.png in the folder of the run, or the next number]
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(SampleFile::new))]
    pub out: Option<SampleFile>,

    /// Rows and columns of the picture, as in 4x16 [default: about as wide as high]
    #[arg(long, value_name = "RxC", value_parser = grid)]
    pub grid: Option<[usize; 2]>,

    /// Side of the square that shows a pixel, in pixels of the picture [default: 2]
    #[arg(long, value_name = "N", value_parser = number(1..=64))]
    pub scale: Option<u64>,

    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<u64>,
}

/// A file of samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleFile {
    /// The path as it was typed.
    pub path: PathBuf,
    /// Its format.
    pub format: SampleFormat,
}

/// What a file of samples holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFormat {
    /// All images as one PNG picture.
    Picture,
    /// An IDX file.
    Idx,
    /// A NumPy file.
    Npy,
    /// A zip archive with a NumPy file.
    Npz,
}

impl SampleFile {
    /// The format that the name of the file says, in upper or lower case.
    fn new(path: PathBuf) -> Result<SampleFile, String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let format = if name.ends_with(".png") {
            SampleFormat::Picture
        } else if name.ends_with(".npy") {
            SampleFormat::Npy
        } else if name.ends_with(".npz") {
            SampleFormat::Npz
        } else if [".idx3", ".idx", ".idx3-ubyte"].iter().any(|end| plain.ends_with(end)) {
            SampleFormat::Idx
        } else {
            return Err("the name must end in .png, .idx3, .idx3.gz, .npy or .npz".to_owned());
        };
        Ok(SampleFile { path, format })
    }
}

impl SampleArgs {
    /// The number of images.
    pub fn count(&self) -> u64 {
        let cells = self.grid.map(|[rows, columns]| (rows * columns) as u64);
        self.count.or(cells).unwrap_or(64)
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// The options, and what to write instead.
    pub fn check(&self) -> Result<()> {
        let array = self.out.as_ref().filter(|out| out.format != SampleFormat::Picture);
        for (option, given) in [("--grid", self.grid.is_some()), ("--scale", self.scale.is_some())]
        {
            if let (Some(out), true) = (array, given) {
                return Err(user_error(
                    format!("{option} changes a picture, but {} is none", out.path.display()),
                    format!("leave {option} out, or end the name of the file in .png"),
                ));
            }
        }
        match (self.grid, self.count) {
            (Some([rows, columns]), Some(count)) if count > (rows * columns) as u64 => {
                Err(user_error(
                    format!("--grid {rows}x{columns} has no space for --count {count} images"),
                    format!(
                        "leave --count out, or write --grid {}x{columns}",
                        count.div_ceil(columns as u64)
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Parses rows and columns.
fn grid(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once(['x', 'X']).and_then(|(rows, columns)| {
        let [rows, columns] = [rows, columns].map(|side| side.parse::<usize>().ok());
        Some([rows?, columns?])
    });
    sides
        .filter(|sides| sides.iter().all(|side| (1..=10_000).contains(side)))
        .ok_or_else(|| "it must be rows and columns from 1 to 10000, as in 4x16".to_owned())
}
