//! What forgeries are worth, measured against a data set's unseen test images.
//!
//! Every number has a floor: what the same measure gives where as many training
//! images stand in for the forgeries, that is for handwriting that nobody
//! forged. Which ones is fixed: they are drawn with the seed 0. What depends on
//! the data set alone is measured once and kept in a [`Cache`].

mod cache;
mod known;
mod measure;
mod metric;
mod quality;

use std::sync::Arc;

use gan_metrics::duplicates::{CLOSEST, Duplicates, near_duplicates};
use gan_metrics::fid::{Gaussian, frechet_distance};
use gan_metrics::{Forgeries, Originals, precision};
use mnist_io::{Dataset, Images};

use crate::Error;
use crate::classifier::check_images;
use crate::inception::Inception;

pub use cache::Cache;
use known::Known;
pub use metric::Metric;
pub use quality::Quality;

/// Forgeries in a full measurement, in every published table, and in a run's
/// closing line on novelty.
pub const FULL: u64 = 10_000;

/// Forgeries in a point of the quality curve: about a second on 2 cores. FID,
/// its floor included, comes out larger than with [`FULL`].
pub const QUICK: u64 = 2_500;

/// The classifier must read this share of the test images as they are labeled for
/// its features to mean anything.
const LEGIBLE: f64 = 0.9;

/// Measures forgeries against one data set. The classifier is loaded once.
#[derive(Debug)]
pub struct Evaluator {
    known: Known,
}

/// Why there can be no quality curve.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// The classifier does not read these images.
    #[error(
        "the classifier, who knows MNIST's digits, reads {:.0}% of these test images as they are labeled",
        share * 100.0
    )]
    Illegible {
        /// The share of test images that it reads as they are labeled.
        share: f64,
    },
    /// There are too few test images.
    #[error("{found} test images are too few")]
    TooFew {
        /// How many there are.
        found: usize,
    },
}

impl Evaluator {
    /// Measures against `test`, and takes for copies what lies close to
    /// `training`. `cache` says where measurements are kept.
    ///
    /// # Errors
    /// Images of another size than 28×28, or none; the classifier's weights.
    pub fn new(
        training: impl Into<Arc<Dataset>>,
        test: Dataset,
        cache: Cache,
    ) -> Result<Evaluator, Error> {
        let known = Known::new(training.into(), test, cache)?;
        Ok(Evaluator { known })
    }

    /// SHA-256, in hexadecimal, of the plain IDX file of the test images.
    pub fn test_images_sha256(&self) -> String {
        self.known.test.images_sha256()
    }

    /// Rows and columns of the images that are measured.
    pub fn side(&self) -> usize {
        self.known.test.images().rows()
    }

    /// Whether a quality curve would make no sense, and why.
    ///
    /// # Errors
    /// Where libtorch refuses.
    pub fn unfit(&self) -> Result<Option<Unfit>, Error> {
        let found = self.known.test.len();
        if found <= precision::NEIGHBORS {
            return Ok(Some(Unfit::TooFew { found }));
        }
        self.illegible()
    }

    /// Whether the classifier's features of these images mean nothing.
    ///
    /// # Errors
    /// Where libtorch refuses.
    pub fn illegible(&self) -> Result<Option<Unfit>, Error> {
        let share = self.known.classified_test()?.legible;
        Ok((share < LEGIBLE).then_some(Unfit::Illegible { share }))
    }

    /// Finds out now what [`Evaluator::quick`] and [`Evaluator::duplicates`]
    /// have to know of the data set.
    ///
    /// # Errors
    /// Where libtorch refuses.
    pub fn prepare(&self) -> Result<(), Error> {
        self.known.test_distances()?;
        if self.unfit()?.is_none() {
            self.fid_floor(QUICK as usize)?;
            self.precision_floor(QUICK as usize)?;
        }
        Ok(())
    }

    /// Whether the slowest part of [`Evaluator::prepare`], the distances of the test
    /// images to the training images, is kept on the disk. The file is not opened,
    /// and the rest may still have to be found out.
    pub fn is_prepared(&self) -> bool {
        self.known.has_test_distances()
    }

