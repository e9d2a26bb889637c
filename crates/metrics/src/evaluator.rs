//! Evaluates samples against a data set.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use mnist_io::{Dataset, Images};
use run_dir::QualityRow;

use crate::cache::Cache;
use crate::duplicates::Duplicates;
use crate::evaluation::{Evaluation, Progress};
use crate::inception::Inception;
use crate::list::METRICS;
use crate::metric::Metric;
use crate::reference::{ReferenceStats, check_images};
use crate::{Error, Result, UnreliableFeatures, precision};

/// The classifier must recognize this share of the test images. Below it, its features are
/// unreliable.
const LEAST_ACCURACY: f64 = 0.9;

/// Evaluates samples against the test images of one data set.
///
/// Every value has a reference value: usually the value of the same metric for equally
/// many training images. The choice of these images is fixed. Results that depend on the
/// data set alone are computed once and kept in a [`Cache`].
#[derive(Debug)]
pub struct Evaluator {
    reference: ReferenceStats,
    inception: Option<Inception>,
}

impl Evaluator {
    /// An evaluator that compares with `test`, and finds copies of `training`.
    ///
    /// # Errors
    /// [`Error::NotMnistSize`] and [`Error::NoImages`]; the weights of the classifier.
    pub fn new(
        training: impl Into<Arc<Dataset>>,
        test: Dataset,
        cache: Cache,
    ) -> Result<Evaluator> {
        Ok(Evaluator {
            reference: ReferenceStats::new(training.into(), test, cache)?,
            inception: None,
        })
    }

    /// Adds the network for the FID of published tables.
    pub fn with_inception(self, network: Inception) -> Evaluator {
        Evaluator { inception: Some(network), ..self }
    }

    /// SHA-256, in hexadecimal, of the plain IDX file of the test images.
    pub fn test_images_sha256(&self) -> String {
        self.reference.test().idx_sha256()
    }

    /// The test images and their labels.
    pub fn test(&self) -> &Dataset {
        self.reference.test_set()
    }

    /// Rows and columns of the images that are compared.
    pub fn side(&self) -> usize {
        self.reference.test().rows()
    }

    /// The reason why there can be no quality curve on this data set, or `None`.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn no_quality_curve(&self) -> Result<Option<UnreliableFeatures>> {
        let found = self.reference.test().len();
        if found <= precision::NEIGHBORS {
            return Ok(Some(UnreliableFeatures::TooFew { found }));
        }
        self.unreliable_features()
    }

    /// The reason why the features of the classifier are unreliable on this data set, or
    /// `None`.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn unreliable_features(&self) -> Result<Option<UnreliableFeatures>> {
        if !self.reference.is_labeled() {
            return Ok(Some(UnreliableFeatures::NoLabels));
        }
        let accuracy = self.reference.accuracy()?;
        Ok((accuracy < LEAST_ACCURACY).then_some(UnreliableFeatures::Misclassified { accuracy }))
    }

    /// Computes and caches what [`Evaluator::quick`] and [`Evaluator::duplicates`] use of
    /// the test images.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn prepare(&self) -> Result<()> {
        self.reference.test_distances()?;
        self.reference.test_features()?;
        Ok(())
    }

    /// Whether the slowest part of [`Evaluator::prepare`], the distances of the test images
    /// to the training images, has a cache file. The file is not opened.
    pub fn is_prepared(&self) -> bool {
        self.reference.has_test_distances()
    }

    /// A point of the quality curve, usually of [`QUICK_SAMPLES`](crate::QUICK_SAMPLES) samples u8
    /// `[n, 28, 28]`: FID, precision, recall and the shares of the digits.
    ///
    /// # Errors
    /// Those of [`Evaluator::measure`].
    pub fn quick(&self, samples: &Images) -> Result<QualityRow> {
        let metrics: Vec<&Metric> = METRICS.iter().filter(|metric| metric.curve).collect();
        self.measure(samples, None, &metrics, &mut |_| ())
    }

    /// Measures `metrics` of `samples` u8 `[n, 28, 28]`. `requested` holds the digit that
    /// each sample should show, for conditional networks. `progress` is called before each
    /// metric.
    ///
    /// A reference value is missing if there are fewer training images than samples. The
    /// row's step, images seen and seconds are left at 0.
    ///
    /// # Errors
    /// [`Error::NotMnistSize`] and [`Error::NoImages`]; [`Error::TooFew`];
    /// [`Error::UnreliableFeatures`] for a metric that needs the classifier;
    /// [`Error::NoInception`]; [`Error::RequestedDigits`].
    pub fn measure(
        &self,
        samples: &Images,
        requested: Option<&[u8]>,
        metrics: &[&'static Metric],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<QualityRow> {
        check_images(samples)?;
        let evaluation = Evaluation {
            images: samples,
            requested,
            reference: &self.reference,
            inception: self.inception.as_ref(),
            progress: RefCell::new(progress),
            classified: OnceCell::new(),
        };
        let mut row = QualityRow {
            samples: samples.len() as u64,
            test_images: self.reference.test().len() as u64,
            ..QualityRow::default()
        };
        for metric in metrics {
            (evaluation.progress.borrow_mut())(Progress::Metric(metric.name()));
            if metric.needs_classifier()
                && let Some(unreliable) = self.unreliable_features()?
            {
                return Err(Error::UnreliableFeatures(unreliable));
            }
            let values = (metric.measure)(&evaluation)?;
            let named = values.into_iter().map(|(name, m)| (name.to_owned(), m));
            row.metrics.extend(named);
        }
        Ok(row)
    }

    /// How many `samples` u8 `[n, 28, 28]` lie closer to a training image than the closest
    /// 0.1% of test images do, in pixels.
    ///
    /// # Errors
    /// [`Error::NotMnistSize`] and [`Error::NoImages`].
    pub fn duplicates(&self, samples: &Images) -> Result<Duplicates> {
        check_images(samples)?;
        self.reference.duplicates(samples)
    }
}
