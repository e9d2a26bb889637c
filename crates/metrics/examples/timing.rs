//! Times each metric on MNIST, in `OMP_NUM_THREADS` threads:
//! `cargo run -p gan-metrics --example timing -- data/mnist`.
//!
//! The first 10,000 training images serve as fake images, so novelty calls them copies.
//! Features are 128 random projections of pixels with ReLU.
//! `tests/reference/timing.py` times published programs on the same arrays.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Instant;

use gan_metrics::density::density_coverage;
use gan_metrics::fid::fid;
use gan_metrics::kid::{KidOptions, kid};
use gan_metrics::neighbors::nearest;
use gan_metrics::novelty::{NoveltyOptions, novelty};
use gan_metrics::parzen::{default_bandwidths, parzen};
use gan_metrics::precision::precision_recall;
use gan_metrics::{Fake, Features, Real, Training, Validation};
use mnist_io::{Dataset, Images, Split};
use tch::{Device, Kind, Tensor};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or("give the folder of MNIST as argument")?;
    let open = |split| Dataset::open(Path::new(&folder), split);
    let (training, test) = (open(Split::Train)?, open(Split::Test)?);
    let (training, test) = (training.images(), test.images());
    let copies = select(training, 0..10_000)?;
    let kept_aside = select(training, 50_000..51_000)?;
    tch::manual_seed(0);
    let weights = Tensor::randn([784, 128], (Kind::Float, Device::Cpu));
    let project = |images: &Images| -> Result<Features> {
        let pixels = Tensor::from_slice(images.pixels()).view([-1, 784]);
        let rows = pixels.to_kind(Kind::Float) / 255.0;
        Ok(Features::from_tensor(&rows.matmul(&weights).relu())?)
    };
    let (real, fake, all) = (project(test)?, project(&copies)?, project(training)?);
    let (o, f) = (|| Real(&real), || Fake(&fake));

    timed("fid", || Ok(fid(o(), f())?))?;
    timed("kid", || Ok(kid(o(), f(), &KidOptions::default())?))?;
    timed("precision, recall", || Ok(precision_recall(o(), f(), 3)?))?;
    timed("density, coverage", || Ok(density_coverage(o(), f(), 5)?))?;
    timed("novelty, 128 features", || {
        let found = novelty(o(), f(), Training(&all), &NoveltyOptions::default())?;
        Ok((found.c_t, found.null))
    })?;
    timed("nearest, pixels", || Ok(nearest(test, training)?[0]))?;
    timed("parzen, pixels", || {
        let sets = (Real(test), Validation(&kept_aside));
        Ok(parzen(sets.0, sets.1, Fake(&copies), &default_bandwidths())?)
    })
}

fn select(images: &Images, places: std::ops::Range<usize>) -> Result<Images> {
    let places: Vec<usize> = places.collect();
    Ok(images.select(&places).ok_or("the data set is too small")?)
}

fn timed<T: std::fmt::Debug>(name: &str, measure: impl FnOnce() -> Result<T>) -> Result<()> {
    let start = Instant::now();
    let found = measure()?;
    let seconds = start.elapsed().as_secs_f64();
    match writeln!(std::io::stdout(), "{name:22} {seconds:6.2} s   {found:?}") {
        // The reader of a pipe, such as `head`, may stop early.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}
