//! The configuration of a run, and its validation against the data.

use gan_config::{Classes, FigureLayout, Precision, Preset, Settings, Update};
use gan_models::{DIGITS, Networks};
use mnist_io::Dataset;
use run_dir::{CONFIG_FORMAT, DatasetInfo, RunConfig, Software};
use tch::{Device, Kind};

use crate::Error;
use crate::data::TrainData;
use crate::losses::Loss;
use crate::sampler::all_classes;

/// Rows and columns of MNIST. Images may instead have the networks' own size.
pub(crate) const IMAGE_SIDE: usize = 28;

/// The libtorch version that this tch requires.
const LIBTORCH: &str = "2.13.0";

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
            return Error::impossible(
                "networks",
                networks,
                "gan-models has no networks of that name",
            );
        };
        let Some(loss) = Loss::by_name(&settings.loss) else {
            return Error::impossible(
                "loss",
                &settings.loss,
                "gan-trainer has no loss of that name",
            );
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
