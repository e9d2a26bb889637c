//! The configuration of a run, and its validation against the data.

use gan_config::{
    Classes, Error as SettingsError, FigureLayout, Precision, Preset, Settings, Update,
};
use gan_models::{DIGITS, Networks};
use mnist_io::Dataset;
use run_dir::{CONFIG_FORMAT, DatasetInfo, RunConfig, Software};
use tch::{Cuda, Device, Kind};

use crate::Error;
use crate::data::TrainData;
use crate::losses::Loss;
use crate::sampler::all_classes;

/// Rows and columns of MNIST. Images may instead have the networks' own size.
const IMAGE_SIDE: usize = 28;

/// The libtorch version that this tch requires.
const LIBTORCH: &str = "2.13.0";

/// Upper limit of a batch of synthetic data.
const MAX_SYNTHETIC_BATCH: u64 = 1_000_000;

/// Limit of parameters times batch size. Below it, one thread is faster than several, also on an
/// idle machine: `gaussian` (1,456) is 1.3 times as fast on one thread as on two, `golbin` (44
/// million) 0.7 times (AMD EPYC).
const MAX_SINGLE_THREAD_WORK: f64 = 1e6;

/// All inputs of a run, besides the data.
#[derive(Debug, Clone)]
pub struct TrainConfig {
    /// Losses, rates, schedule and all other settings.
    pub settings: Settings,
    /// The networks.
    pub networks: Networks,
    /// The name of the networks in `config.toml`.
    pub networks_name: String,
    /// The loss. It has the name of [`Settings::loss`].
    pub loss: Loss,
    /// The classes of the images to train on. Samples of conditional networks cycle through
    /// them. Empty for images without labels.
    pub classes: Classes,
    /// Random seed.
    pub seed: u64,
    /// Time limit of training. The schedule then covers this time instead of
    /// [`Settings::images`].
    pub time_limit_seconds: Option<f64>,
    /// The device to train on.
    pub device: Device,
    /// The data type in which the networks compute: Float (f32) or BFloat16.
    pub dtype: Kind,
}

impl TrainConfig {
    /// A configuration with custom networks, called `name`, and a custom loss: all classes of
    /// the networks, seed 1, on the CPU in f32. Other values can be set in the result.
    pub fn new(settings: Settings, name: &str, networks: Networks, loss: Loss) -> TrainConfig {
        TrainConfig {
            settings: Settings { loss: loss.name.to_owned(), ..settings },
            classes: all_classes(networks.generator.as_ref()),
            networks,
            networks_name: name.to_owned(),
            loss,
            seed: 1,
            time_limit_seconds: None,
            device: Device::Cpu,
            dtype: Kind::Float,
        }
    }

    /// The configuration of a preset, with seed 1 on the CPU in f32.
    ///
    /// # Errors
    /// As [`TrainConfig::by_name`].
    pub fn preset(preset: &Preset, data: &TrainData) -> Result<TrainConfig, Error> {
        TrainConfig::by_name(preset.settings.clone(), &preset.networks, data)
    }

    /// A configuration of the networks of that name in `gan-models` and of the
    /// loss that `settings` name. Conditional networks get the classes of the training images.
    /// The output bias of `goodfellow` starts at the mean image.
    ///
    /// # Errors
    /// [`Error::Settings`] if there are no such networks or no such loss.
    pub fn by_name(
        settings: Settings,
        networks: &str,
        data: &TrainData,
    ) -> Result<TrainConfig, Error> {
        let (classes, means) = match data {
            TrainData::Images { training, .. } => {
                let epoch_size = settings.epoch_size(training.len() as u64);
                (data.classes(epoch_size), pixel_means(training, epoch_size as usize))
            }
            TrainData::Gaussian => (Classes::default(), None),
        };
        let width = if classes.is_empty() { DIGITS } else { classes.one_hot_size() };
        let Some(found) = gan_models::by_name(networks, width, means.as_ref()) else {
            return settings_error("networks", networks, "gan-models has no networks of that name");
        };
        let Some(loss) = Loss::by_name(&settings.loss) else {
            return settings_error("loss", &settings.loss, "gan-trainer has no loss of that name");
        };
        let mut config = TrainConfig::new(settings, networks, found, loss);
        if !classes.is_empty() {
            config.classes = classes;
        }
        Ok(config)
    }

