//! Checks a configuration against the data and the machine.

use gan_models::Networks;
use mnist_io::Dataset;
use tch::{Cuda, Device, Kind};

use crate::Error;
use crate::config::{IMAGE_SIDE, TrainConfig};
use crate::data::TrainData;

/// Upper limit of a batch of synthetic data.
const MAX_SYNTHETIC_BATCH: u64 = 1_000_000;

impl TrainConfig {
    /// Returns an error if the configuration cannot work on `data`.
    ///
    /// # Errors
    /// [`Error::Settings`] for impossible settings, an unsupported data type, or a missing
    /// device; [`Error::NoImages`], [`Error::DataMismatch`], [`Error::ImageSize`],
    /// [`Error::NoLabels`] or [`Error::Label`] for the data.
    pub fn validate(&self, data: &TrainData) -> Result<(), Error> {
        check_device(self.dtype, self.device)?;
        let Networks { generator, discriminator } = &self.networks;
        self.settings.check()?;
        let available = match data {
            TrainData::Images { training, figure_images, .. } => {
                if training.is_empty() || figure_images.is_empty() {
                    return Err(Error::NoImages);
                }
                let available = training.len() as u64;
                check_images(training, self.settings.epoch_size(available), &self.networks)?;
                check_images(figure_images, u64::MAX, &self.networks)?;
                available
            }
            TrainData::Gaussian => MAX_SYNTHETIC_BATCH,
        };
        let synthetic = data.is_synthetic();
        // A synthetic number is an image of one pixel.
        if synthetic != (generator.image_side() == 1) {
            return Err(Error::DataMismatch { synthetic });
        }
        self.settings.check_images(available)?;
        if let Some(seconds) = self.time_limit_seconds
            && !(seconds > 0.0 && seconds.is_finite())
        {
            return Error::impossible("seconds", seconds, "it must be a finite number above 0");
        }
        if generator.uses_batch_statistics() || discriminator.uses_batch_statistics() {
            self.check_batches()?;
        }
        if !self.settings.penalties.is_empty() && discriminator.uses_batch_statistics() {
            let kinds = self.settings.penalties.iter().map(|p| p.kind.into());
            return Error::impossible(
                &kinds.collect::<Vec<&str>>().join(", "),
                "on",
                "this discriminator's batch norm makes each logit depend on every image, so there \
                 is no gradient at one image",
            );
        }
        Ok(())
    }

    /// Returns an error for batches of one image, for which batch norm is constant.
    fn check_batches(&self) -> Result<(), Error> {
        let pretraining = self.settings.pretraining;
        let batches = [
            ("batch", Some(self.settings.batch)),
            ("pretrain_batch", pretraining.map(|p| p.batch)),
        ];
        for (key, batch) in batches {
            if let Some(batch @ ..2) = batch {
                return Error::impossible(key, batch, "batch norm needs at least 2 images");
            }
        }
        match pretraining {
            Some(p) if p.images % p.batch == 1 => Error::impossible(
                "pretrain_images",
                p.images,
                "the last batch would have 1 image, but batch norm needs at least 2",
            ),
            _ => Ok(()),
        }
    }
}

/// Returns an error for an unsupported data type or a missing device.
///
/// # Errors
/// [`Error::Settings`].
pub(crate) fn check_device(dtype: Kind, device: Device) -> Result<(), Error> {
    if !matches!(dtype, Kind::Float | Kind::BFloat16) {
        return Error::impossible("dtype", format!("{dtype:?}"), "it must be Float or BFloat16");
    }
    let available = match device {
        Device::Cpu => true,
        Device::Cuda(index) => i64::try_from(index).is_ok_and(|i| i < Cuda::device_count()),
        Device::Mps => tch::utils::has_mps(),
        Device::Vulkan => tch::utils::has_vulkan(),
    };
    if available {
        return Ok(());
    }
    Error::impossible("device", format!("{device:?}"), "this machine has no such device")
}

/// Checks the size of the images, and the labels of the first `epoch_size` images.
fn check_images(dataset: &Dataset, epoch_size: u64, networks: &Networks) -> Result<(), Error> {
    let Networks { generator, discriminator } = networks;
    let images = dataset.images();
    let (rows, cols) = (images.rows(), images.cols());
    let network_side = generator.image_side() as usize;
    if ![IMAGE_SIDE, network_side].contains(&rows) || rows != cols {
        let side = IMAGE_SIDE;
        return Err(Error::ImageSize { rows, cols, side });
    }
    let Some(classes) = [generator.classes(), discriminator.classes()].into_iter().flatten().min()
    else {
        return Ok(());
    };
    if !dataset.is_labeled() {
        return Err(Error::NoLabels { conditional: true });
    }
    let mut labels =
        dataset.labels().iter().take(usize::try_from(epoch_size).unwrap_or(usize::MAX));
    match labels.find(|&&label| i64::from(label) >= classes) {
        Some(&label) => {
            let classes = (0..=u8::MAX).take(classes as usize).collect();
            Err(Error::Label { label, classes })
        }
        None => Ok(()),
    }
}