    /// A point of the quality curve, usually of [`QUICK`] forgeries u8
    /// `[n, 28, 28]`: FID, precision and recall, with their floors.
    ///
    /// # Errors
    /// As [`Evaluator::measure`].
    pub fn quick(&self, forgeries: &Images) -> Result<Quality, Error> {
        let metrics = [Metric::Fid, Metric::PrecisionRecall];
        self.measure(forgeries, None, &metrics, &mut |_| ())
    }

    /// All of `metrics` of `forgeries` u8 `[n, 28, 28]`, with floors where
    /// there are as many training images (for Parzen windows not counting those
    /// that the width is chosen with); `asked` are the digits that they were
    /// asked to be, one each. `watch` is told what comes next.
    ///
    /// # Errors
    /// Images of another size; fewer than a metric needs; a metric that needs
    /// the classifier where it cannot read the test images; [`Error::Asked`].
    pub fn measure(
        &self,
        forgeries: &Images,
        asked: Option<&[u8]>,
        metrics: &[Metric],
        watch: &mut dyn FnMut(Metric),
    ) -> Result<Quality, Error> {
        check_images(forgeries)?;
        let mut quality = Quality {
            forgeries: forgeries.len() as u64,
            originals: self.known.test.len() as u64,
            ..Quality::default()
        };
        let mut judged = None;
        for &metric in metrics {
            watch(metric);
            match metric {
                Metric::Duplicates => {
                    let found = self.duplicates(forgeries)?;
                    quality.near_duplicates = Some(found.count as u64);
                    quality.near_duplicates_floor = Some(found.expected);
                }
                Metric::Parzen => self.add_parzen(&mut quality, forgeries)?,
                _ => {
                    if let Some(unfit) = self.illegible()? {
                        return Err(Error::Unfit(unfit));
                    }
                    let (features, logits) = match &mut judged {
                        Some(judged) => judged,
                        none => none.insert(self.known.look(forgeries)?),
                    };
                    match metric {
                        Metric::Modes => self.add_modes(&mut quality, logits, asked)?,
                        _ => self.add_distances(&mut quality, metric, features)?,
                    }
                }
            }
        }
        Ok(quality)
    }

    /// How many `forgeries` u8 `[n, 28, 28]` lie closer to a training image
    /// than the closest 0.1% of test images do, in pixels.
    ///
    /// # Errors
    /// Images of another size, or none.
    pub fn duplicates(&self, forgeries: &Images) -> Result<Duplicates, Error> {
        check_images(forgeries)?;
        let test = self.known.test_distances()?;
        let forged = self.known.distances(forgeries)?;
        let sides = (Originals(test), Forgeries(forged.as_slice()));
        Ok(near_duplicates(sides.0, sides.1, CLOSEST)?)
    }

    /// FID on the features of `network`, of `forgeries` u8 `[n, 28, 28]` and,
    /// as the floor, of as many training images. `watch` is told how many
    /// images of a set are done, and of how many.
    ///
    /// # Errors
    /// Images of another size; fewer than 2 on a side; a network that is not
    /// what it should be.
    pub fn inception(
        &self,
        network: &Inception,
        forgeries: &Images,
        watch: &mut dyn FnMut(&str, usize, usize),
    ) -> Result<(f64, Option<f64>), Error> {
        check_images(forgeries)?;
        let test = self
            .known
            .inception_test(network, &mut |done, of| watch("test images", done, of))?;
        let mut distance = |images: &Images, whose: &str| {
            let features = network.features(images, &mut |done, of| watch(whose, done, of))?;
            let fit = Gaussian::fit(&features)?;
            Ok::<f64, Error>(frechet_distance(Originals(&test), Forgeries(&fit))?)
        };
        let found = distance(forgeries, "forgeries")?;
        let floor = self
            .known
            .floor("inception", forgeries.len(), 0..0, |images| {
                Ok([distance(images, "training images")?])
            })?;
        Ok((found, floor.map(|[floor]| floor)))
    }
}
