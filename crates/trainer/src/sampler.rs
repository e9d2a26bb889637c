//! Generates samples.

use std::ops::Range;
use std::sync::Arc;

use gan_config::Classes;
use gan_models::{Generator, Mode};
use mnist_io::Images;
use tch::{Device, Kind, Tensor, no_grad};

use crate::Error;
use crate::seeds::{RandomStream, seed_torch};

/// Samples per forward pass: activations take many times the memory of images.
const CHUNK: u64 = 500;

/// A generator with the parameters to sample with.
#[derive(Debug)]
pub struct Sampler {
    generator: Arc<dyn Generator>,
    /// `[numel]`, in the data type in which the generator computes.
    parameters: Tensor,
    /// Batch size of training.
    batch_size: u64,
    /// Samples cycle through these classes.
    classes: Classes,
}

impl Sampler {
    /// Samples from `generator` with `parameters` f32 `[numel]`, computed in `dtype`. In f32, the
    /// sampler shares memory with them. `batch_size` is that of training. Samples cycle through all
    /// classes of the generator.
    pub fn new(
        generator: Arc<dyn Generator>,
        parameters: &Tensor,
        dtype: Kind,
        batch_size: u64,
    ) -> Sampler {
        let classes = all_classes(generator.as_ref());
        Sampler { parameters: parameters.detach().to_kind(dtype), generator, batch_size, classes }
    }

    /// Restricts samples to `classes`, those of the training images.
    pub fn with_classes(self, classes: Classes) -> Sampler {
        Sampler { classes, ..self }
    }

    /// The generator.
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// The class of each of `count` samples, if the caller chooses none; `None` for unconditional
    /// generators.
    pub fn default_classes(&self, count: u64) -> Option<Vec<u8>> {
        let classes = || (0..count).map(|i| self.classes.cyclic(i)).collect();
        self.generator.conditional().then(classes)
    }

    /// The classes that samples cycle through, if the generator is conditional.
    pub fn classes(&self) -> Option<&Classes> {
        self.generator.conditional().then_some(&self.classes)
    }

    /// The labels of the samples `range`, i64 `[n]`: all are `class`, or they cycle through the
    /// classes.
    pub fn labels(&self, range: Range<u64>, class: Option<u8>) -> Tensor {
        let labels = range.map(|i| i64::from(class.unwrap_or_else(|| self.classes.cyclic(i))));
        Tensor::from_slice(&labels.collect::<Vec<_>>()).to_device(self.device())
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.parameters.device()
    }

    /// Generates images `[n, 1, side, side]` in the networks' data type from latents f32
    /// `[n, dim]` and labels i64 `[n]`.
    pub fn forward(&self, latents: &Tensor, labels: &Tensor) -> Tensor {
        no_grad(|| {
            let weights = self.generator.layout().weights(&self.parameters);
            self.generator.forward(&weights, latents, Some(labels), Mode::Eval)
        })
    }

    /// Generates u8 images from latents f32 `[n, dim]` and labels i64 `[n]`.
    ///
    /// # Errors
    /// [`Error::Torch`] if the device cannot be read.
    pub fn generate(&self, latents: &Tensor, labels: &Tensor) -> Result<Images, Error> {
        let range = self.generator.pixel_range();
        let bytes = range.to_bytes(&self.forward(latents, labels));
        let (n, _, rows, cols) = bytes.size4()?;
        let mut pixels = vec![0u8; (n * rows * cols) as usize];
        let numel = pixels.len();
        bytes.contiguous().to_device(Device::Cpu).f_copy_data(&mut pixels, numel)?;
        Ok(Images::new(rows as usize, cols as usize, pixels)?)
    }

    /// Generates `count` images, a function of `seed` and `stream`. All show `class`, or the images
    /// of a conditional generator cycle through its classes. `on_progress` receives the number of
    /// finished images after each chunk.
    ///
    /// # Errors
    /// [`Error::Label`] for another class; [`Error::Unconditional`] for a class if the
    /// generator takes no labels; [`Error::Torch`].
    pub fn sample(
        &self,
        (seed, stream): (u64, RandomStream),
        count: u64,
        class: Option<u8>,
        on_progress: &mut dyn FnMut(u64),
    ) -> Result<Images, Error> {
        let mut pixels = Vec::new();
        let (mut rows, mut cols, mut done) = (1, 1, 0);
        for chunk in self.chunks((seed, stream), count, class)? {
            let images = chunk?;
            (rows, cols) = (images.rows(), images.cols());
            if done == 0 {
                pixels.reserve_exact(count as usize * rows * cols);
            }
            pixels.extend_from_slice(images.pixels());
            done += images.len() as u64;
            on_progress(done);
        }
        Ok(Images::new(rows, cols, pixels)?)
    }

    /// The images of [`Sampler::sample`] in chunks of a few hundred. The iterator generates each
    /// chunk when it reaches it, so memory does not grow with `count`.
    ///
    /// # Errors
    /// Those of [`Sampler::sample`].
    pub fn chunks(
        &self,
        (seed, stream): (u64, RandomStream),
        count: u64,
        class: Option<u8>,
    ) -> Result<impl Iterator<Item = Result<Images, Error>> + '_, Error> {
        match (class, self.classes()) {
            (Some(class), None) => return Err(Error::Unconditional { class }),
            (Some(class), Some(classes)) if !classes.contains(class) => {
                return Err(Error::Label { label: class, classes: classes.clone() });
            }
            _ => {}
        }
        // Batch norm needs batches as large as in training. Generate full batches and drop the
        // extra samples.
        let whole_batches = self.generator.uses_batch_statistics();
        let chunk = if whole_batches { self.batch_size.max(1) } else { CHUNK.min(count.max(1)) };
        Ok((0..count.div_ceil(chunk)).map(move |part| {
            seed_torch(seed, stream, part);
            let first = part * chunk;
            let kept = chunk.min(count - first);
            let size = if whole_batches { chunk } else { kept };
            let latents = self.generator.latent().sample(size as i64, self.device());
            let images = self.generate(&latents, &self.labels(first..first + size, class))?;
            Ok(if kept == size { images } else { images.first(kept as usize) })
        }))
    }
}

/// Every class that `generator` has an input for.
pub(crate) fn all_classes(generator: &dyn Generator) -> Classes {
    (0..=u8::MAX).take(generator.classes().unwrap_or(0) as usize).collect()
}
