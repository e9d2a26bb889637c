//! The originals: resident once on the device, handed out in a seeded order.

use gan_models::PixelRange;
use gan_models::goodfellow::PIXELS;
use mnist_io::{Dataset, Images};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::crew::Cut;
use crate::seeds::{Stream, seed_torch, stream_seed};

/// Mean and standard deviation of the numbers that `gaussian` takes for
/// originals.
pub const GAUSSIAN: (f64, f64) = (4.0, 0.5);

/// Training images and their labels on the device.
#[derive(Debug)]
pub struct Originals {
    /// u8 `[n, 1, side, side]`; a quarter of the memory that f32 takes, and one
    /// conversion of a small batch per step.
    bytes: Tensor,
    /// i64 `[n]`.
    labels: Tensor,
    range: PixelRange,
}

/// Some originals.
#[derive(Debug)]
pub struct Batch {
    /// f32 `[n, 1, side, side]` in the range of the networks.
    pub images: Tensor,
    /// i64 `[n]`, the digit on each image; 0 where there are no images.
    pub labels: Tensor,
}

impl Batch {
    /// How many there are.
    pub(crate) fn len(&self) -> i64 {
        self.labels.numel() as i64
    }

    /// Those of a part; nothing is copied.
    pub(crate) fn part(&self, at: Cut) -> Batch {
        Batch {
            images: at.of(&self.images),
            labels: at.of(&self.labels),
        }
    }
}

impl Originals {
    /// The first `count` of `dataset` on `device`, all if there are fewer,
    /// brought to `side` rows and columns.
    ///
    /// # Errors
    /// Where libtorch refuses.
    pub fn new(
        dataset: &Dataset,
        count: usize,
        side: usize,
        range: PixelRange,
        device: Device,
    ) -> Result<Originals, Error> {
        let count = count.min(dataset.len()) as i64;
        let images = resized(dataset.images(), side)?;
        let bytes = Tensor::from_slice(images.pixels()).view([-1, 1, side as i64, side as i64]);
        let labels = Tensor::from_slice(dataset.labels()).to_kind(Kind::Int64);
        Ok(Originals {
            bytes: bytes.narrow(0, 0, count).to_device(device),
            labels: labels.narrow(0, 0, count).to_device(device),
            range,
        })
    }

    /// The images of those indices and their labels.
    ///
    /// # Panics
    /// With an index below 0 or past the last image.
    pub fn batch(&self, indices: &[i64]) -> Batch {
        let indices = Tensor::from_slice(indices).to_device(self.bytes.device());
        let bytes = self.bytes.index_select(0, &indices);
        Batch {
            images: self.range.from_bytes(&bytes, Kind::Float),
            labels: self.labels.index_select(0, &indices),
        }
    }
}

/// Where originals come from.
#[derive(Debug)]
pub enum Source {
    /// Images of a data set.
    Images(Originals),
    /// Numbers drawn from [`GAUSSIAN`], each batch sorted.
    Gaussian(Device),
}

impl Source {
    /// The next `count` originals in `order`, those of update `update`, before
    /// which `seen` were handed out.
    pub fn draw(&self, order: &mut Order, update: u64, seen: u64, count: u64) -> Batch {
        match self {
            Source::Images(originals) => originals.batch(&order.indices(update, seen, count)),
            Source::Gaussian(device) => {
                seed_torch(order.seed, order.stream, update);
                let (sorted, _) = gaussian(count as i64).sort(0, false);
                Batch {
                    images: sorted.view([-1, 1, 1, 1]).to_device(*device),
                    labels: Tensor::zeros([count as i64], (Kind::Int64, *device)),
                }
            }
        }
    }
}

/// `n` draws from [`GAUSSIAN`], f32 `[n]`, from libtorch's global generator.
pub fn gaussian(n: i64) -> Tensor {
    let (mean, std) = GAUSSIAN;
    Tensor::randn([n], (Kind::Float, Device::Cpu)) * std + mean
}

/// The mean of each pixel over the first `count` images, 0 to 1. They must be
/// 28×28, as [`Plan::check`](crate::plan::Plan::check) sees to; of images of
/// another size the means are of no pixel.
pub fn pixel_means(images: &Images, count: usize) -> [f64; PIXELS] {
    let mut sums = [0.0; PIXELS];
    let count = count.min(images.len());
    for image in images.pixels().chunks_exact(PIXELS).take(count) {
        for (sum, pixel) in sums.iter_mut().zip(image) {
            *sum += f64::from(*pixel);
        }
    }
    sums.map(|sum| sum / (255.0 * count.max(1) as f64))
}

