//! Shows one test image of a data set in the terminal.

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use mnist_io::{Dataset, Split, known};

const USAGE: &str = "usage: cargo run -p mnist-io --example show -- DIR [INDEX]
  DIR    a folder with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or .gz
  INDEX  the number of the image, from 0 (default 0)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = match &arguments[..] {
        [dir] => render(Path::new(dir), "0"),
        [dir, index] => render(Path::new(dir), index),
        _ => Err(USAGE.into()),
    };
    let written = text.map(|text| io::stdout().write_all(text.as_bytes()));
    match written {
        Ok(Ok(())) => ExitCode::SUCCESS,
        // The reader of a pipe, such as `head`, may stop early.
        Ok(Err(e)) if e.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(Err(e)) => fail(&e),
        Err(e) => fail(&*e),
    }
}

fn fail(error: &dyn Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}

fn render(dir: &Path, index: &str) -> Result<String, Box<dyn Error>> {
    let index: usize =
        index.parse().map_err(|_| format!("INDEX is {index:?}, not a whole number\n{USAGE}"))?;
    let set = Dataset::open(dir, Split::Test)?;
    let images = set.images();
    let (Some(pixels), Some(label)) = (images.get(index), set.labels().get(index)) else {
        return Err(format!("image {index} does not exist; the set has {}", set.len()).into());
    };
    let mut text = String::new();
    for row in pixels.chunks_exact(images.cols()) {
        let line: String = row.iter().flat_map(|&pixel| [shade(pixel); 2]).collect();
        text += line.trim_end();
        text += "\n";
    }
    let title = known::identify(&set.images_sha256(), &set.labels_sha256())
        .map_or("an unknown set", |set| set.title);
    Ok(text + &format!("image {index} of {}, label {label}, {title}\n", set.len()))
}

/// Returns a character. Two of them are about as wide as high.
fn shade(pixel: u8) -> char {
    [' ', '░', '▒', '▓', '█'][usize::from(pixel) * 5 / 256]
}
