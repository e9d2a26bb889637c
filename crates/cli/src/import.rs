//! The options of `import` and `check-data`, and how images of any format are read.

use std::path::PathBuf;

use clap::Args;
use gan_config::Classes;

const IMPORT_EXAMPLES: &str = "\
Examples:
  cargo xtask import mnist.npz --out data/keras          Keras' file: x_train, y_train, ...
  cargo xtask import digits.zip --out data/mine          a folder, or a zip, of PNGs or CSVs
  cargo xtask import photos --gray --resize 28 --out data/small
  cargo xtask import emnist/emnist-letters-train-images-idx3-ubyte.gz --transpose --out data/letters
  cat samples.npy | cargo xtask import - --out data/stdin
  cargo xtask train --data data/mine                     train on the result

Sources: IDX (also with EMNIST's and QMNIST's names), .npy, .npz, CSV, PNG, JPEG; files,
folders, zip archives, or - for standard input. Folders of pictures are classes. The words
train, test and val in names are splits. Without test images, a tenth is held out.";

/// Convert images of any format into a data set to train on
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub struct ImportArgs {
    /// File or folder of images and labels; -: standard input
    pub source: PathBuf,

    /// Folder for the IDX files, new or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    #[command(flatten)]
    #[allow(missing_docs, reason = "documentation here would become a help text")]
    pub pixels: PixelArgs,

    /// Label that becomes 0 [default: the smallest, if labels start above 0 and end above 9]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub label_offset: Option<i64>,

    /// Keep only these classes, as in 0-4,9
    #[arg(long, value_name = "LIST")]
    pub classes: Option<Classes>,
}

/// How images of any format become gray levels.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct PixelArgs {
    /// Exchange rows and columns; EMNIST is stored so
    #[arg(long)]
    pub transpose: bool,

    /// Exchange black and white
    #[arg(long)]
    pub invert: bool,

    /// Resize to N rows and columns, antialiased
    #[arg(long, value_name = "N", value_parser = side)]
    pub resize: Option<usize>,

    /// Make color images gray
    #[arg(long)]
    pub gray: bool,

    /// Values that mean black and white, as in -1,1 [default: found]
    #[arg(long, value_name = "LOW,HIGH", allow_hyphen_values = true, value_parser = range)]
    pub range: Option<(f64, f64)>,

    /// Array of images in a file with several
    #[arg(long, value_name = "NAME")]
    pub array: Option<String>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  cargo xtask check-data                  the default data set
  cargo xtask check-data data/mine        a data set of your own, in any format of `import`

It reports the range of the pixels, constant images, classes, duplicates within and across the
splits, and whether digits look transposed. Nothing is changed.";

/// Check the images and labels of a data set
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckDataArgs {
    /// Folder or file of the data set [default: data/mnist, fetched]
    pub data: Option<PathBuf>,
}

fn side(text: &str) -> Result<usize, String> {
    let side = text.parse().ok().filter(|side| (4..=512).contains(side));
    side.ok_or_else(|| "it must be a whole number from 4 to 512".to_owned())
}

fn range(text: &str) -> Result<(f64, f64), String> {
    let parsed = text.split_once(',').and_then(|(low, high)| {
        let (low, high): (f64, f64) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (low < high && low.is_finite() && high.is_finite()).then_some((low, high))
    });
    parsed.ok_or_else(|| "it must be two numbers, the lower one first, as in 0,1".to_owned())
}
