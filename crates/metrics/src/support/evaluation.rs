//! One evaluation: the samples, and what all metrics share.

use std::cell::{OnceCell, RefCell};

use mnist_io::Images;
use run_dir::Measurement;

use super::inception_network::Inception;
use super::reference::{Classified, ReferenceStats, get_or_try_init};
use crate::{Error, Fake, Result};

/// Values by name.
pub(crate) type Measurements = Vec<(&'static str, Measurement)>;

/// Progress of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The metric of this name comes next.
    Metric(&'static str),
    /// InceptionV3 has processed some images of a set.
    Inception {
        /// The set: samples, test images or training images.
        images: &'a str,
        /// Images done.
        done: usize,
        /// Images in the set.
        total: usize,
    },
}

/// Samples, and the reference that they are compared with.
pub(crate) struct Evaluation<'a> {
    /// u8 `[n, 28, 28]`.
    pub images: &'a Images,
    /// The class that each sample should show, for conditional networks.
    pub requested: Option<&'a [u8]>,
    pub reference: &'a ReferenceStats,
    pub inception: Option<&'a Inception>,
    pub progress: RefCell<&'a mut dyn FnMut(Progress<'_>)>,
    /// The classifier's results on the samples.
    pub classified: OnceCell<Classified>,
}

impl Evaluation<'_> {
    /// The classifier's results on the samples.
    pub fn classified(&self) -> Result<&Classified> {
        get_or_try_init(&self.classified, || self.reference.classify(self.images))
    }

    /// One requested class for each sample, if any.
    pub fn requested_classes(&self) -> Result<Option<&[u8]>> {
        match self.requested {
            Some(classes) if classes.len() != self.images.len() => {
                Err(Error::RequestedClasses { classes: classes.len(), samples: self.images.len() })
            }
            classes => Ok(classes),
        }
    }

    /// Measures the samples' features and, for the reference values, those of equally many training
    /// images. `names[0]` is the cache key.
    pub fn measure_features<const N: usize>(
        &self,
        names: [&'static str; N],
        measure: impl Fn(Fake<'_>) -> Result<[f64; N]>,
    ) -> Result<Measurements> {
        let values = measure(Fake(&self.classified()?.features))?;
        let count = self.images.len();
        let references = self.reference.feature_reference_values(names[0], count, measure)?;
        let numbered = names.into_iter().zip(values).enumerate();
        let measured = numbered
            .map(|(i, (name, value))| (name, measured(value, references.map(|values| values[i]))));
        Ok(measured.collect())
    }

    /// Reports the progress of InceptionV3.
    pub fn report(&self, images: &str, done: usize, total: usize) {
        (self.progress.borrow_mut())(Progress::Inception { images, done, total });
    }
}

/// A measurement without error and details.
pub(crate) fn measured(value: f64, reference: Option<f64>) -> Measurement {
    Measurement { value, reference, ..Measurement::default() }
}
