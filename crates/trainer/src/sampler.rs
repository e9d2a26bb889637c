//! Samples from a generator with weights.

use std::sync::Arc;

use gan_models::{Generator, Mode};
use mnist_io::Images;
use tch::{Device, Kind, Tensor, no_grad};

use crate::Error;
use crate::seeds::{Stream, seed_torch};

/// Samples per forward pass: activations take many times the memory of images.
const CHUNK: u64 = 500;

/// A generator with weights.
#[derive(Debug)]
pub struct Sampler {
    generator: Arc<dyn Generator>,
    /// f32 `[numel]`, in the kind that the generator computes in.
    parameters: Tensor,
    /// Images per step of training.
    batch: u64,
}

impl Sampler {
    /// Samples from `generator` with `parameters` f32 `[numel]`, computed in `kind`.
    /// `batch` is the number of images per step of its training.
    pub fn new(
        generator: Arc<dyn Generator>,
        parameters: &Tensor,
        kind: Kind,
        batch: u64,
    ) -> Sampler {
        Sampler { parameters: parameters.detach().to_kind(kind), generator, batch }
    }

    /// The generator.
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// The digit that each of `count` samples shows if none is chosen; `None` for
    /// unconditional generators.
    pub fn requested_digits(&self, count: u64) -> Option<Vec<u8>> {
        let digits = || (0..count).map(|i| digit_of(i).unsigned_abs() as u8).collect();
        self.generator.conditional().then(digits)
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.parameters.device()
    }

    /// Generates images `[n, 1, side, side]` in the networks' kind from latents f32
    /// `[n, size]` and labels i64 `[n]`.
    pub fn tensors(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        no_grad(|| {
            let weights = self.generator.layout().weights(&self.parameters);
            self.generator.forward(&weights, latents, Some(labels), Mode::Sample)
        })
    }

    /// Generates u8 images from latents f32 `[n, size]` and labels i64 `[n]`.
    ///
    /// # Errors
    /// [`Error::Torch`] if the device cannot be read.
    pub fn images(&self, latents: &Tensor, labels: &Tensor) -> Result<Images, Error> {
        let range = self.generator.pixel_range();
        let bytes = range.to_bytes(&self.tensors(latents, labels));
        let (n, _, rows, cols) = bytes.size4()?;
        let mut pixels = vec![0u8; (n * rows * cols) as usize];
        let numel = pixels.len();
        bytes.contiguous().to_device(Device::Cpu).f_copy_data(&mut pixels, numel)?;
        Ok(Images::new(rows as usize, cols as usize, pixels)?)
    }

    /// Generates `count` images, a function of `seed` and `stream`. With `digit`,
    /// all show that digit; else conditional generators take [`digit_of`].
    /// `progress` receives the number of finished images after each chunk.
    ///
    /// # Errors
    /// [`Error::Label`] for a digit above 9; [`Error::Unconditional`] for a digit
    /// if the generator takes no labels; [`Error::Torch`].
    pub fn sample(
        &self,
        (seed, stream): (u64, Stream),
        count: u64,
        digit: Option<u8>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Images, Error> {
        let mut pixels = Vec::new();
        let (mut rows, mut cols, mut done) = (1, 1, 0);
        for part in self.parts((seed, stream), count, digit)? {
            let images = part?;
            (rows, cols) = (images.rows(), images.cols());
            if done == 0 {
                pixels.reserve_exact(count as usize * rows * cols);
            }
            pixels.extend_from_slice(images.pixels());
            done += images.len() as u64;
            progress(done);
        }
        Ok(Images::new(rows, cols, pixels)?)
    }

    /// The images of [`Sampler::sample`] in parts of a few hundred, each generated when it is
    /// asked for, so that memory does not grow with `count`.
    ///
    /// # Errors
    /// Those of [`Sampler::sample`].
    pub fn parts(
        &self,
        (seed, stream): (u64, Stream),
        count: u64,
        digit: Option<u8>,
    ) -> Result<impl Iterator<Item = Result<Images, Error>> + '_, Error> {
        match digit {
            Some(digit) if !self.generator.conditional() => {
                return Err(Error::Unconditional { digit });
            }
            Some(label) if label > 9 => return Err(Error::Label { label }),
            _ => {}
        }
        // Batch statistics require batches as large as those of training; surplus
        // samples of the last batch are discarded.
        let whole_batches = self.generator.uses_batch_statistics();
        let chunk = if whole_batches { self.batch.max(1) } else { CHUNK.min(count.max(1)) };
        Ok((0..count.div_ceil(chunk)).map(move |part| {
            seed_torch(seed, stream, part);
            let first = part * chunk;
            let kept = chunk.min(count - first);
            let size = if whole_batches { chunk } else { kept };
            let latents = self.generator.latent().sample(size as i64, self.device());
            let digits: Vec<i64> =
                (first..first + size).map(|i| digit.map_or(digit_of(i), i64::from)).collect();
            let digits = Tensor::from_slice(&digits).to_device(self.device());
            let images = self.images(&latents, &digits)?;
            let kept: Vec<usize> = (0..kept as usize).collect();
            images.select(&kept).ok_or(Error::NoImages)
        }))
    }
}

/// The digit of sample `index` of a conditional generator, unless one is chosen:
/// 0 to 9 in turn.
pub fn digit_of(index: u64) -> i64 {
    (index % 10).cast_signed()
}
