//! Writes a 10×10 grid of a data set's test images: `grid DATA_DIR grid.png`.

use std::error::Error;
use std::path::Path;

use gan_viz::{GridStyle, grid};
use mnist_io::{Dataset, Images, Split};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, data, picture] = &arguments[..] else {
        return Err("usage: grid DATA_DIR PICTURE.png".into());
    };
    let test = Dataset::open(Path::new(data), Split::Test)?.into_parts().0;
    let hundred = test.iter().take(100).flatten().copied().collect();
    let hundred = Images::new(test.rows(), test.cols(), hundred)?;
    grid(&hundred, 10, &GridStyle::default())?.write_png(Path::new(picture))?;
    Ok(())
}
