//! What is to be trained, on what, and whether that can work.

use std::sync::Arc;

use gan_metrics::Evaluator;
use mnist_io::Dataset;
use tch::{Device, Kind};

use crate::Error;
use crate::checks;
use crate::precision;
use crate::settings::Settings;

/// Rows and columns of the images that can be trained on; presets for larger
/// ones bring them to their size.
const IMAGE_SIDE: usize = 28;

/// Most originals in a batch where they are drawn: as many as any data set has,
/// and few enough to fit into memory.
const MOST_DRAWN: u64 = 1_000_000;

/// Everything that decides a run, but for the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is computed.
    pub settings: Settings,
    /// What everything random follows from.
    pub seed: u64,
    /// Stretch the schedule over so many seconds of training, not over
    /// [`Settings::images`].
    pub seconds: Option<f64>,
    /// Where to compute.
    pub device: Device,
    /// The kind that the networks compute in.
    pub kind: Kind,
}

/// What a run is trained on, and what it is shown beside.
#[derive(Debug)]
pub struct Exhibits {
    /// The originals, which the evaluator looks at too.
    pub training: Arc<Dataset>,
    /// Originals for pictures, at least one: conditional networks forge their
    /// digits, again from the first where there are fewer than forgeries.
    pub shown: Dataset,
    /// What measures forgeries for the quality curve, where there is to be one.
    pub evaluator: Option<Evaluator>,
}

impl Plan {
    /// Refuses what cannot work on `exhibits`, of which there are none where
    /// the networks' originals are drawn.
    ///
    /// # Errors
    /// Impossible settings, a kind that networks cannot compute in, a device that
    /// is not there, images that are missing or of a size that the
    /// networks do not take, or labels that are no digits where the networks
    /// want digits.
    pub fn check(&self, exhibits: Option<&Exhibits>) -> Result<(), Error> {
        precision::check(self.kind, self.device)?;
        let network = self.settings.network;
        let training = exhibits.map(|exhibits| &exhibits.training);
        let available = match training {
            Some(training) => training.len() as u64,
            None if network.draws_originals() => MOST_DRAWN,
            None => return Err(Error::NoImages),
        };
        self.settings.check(available)?;
        if let Some(seconds) = self.seconds
            && !(seconds > 0.0 && seconds.is_finite())
        {
            return refuse("seconds", seconds, "it must be above 0");
        }
        let pair = network.build(None);
        if let Some(exhibits) = exhibits
            && !network.draws_originals()
        {
            check_images(exhibits, pair.generator.conditional())?;
        }
        let mixes = pair.generator.mixes_batch() || pair.discriminator.mixes_batch();
        if mixes {
            self.check_batches()?;
        }
        if self.settings.penalized() && pair.discriminator.mixes_batch() {
            let Settings {
                r1,
                r2,
                gradient_penalty,
                dragan,
                ..
            } = self.settings;
            return refuse(
                "r1, r2, gradient_penalty, dragan",
                format!("{r1}, {r2}, {gradient_penalty}, {dragan}"),
                "this discriminator's batch norm makes each logit depend on every image, so that \
                 there is no gradient at one image",
            );
        }
        Ok(())
    }

    /// Refuses batches of one image, whose norm is always the same.
    fn check_batches(&self) -> Result<(), Error> {
        let Settings {
            batch,
            pretrain_images,
            pretrain_batch,
            ..
        } = self.settings;
        let alone = pretrain_images > 0;
        for (key, value, too_few) in [
            ("batch", batch, batch < 2),
            (
                "pretrain_batch",
                pretrain_batch,
                alone && pretrain_batch < 2,
            ),
        ] {
            if too_few {
                return refuse(key, value, "batch norm needs at least 2 images");
            }
        }
        if alone && pretrain_images % pretrain_batch == 1 {
            let reason = "a batch of 1 image would be left, and batch norm needs at least 2";
            return refuse("pretrain_images", pretrain_images, reason);
        }
        Ok(())
    }
}

fn check_images(exhibits: &Exhibits, conditional: bool) -> Result<(), Error> {
    if exhibits.shown.is_empty() {
        return Err(Error::NoImages);
    }
    for set in [&*exhibits.training, &exhibits.shown] {
        let images = set.images();
        let (rows, cols) = (images.rows(), images.cols());
        if (rows, cols) != (IMAGE_SIDE, IMAGE_SIDE) {
            let side = IMAGE_SIDE;
            return Err(Error::ImageSize { rows, cols, side });
        }
        if conditional && let Some(&label) = set.labels().iter().find(|&&label| label > 9) {
            return Err(Error::Label { label });
        }
    }
    Ok(())
}

fn refuse(key: &'static str, value: impl ToString, reason: &str) -> Result<(), Error> {
    Ok(checks::refuse(key, value, reason)?)
}
