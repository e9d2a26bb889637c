//! Prints one test image of a data set in the terminal.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use mnist_io::{Dataset, Split, known};

const USAGE: &str = "usage: cargo run -p mnist-io --example show -- DIR [INDEX]
  DIR    a folder with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or .gz
  INDEX  which image, from 0 (default 0)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match &arguments[..] {
        [dir] => show(Path::new(dir), "0"),
        [dir, index] => show(Path::new(dir), index),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn show(dir: &Path, index: &str) -> Result<(), Box<dyn Error>> {
    let index: usize = index
        .parse()
        .map_err(|_| format!("INDEX is {index:?}, not a whole number\n{USAGE}"))?;
    let set = Dataset::open(dir, Split::Test)?;
    let images = set.images();
    let (Some(pixels), Some(label)) = (images.get(index), set.labels().get(index)) else {
        return Err(format!("there is no image {index}: the set has {}", set.len()).into());
    };
    for row in pixels.chunks_exact(images.cols()) {
        let line: String = row.iter().flat_map(|&pixel| [shade(pixel); 2]).collect();
        println!("{}", line.trim_end());
    }
    let title = known::identify(&set.images_sha256(), &set.labels_sha256())
        .map_or("a set of your own", |set| set.title);
    println!("image {index} of {}, label {label}, {title}", set.len());
    Ok(())
}

/// A character, to be written twice so that a pixel is about square.
fn shade(pixel: u8) -> char {
    [' ', '░', '▒', '▓', '█'][usize::from(pixel) * 5 / 256]
}
