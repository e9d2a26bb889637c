//! One evaluation: the samples, and what metrics compute from them.

use std::cell::{OnceCell, RefCell};

use mnist_io::Images;
use run_dir::Measurement;

use crate::inception::Inception;
use crate::reference::ReferenceStats;
use crate::{Error, Fake, Features, Result};

/// Values by name.
pub(crate) type Measurements = Vec<(&'static str, Measurement)>;

/// How far an evaluation is.
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
        of: usize,
    },
}

/// Samples, and what they are compared with.
pub(crate) struct Evaluation<'a> {
    /// u8 `[n, 28, 28]`.
    pub images: &'a Images,
    /// The digit that each sample should show, for conditional networks.
    pub requested: Option<&'a [u8]>,
    pub reference: &'a ReferenceStats,
    pub inception: Option<&'a Inception>,
    pub progress: RefCell<&'a mut dyn FnMut(Progress<'_>)>,
    /// Features and logits of the samples.
    pub classified: OnceCell<(Features, Features)>,
}

impl Evaluation<'_> {
    /// Features of the samples, `[n, 128]`.
    pub fn features(&self) -> Result<&Features> {
        Ok(&self.classified()?.0)
    }

    /// Logits of the samples, `[n, 10]`.
    pub fn logits(&self) -> Result<&Features> {
        Ok(&self.classified()?.1)
    }

    fn classified(&self) -> Result<&(Features, Features)> {
        if let Some(classified) = self.classified.get() {
            return Ok(classified);
        }
        let classified = self.reference.classify(self.images)?;
        Ok(self.classified.get_or_init(|| classified))
    }

    /// One requested digit for each sample, if any.
    pub fn requested_digits(&self) -> Result<Option<&[u8]>> {
        match self.requested {
            Some(digits) if digits.len() != self.images.len() => {
                Err(Error::RequestedDigits { digits: digits.len(), samples: self.images.len() })
            }
            digits => Ok(digits),
        }
    }

    /// What `measure` gives for the features of equally many training images, see
    /// [`ReferenceStats::reference_values`].
    pub fn feature_reference<const N: usize>(
        &self,
        name: &str,
        measure: impl FnOnce(Fake<'_>) -> Result<[f64; N]>,
    ) -> Result<Option<[f64; N]>> {
        self.reference.feature_reference_values(name, self.images.len(), measure)
    }

    /// Reports the progress of InceptionV3.
    pub fn report(&self, images: &str, done: usize, of: usize) {
        (self.progress.borrow_mut())(Progress::Inception { images, done, of });
    }
}

/// A value with its reference value.
pub(crate) fn measured(value: f64, reference: Option<f64>) -> Measurement {
    Measurement { value, reference, ..Measurement::default() }
}