/// `images` at `side` rows and columns: bilinear, corners not aligned.
///
/// # Errors
/// Where libtorch refuses.
pub fn resized(images: &Images, side: usize) -> Result<Images, Error> {
    if (images.rows(), images.cols()) == (side, side) {
        return Ok(images.clone());
    }
    let size = [side as i64, side as i64];
    let shape = [-1, 1, images.rows() as i64, images.cols() as i64];
    let bytes = Tensor::from_slice(images.pixels()).view(shape);
    let mut pixels = Vec::with_capacity(images.len() * side * side);
    // In parts, since each is f32 for a moment.
    for part in bytes.split(1000, 0) {
        let part = part
            .to_kind(Kind::Float)
            .f_upsample_bilinear2d(size, false, None, None)?
            .round()
            .clamp(0.0, 255.0)
            .to_kind(Kind::Uint8)
            .view([-1]);
        let start = pixels.len();
        pixels.resize(start + part.numel(), 0);
        part.f_copy_data(&mut pixels[start..], part.numel())?;
    }
    Ok(Images::new(side, side, pixels)?)
}

/// In which order the originals come.
#[derive(Debug)]
pub struct Order {
    seed: u64,
    stream: Stream,
    size: u64,
    with_replacement: bool,
    /// The epoch that `permutation` is for.
    epoch: Option<u64>,
    permutation: Vec<i64>,
}

impl Order {
    /// An order of `size` images, at least one, drawn from `stream`.
    pub fn new(seed: u64, stream: Stream, size: u64, with_replacement: bool) -> Order {
        Order {
            seed,
            stream,
            size: size.max(1),
            with_replacement,
            epoch: None,
            permutation: Vec::new(),
        }
    }

    /// The next `count` indices, those of update `update`, before which `seen`
    /// were handed out.
    ///
    /// With replacement `update` alone decides. Without, `seen` does: every
    /// image comes once per epoch, and a batch may take the last of one epoch
    /// and the first of the next.
    pub fn indices(&mut self, update: u64, seen: u64, count: u64) -> Vec<i64> {
        if self.with_replacement {
            let mut rng = self.rng(update);
            return (0..count)
                .map(|_| rng.random_range(0..self.size).cast_signed())
                .collect();
        }
        (seen..seen + count)
            .map(|position| {
                self.shuffle_for(position / self.size);
                self.permutation[(position % self.size) as usize]
            })
            .collect()
    }

    fn shuffle_for(&mut self, epoch: u64) {
        if self.epoch != Some(epoch) {
            self.permutation = (0..self.size.cast_signed()).collect();
            let mut rng = self.rng(epoch);
            self.permutation.shuffle(&mut rng);
            self.epoch = Some(epoch);
        }
    }

    fn rng(&self, index: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(stream_seed(self.seed, self.stream, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_comes_once_per_epoch_also_across_batches() {
        let mut order = Order::new(3, Stream::Order, 10, false);
        let mut seen: Vec<i64> = (0..5).flat_map(|s| order.indices(s, 4 * s, 4)).collect();
        for epoch in seen.chunks_mut(10) {
            epoch.sort_unstable();
            assert_eq!(epoch, (0..10).collect::<Vec<i64>>());
        }
    }

    #[test]
    fn the_order_is_a_function_of_seed_and_step_alone() {
        for with_replacement in [false, true] {
            let mut straight = Order::new(7, Stream::Order, 100, with_replacement);
            let all: Vec<_> = (0..20).map(|s| straight.indices(s, 16 * s, 16)).collect();
            let mut entered_late = Order::new(7, Stream::Order, 100, with_replacement);
            assert_eq!(entered_late.indices(19, 19 * 16, 16), all[19]);
            for other in [
                Order::new(8, Stream::Order, 100, with_replacement),
                Order::new(7, Stream::PretrainOrder, 100, with_replacement),
            ] {
                let mut other = other;
                assert_ne!(other.indices(0, 0, 16), all[0]);
            }
        }
    }
}
