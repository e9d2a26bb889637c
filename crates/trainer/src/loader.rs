//! Loads batches of real data in a seeded order.

use gan_models::PixelRange;
use mnist_io::Dataset;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::Error;
use crate::data::resize;
use crate::seeds::{RandomStream, seed_torch, stream_seed};

/// Mean and standard deviation of the real numbers of the preset `gaussian`.
pub(crate) const GAUSSIAN_MEAN_STD: (f64, f64) = (4.0, 0.5);

/// Some real images and their labels.
#[derive(Debug)]
pub struct Batch {
    /// f32 `[n, 1, side, side]` in the pixel range of the networks.
    pub images: Tensor,
    /// i64 `[n]`, the class of each image; 0 for numbers.
    pub labels: Tensor,
}

impl Batch {
    /// The number of images.
    pub fn len(&self) -> i64 {
        self.labels.numel() as i64
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The source of the real data.
#[derive(Debug)]
enum Source {
    Images {
        /// u8 `[n, 1, side, side]`: a quarter of the memory of f32, and one
        /// conversion of a small batch per step.
        bytes: Tensor,
        /// i64 `[n]`.
        labels: Tensor,
        range: PixelRange,
    },
    Gaussian(Device),
}

/// Loads batches of real data in an order that depends on the seed and the step
/// only.
#[derive(Debug)]
pub struct DataLoader {
    source: Source,
    index_sampler: IndexSampler,
}

impl DataLoader {
    /// Loads the first `epoch_size` images of `dataset`, all if there are fewer, resized
    /// to `side` rows and columns, onto `device`.
    ///
    /// # Errors
    /// [`Error::NoImages`] without images; [`Error::Torch`].
    pub fn images(
        dataset: &Dataset,
        epoch_size: u64,
        side: i64,
        range: PixelRange,
        device: Device,
        seed: u64,
    ) -> Result<DataLoader, Error> {
        let epoch_size = epoch_size.min(dataset.len() as u64);
        if epoch_size == 0 {
            return Err(Error::NoImages);
        }
        let images = resize(dataset.images(), side as usize)?;
        let bytes = Tensor::from_slice(images.pixels()).view([-1, 1, side, side]);
        let labels = Tensor::from_slice(dataset.labels()).to_kind(Kind::Int64);
        let first = |all: &Tensor| all.narrow(0, 0, epoch_size as i64).to_device(device);
        let source = Source::Images { bytes: first(&bytes), labels: first(&labels), range };
        let index_sampler = IndexSampler::new(seed, RandomStream::Shuffle, epoch_size);
        Ok(DataLoader { source, index_sampler })
    }

    /// Draws sorted batches of numbers from N(4, 0.5²).
    pub fn gaussian(device: Device, seed: u64) -> DataLoader {
        DataLoader {
            source: Source::Gaussian(device),
            index_sampler: IndexSampler::new(seed, RandomStream::Shuffle, 1),
        }
    }

    /// Draws images with replacement, or epoch by epoch.
    pub fn with_replacement(mut self, with_replacement: bool) -> DataLoader {
        self.index_sampler.with_replacement = with_replacement;
        self
    }

    /// The same data in the order of pretraining, epoch by epoch.
    pub(crate) fn for_pretraining(&self) -> DataLoader {
        let source = match &self.source {
            Source::Gaussian(device) => Source::Gaussian(*device),
            Source::Images { bytes, labels, range } => Source::Images {
                bytes: bytes.shallow_clone(),
                labels: labels.shallow_clone(),
                range: *range,
            },
        };
        let IndexSampler { seed, size, .. } = self.index_sampler;
        let index_sampler = IndexSampler::new(seed, RandomStream::PretrainShuffle, size);
        DataLoader { source, index_sampler }
    }

    /// Images in an epoch; 1 for numbers.
    pub fn epoch_size(&self) -> u64 {
        self.index_sampler.size
    }

    /// The real images of one update. `update` is its index, `seen` the number of images before
    /// it, and `count` the number of images in it.
    pub fn batch(&mut self, update: u64, seen: u64, count: u64) -> Batch {
        match &self.source {
            Source::Images { bytes, labels, range } => {
                let indices = self.index_sampler.indices(update, seen, count);
                let indices = Tensor::from_slice(&indices).to_device(bytes.device());
                let bytes = bytes.index_select(0, &indices);
                Batch {
                    images: range.from_bytes(&bytes, Kind::Float),
                    labels: labels.index_select(0, &indices),
                }
            }
            Source::Gaussian(device) => {
                seed_torch(self.index_sampler.seed, self.index_sampler.stream, update);
                let (sorted, _) = draw_gaussian(count as i64).sort(0, false);
                Batch {
                    images: sorted.view([-1, 1, 1, 1]).to_device(*device),
                    labels: Tensor::zeros([count as i64], (Kind::Int64, *device)),
                }
            }
        }
    }
}

/// Draws the indices of the images.
#[derive(Debug)]
struct IndexSampler {
    seed: u64,
    stream: RandomStream,
    /// Images in an epoch, at least 1.
    size: u64,
    with_replacement: bool,
    /// The epoch of the permutation.
    epoch: Option<u64>,
    permutation: Vec<i64>,
}

impl IndexSampler {
    fn new(seed: u64, stream: RandomStream, size: u64) -> IndexSampler {
        IndexSampler {
            seed,
            stream,
            size,
            with_replacement: false,
            epoch: None,
            permutation: Vec::new(),
        }
    }

    /// Indices of the `count` images of update `update`.
    ///
    /// With replacement, they depend on `update`. Without, they depend on `seen`:
    /// every image comes once per epoch, and a batch may span two epochs.
    fn indices(&mut self, update: u64, seen: u64, count: u64) -> Vec<i64> {
        if self.with_replacement {
            let mut rng = self.rng(update);
            return (0..count).map(|_| rng.random_range(0..self.size).cast_signed()).collect();
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

/// `n` draws from N(4, 0.5²), f32 `[n]`, from libtorch's global random number generator.
pub(crate) fn draw_gaussian(n: i64) -> Tensor {
    let (mean, std) = GAUSSIAN_MEAN_STD;
    Tensor::randn([n], (Kind::Float, Device::Cpu)) * std + mean
}

#[cfg(test)]
mod tests {
    use mnist_io::Images;

    use super::*;

    #[test]
    fn every_image_comes_once_per_epoch_also_across_batches() {
        let mut shuffle = IndexSampler::new(3, RandomStream::Shuffle, 10);
        let mut seen: Vec<i64> = (0..5).flat_map(|s| shuffle.indices(s, 4 * s, 4)).collect();
        for epoch in seen.chunks_mut(10) {
            epoch.sort_unstable();
            assert_eq!(epoch, (0..10).collect::<Vec<i64>>());
        }
    }

    #[test]
    fn the_order_depends_on_seed_and_step_only() {
        for with_replacement in [false, true] {
            let new = |seed, stream| IndexSampler {
                with_replacement,
                ..IndexSampler::new(seed, stream, 100)
            };
            let mut straight = new(7, RandomStream::Shuffle);
            let all: Vec<_> = (0..20).map(|s| straight.indices(s, 16 * s, 16)).collect();
            let mut late = new(7, RandomStream::Shuffle);
            assert_eq!(late.indices(19, 19 * 16, 16), all[19]);
            for mut other in [new(8, RandomStream::Shuffle), new(7, RandomStream::PretrainShuffle)]
            {
                assert_ne!(other.indices(0, 0, 16), all[0]);
            }
        }
    }

    #[test]
    fn refuses_a_data_set_without_images() {
        let empty = Dataset::new(Images::new(1, 1, Vec::new()).unwrap(), Vec::new()).unwrap();
        let refused = DataLoader::images(&empty, 1, 1, PixelRange::Unit, Device::Cpu, 1);
        assert!(matches!(refused, Err(Error::NoImages)), "{refused:?}");
    }
}
