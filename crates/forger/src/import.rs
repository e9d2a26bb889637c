//! `forger import`: converts images of any format into four IDX files.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use gan_cli::error::user_error;
use gan_cli::{ImportArgs, PixelArgs};
use gan_import::{Options, read_set};
use mnist_io::{Dataset, Idx, IdxData};

use crate::{check_data, output};

/// Runs the command.
pub fn run(args: &ImportArgs) -> Result<ExitCode> {
    refuse_occupied(&args.out)?;
    let options = Options {
        label_offset: args.label_offset,
        classes: args.classes.as_ref().map(|classes| classes.as_slice().to_vec()),
        ..options(&args.pixels)
    };
    let set = read_set(&args.source, &options)?;
    check_data::print(&set, &mut |line| output::eprint_line(line))?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    write(&args.out, "t10k", &set.test)?;
    // Last, because a folder with test images alone is refused.
    write(&args.out, "train", &set.train)?;
    output::print_line(format_args!("wrote {}", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// How pixels are read.
pub fn options(pixels: &PixelArgs) -> Options {
    Options {
        transpose: pixels.transpose,
        invert: pixels.invert,
        resize: pixels.resize,
        gray: pixels.gray,
        range: pixels.range,
        array: pixels.array.clone(),
        ..Options::default()
    }
}

/// Refuses a folder that holds anything, before the source is read.
fn refuse_occupied(dir: &Path) -> Result<()> {
    let occupied = match dir.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => dir.exists(),
    };
    if occupied {
        let what = format!("--out {} is not an empty folder", dir.display());
        return Err(user_error(what, "name a new folder for the data set"));
    }
    Ok(())
}

/// Writes the images of a split, and its labels if it has any, the labels first.
fn write(dir: &Path, split: &str, set: &Dataset) -> Result<()> {
    if set.is_labeled() {
        let labels = Idx::new(vec![set.len()], IdxData::U8(set.labels().to_vec()))?;
        labels.write_file(&dir.join(format!("{split}-labels-idx1-ubyte")))?;
    }
    set.images().write_file(&dir.join(format!("{split}-images-idx3-ubyte")))?;
    Ok(())
}
