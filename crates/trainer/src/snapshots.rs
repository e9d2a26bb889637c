//! Writes snapshots (samples from fixed latents) and, at the end, the data of the last figures.

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

/// The fixed latents of the snapshots, and their labels.
#[derive(Debug)]
pub(crate) struct SnapshotWriter {
    seed: u64,
    /// Whether samples are numbers, not images.
    synthetic: bool,
    latents: Tensor,
    /// i64 `[n]`.
    labels: Tensor,
}

impl SnapshotWriter {
    /// Latents that depend on `seed`, with the classes of the images in the figures.
    pub(crate) fn new(gan: &Gan, seed: u64, data: &TrainData) -> SnapshotWriter {
        seed_torch(seed, RandomStream::Snapshot, 0);
        let labels = match data {
            TrainData::Images { figure_images, .. } => figure_images.labels(),
            TrainData::Gaussian => &[],
        };
        let labels = labels.iter().map(|&label| i64::from(label));
        let labels: Vec<i64> = labels.cycle().take(SNAPSHOT_SAMPLES).collect();
        SnapshotWriter {
            seed,
            synthetic: data.is_synthetic(),
            latents: gan.latents(SNAPSHOT_SAMPLES as i64),
            labels: Tensor::from_slice(&labels).to_device(gan.device),
        }
    }

    /// Writes the snapshot after `step` steps: samples, or densities if samples
    /// are numbers.
    pub(crate) fn write(&self, gan: &Gan, run: &RunDir, step: u64) -> Result<(), Error> {
        if self.synthetic {
            run.append_density(&densities(gan, self.seed, step)?)?;
        } else {
            let samples = gan.sampler().generate(&self.latents, &self.labels)?;
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

    /// Writes the data of the last figures and of the report, after `step` steps:
    ///
    /// - the nearest training image of each sample, among the first `epoch_size`;
    /// - walks between latents;
    /// - the class grid, if G is conditional;
    /// - the data of the report, if there are `test` images.
    pub(crate) fn write_final_data(
        &self,
        gan: &Gan,
        run: &RunDir,
        step: u64,
        (training, test): (&Dataset, Option<&Dataset>),
        epoch_size: u64,
    ) -> Result<(), Error> {
        let sampler = gan.sampler();
        let samples = sampler.generate(&self.latents, &self.labels)?;
        let training = resize(&training.images().first(epoch_size as usize), samples.rows())?;
        let found = nearest(&samples, &training)?;
        let indices: Vec<usize> = found.iter().map(|neighbor| neighbor.index).collect();
        if let Some(images) = training.select(&indices) {
            run.write_images(&run.nearest_path(), &images)?;
        }
        if let Some(test) = test {
            write_report_data(gan, run, self.seed, step, test, &training)?;
        }
        run.write_image_rows(&run.latent_walk_path(), &self.walks(&sampler)?, None)?;
        if let Some(classes) = sampler.classes() {
            let classes = classes.len();
            let rows = self.class_grid(&sampler, classes)?;
            run.write_image_rows(&run.class_rows_path(), &rows, Some(classes))?;
        }
        Ok(())
    }

    /// Samples along straight lines between latents, one class for each line.
    fn walks(&self, sampler: &Sampler) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, RandomStream::Walk, 0);
        let (latent, device) = (sampler.generator().latent(), sampler.device());
        let (from, to) = latent.interpolation_endpoints(WALKS, device);
        let position = Tensor::linspace(0.0, 1.0, WALK_POINTS, (Kind::Float, device));
        let latents = from
            .unsqueeze(1)
            .lerp_tensor(&to.unsqueeze(1), &position.view([1, -1, 1]))
            .view([-1, latent.dim()]);
        let labels = sampler.labels(0..WALKS.unsigned_abs(), None);
        let labels = labels.repeat_interleave_self_int(WALK_POINTS, None, None);
        split_into_rows(&sampler.generate(&latents, &labels)?, WALK_POINTS as usize)
    }

    /// The class grid: rows of samples from one latent, one for each of the `classes`.
    fn class_grid(&self, sampler: &Sampler, classes: usize) -> Result<Vec<Images>, Error> {
        seed_torch(self.seed, RandomStream::ClassGrid, 0);
        let device = sampler.device();
        let latents = sampler.generator().latent().sample(CLASS_GRID_LATENTS as i64, device);
        let latents = latents.repeat_interleave_self_int(classes as i64, Some(0), None);
        let labels = sampler.labels(0..(classes * CLASS_GRID_LATENTS) as u64, None);
        split_into_rows(&sampler.generate(&latents, &labels)?, classes)
    }
}

/// Images in rows of `columns`.
fn split_into_rows(images: &Images, columns: usize) -> Result<Vec<Images>, Error> {
    let (rows, cols) = (images.rows(), images.cols());
    images
        .pixels()
        .chunks(columns * rows * cols)
        .map(|row| Ok(Images::new(rows, cols, row.to_vec())?))
        .collect()
}
