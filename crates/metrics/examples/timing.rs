//! Times the metrics on MNIST: `cargo run -p gan-metrics --example timing -- data/mnist`.

use std::path::Path;
use std::time::Instant;

use gan_metrics::neighbors::nearest;
use mnist_io::{Dataset, Split};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("give the folder with MNIST's files")?;
    let training = Dataset::open(Path::new(&dir), Split::Train)?;
    let test = Dataset::open(Path::new(&dir), Split::Test)?;
    let start = Instant::now();
    let found = nearest(test.images(), training.images())?;
    println!("nearest {:?} {:?}", start.elapsed(), found.first());
    Ok(())
}