    /// Whether workers split the batch of each step.
    ///
    /// Not with DRAGAN or WGAN-GP, which draw random numbers: several threads would draw them in
    /// no fixed order. Not for [`Update::Simultaneous`], which computes both networks in one pass,
    /// and not on a GPU.
    pub fn data_parallel(&self) -> bool {
        let Networks { generator, discriminator } = &self.networks;
        let draws = self.settings.penalties.iter().any(|p| p.kind.is_one_centered());
        generator.data_parallel()
            && discriminator.data_parallel()
            && self.settings.update != Update::Simultaneous
            && !draws
            && self.device == Device::Cpu
    }

    /// Whether a step is so short that one thread is faster than several, also on an idle
    /// machine.
    pub fn has_short_steps(&self) -> bool {
        let Networks { generator, discriminator } = &self.networks;
        let layouts = [generator.layout(), discriminator.layout()];
        let dense = layouts.iter().flat_map(|l| l.params()).all(|p| p.shape.len() <= 2);
        let numel: i64 = layouts.iter().map(|layout| layout.numel()).sum();
        dense && numel as f64 * self.settings.batch as f64 <= MAX_SINGLE_THREAD_WORK
    }

    /// The `config.toml` of a run. `preset` names the system, and `dataset`
    /// describes the images.
    pub fn to_run_config(
        &self,
        preset: &str,
        figures: FigureLayout,
        dataset: Option<DatasetInfo>,
    ) -> RunConfig {
        RunConfig {
            format: CONFIG_FORMAT,
            preset: preset.to_owned(),
            networks: self.networks_name.clone(),
            seed: self.seed,
            seconds: self.time_limit_seconds,
            device: device_name(self.device),
            precision: match self.dtype {
                Kind::BFloat16 => Precision::Bf16,
                _ => Precision::F32,
            },
            threads: u64::try_from(tch::get_num_threads()).unwrap_or(1),
            classes: self.classes.clone(),
            dataset,
            figures,
            software: software(),
            settings: self.settings.clone(),
        }
    }

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
            return settings_error("seconds", seconds, "it must be a finite number above 0");
        }
        if generator.uses_batch_statistics() || discriminator.uses_batch_statistics() {
            self.check_batches()?;
        }
        if !self.settings.penalties.is_empty() && discriminator.uses_batch_statistics() {
            let kinds = self.settings.penalties.iter().map(|p| p.kind.into());
            return settings_error(
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
                return settings_error(key, batch, "batch norm needs at least 2 images");
            }
        }
        match pretraining {
            Some(p) if p.images % p.batch == 1 => settings_error(
                "pretrain_images",
                p.images,
                "the last batch would have 1 image, but batch norm needs at least 2",
            ),
            _ => Ok(()),
        }
    }
}

/// The name of a device in `config.toml`: `cpu` or `cuda:0`.
pub fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The versions of this crate and of libtorch.
pub fn software() -> Software {
    Software { trainer: env!("CARGO_PKG_VERSION").to_owned(), libtorch: LIBTORCH.to_owned() }
}

/// The data type of a precision.
pub fn dtype(precision: Precision) -> Kind {
    match precision {
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    }
}

/// Returns an error for an unsupported data type or a missing device.
///
/// # Errors
/// [`Error::Settings`].
pub(crate) fn check_device(dtype: Kind, device: Device) -> Result<(), Error> {
    if !matches!(dtype, Kind::Float | Kind::BFloat16) {
        return settings_error("dtype", format!("{dtype:?}"), "it must be Float or BFloat16");
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
    settings_error("device", format!("{device:?}"), "this machine has no such device")
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

/// The mean of each pixel over the first `count` images, 0 to 1; `None` unless
/// the images are 28×28.
fn pixel_means(dataset: &Dataset, count: usize) -> Option<[f64; 784]> {
    let images = dataset.images();
    if (images.rows(), images.cols()) != (IMAGE_SIDE, IMAGE_SIDE) {
        return None;
    }
    let mut sums = [0.0; 784];
    let count = count.min(images.len());
    for image in images.pixels().chunks_exact(784).take(count) {
        for (sum, pixel) in sums.iter_mut().zip(image) {
            *sum += f64::from(*pixel);
        }
    }
    Some(sums.map(|sum| sum / (255.0 * count.max(1) as f64)))
}

fn settings_error<T>(key: &str, value: impl ToString, reason: &str) -> Result<T, Error> {
    Err(Error::Settings(SettingsError::Impossible {
        key: key.to_owned(),
        value: value.to_string(),
        reason: reason.to_owned(),
    }))
}
