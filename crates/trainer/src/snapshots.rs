//! SnapshotWriter: samples from fixed latents during training, and more at its end.

use gan_metrics::neighbors::nearest;
use mnist_io::{Dataset, Images};
use run_dir::RunDir;
use tch::{Kind, Tensor};

use crate::Error;
use crate::data::{SNAPSHOT_SAMPLES, TrainData, resize};
use crate::densities::densities;
use crate::gan::Gan;
use crate::report_data::write_report_data;
use crate::sampler::Sampler;
use crate::seeds::{RandomStream, seed_torch};

/// Rows of `latent_walk.png`, each between two latents.
const WALKS: i64 = 8;
/// Samples in each row, both ends included.
const WALK_POINTS: i64 = 10;
/// Latents of the class grid.
const CLASS_GRID_LATENTS: usize = 8;

/// The fixed latents of the snapshots, and their classes.
#[derive(Debug)]
pub(crate) struct SnapshotWriter {
    seed: u64,
    /// Whether samples are numbers, not images.
    synthetic: bool,
    latents: Tensor,
    /// i64 `[n]`.
    classes: Tensor,
}

impl SnapshotWriter {
    /// Latents that depend on `seed`, with the classes of the images in the figures.
    pub(crate) fn new(gan: &Gan, seed: u64, data: &TrainData) -> SnapshotWriter {
        seed_torch(seed, RandomStream::Snapshot, 0);
        let labels = match data {
            TrainData::Images { figure_images, .. } => figure_images.labels(),
            TrainData::Gaussian => &[],
        };
        let classes = labels.iter().map(|&label| i64::from(label));
        let classes: Vec<i64> = classes.cycle().take(SNAPSHOT_SAMPLES).collect();
        SnapshotWriter {
            seed,
            synthetic: data.is_synthetic(),
            latents: gan.latents(SNAPSHOT_SAMPLES as i64),
            classes: Tensor::from_slice(&classes).to_device(gan.device),
        }
    }

    /// Writes the snapshot after `step` steps: samples, or densities if samples
    /// are numbers.
    pub(crate) fn write(&self, gan: &Gan, run: &RunDir, step: u64) -> Result<(), Error> {
        if self.synthetic {
            run.append_density(&densities(gan, self.seed, step)?)?;
        } else {
            let samples = gan.sampler().generate(&self.latents, &self.classes)?;
            run.write_snapshot(step, &samples)?;
        }
        Ok(())
    }

    /// Whether the run holds the snapshot after `step` steps.
    pub(crate) fn exists(&self, run: &RunDir, step: u64) -> Result<bool, Error> {
        Ok(match self.synthetic {
            true => run.densities()?.last().is_some_and(|row| row.step == step),
            false => run.has_file(&run.snapshot_path(step))?,
        })
    }

    /// Writes the files of a finished run after `step` steps:
    ///
    /// - the nearest training image of each sample, among the first `epoch_size`;
    /// - walks between latents;
    /// - the class grid, if G is conditional;
    /// - the data of the report, if there are `test` images.
    pub(crate) fn write_final(
        &self,
        gan: &Gan,
        run: &RunDir,
        step: u64,
        (training, test): (&Dataset, Option<&Dataset>),
        epoch_size: u64,
    ) -> Result<(), Error> {
        let sampler = gan.sampler();
        let samples = sampler.generate(&self.latents, &self.classes)?;
        let first: Vec<usize> = (0..training.len().min(epoch_size as usize)).collect();
        let training = training.images().select(&first).ok_or(Error::NoImages)?;
        let training = resize(&training, samples.rows())?;
        let found = nearest(&samples, &training)?;
        let indices: Vec<usize> = found.iter().map(|neighbor| neighbor.index).collect();
        if let Some(images) = training.select(&indices) {
            run.write_nearest(&images)?;
        }
        if let Some(test) = test {
            write_report_data(gan, run, self.seed, step, test, &training)?;
        }
        run.write_walk(&self.walks(&sampler)?)?;
        if let Some(classes) = sampler.classes() {
            let classes = classes.len();
            run.write_digits(&self.class_grid(&sampler, classes)?, classes)?;
        }
        Ok(())
    }

    /// Samples along straight lines between latents, one class for each line.
    fn walks(&self, sampler: &Sampler) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, RandomStream::Walk, 0);
        let (latent, device) = (sampler.generator().latent(), sampler.device());
        let (from, to) = latent.interpolation_endpoints(WALKS, device);
        let share = Tensor::linspace(0.0, 1.0, WALK_POINTS, (Kind::Float, device));
        let latents = from
            .unsqueeze(1)
            .lerp_tensor(&to.unsqueeze(1), &share.view([1, -1, 1]))
            .view([-1, latent.dim()]);
        let labels = sampler.labels(0..WALKS.unsigned_abs(), None);
        let labels = labels.repeat_interleave_self_int(WALK_POINTS, None, None);
        rows(&sampler.generate(&latents, &labels)?, WALK_POINTS as usize)
    }

    /// The class grid: rows of samples from one latent, one for each of the `classes`.
    fn class_grid(&self, sampler: &Sampler, classes: usize) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, RandomStream::ClassGrid, 0);
        let device = sampler.device();
        let latents = sampler.generator().latent().sample(CLASS_GRID_LATENTS as i64, device);
        let latents = latents.repeat_interleave_self_int(classes as i64, Some(0), None);
        let labels = sampler.labels(0..(classes * CLASS_GRID_LATENTS) as u64, None);
        rows(&sampler.generate(&latents, &labels)?, classes)
    }
}

/// Images in rows of `columns`.
fn rows(images: &Images, columns: usize) -> Result<Vec<Images>, Error> {
    let (rows, cols) = (images.rows(), images.cols());
    images
        .pixels()
        .chunks(columns * rows * cols)
        .map(|row| Ok(Images::new(rows, cols, row.to_vec())?))
        .collect()
}
