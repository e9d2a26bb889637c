//! Draws 100 test images of a data set as a 10x10 grid: `grid DATA_DIR grid.png`.

use std::error::Error;
use std::path::Path;

use gan_viz::{GridStyle, grid};
use mnist_io::{Dataset, Split};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let [_, data, picture] = &arguments[..] else {
        return Err("usage: grid DATA_DIR PICTURE.png".into());
    };
    let images = Dataset::open(Path::new(data), Split::Test)?.into_parts().0;
    let first: Vec<usize> = (0..images.len().min(100)).collect();
    let images = images.select(&first).ok_or("the data set has no images")?;
    grid(&images, 10, &GridStyle::default())?.write_png(Path::new(picture))?;
    Ok(())
}
