//! Evaluates samples against a data set.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use gan_models::Classifier;
use mnist_io::{Dataset, Images};
use run_dir::QualityRow;

use super::cache::Cache;
use super::evaluation::{Evaluation, Progress};
use super::inception_network::Inception;
use super::reference::{ReferenceStats, check_images};
use crate::list::METRICS;
use crate::metric::{Metric, Needs};
use crate::modes::{agreement, predictions};
use crate::{Error, Result, UnreliableFeatures, precision};

/// The classifier must recognize this share of the test images. Below it, its features are
/// unreliable.
const MIN_ACCURACY: f64 = 0.9;

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

    /// Uses the features of `classifier` instead of the built-in one. `sha256` is that of its
    /// weights. It should be trained on the training images; its accuracy on the test images is not
    /// checked. Values of two classifiers cannot be compared.
    pub fn with_classifier(self, classifier: Classifier, sha256: &str) -> Evaluator {
        Evaluator { reference: self.reference.with_classifier(classifier, sha256), ..self }
    }

    /// The test images and their labels.
    pub fn test_set(&self) -> &Dataset {
        &self.reference.test
    }

    /// Number of rows, and of columns, of the images that are compared.
    pub fn image_side(&self) -> usize {
        self.reference.test.images().rows()
    }

    /// The number of test images that are also training images. Near-duplicates and C_T ignore
    /// them, because they are not new to the generator.
    pub fn test_in_training(&self) -> usize {
        self.reference.test.len() - self.reference.unseen_test_rows.len()
    }

    /// The reason why there can be no quality curve on this data set, or `None`.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn unreliable_reason(&self) -> Result<Option<UnreliableFeatures>> {
        let found = self.reference.test.len();
        if found <= precision::NEIGHBORS {
            return Ok(Some(UnreliableFeatures::TooFew { found }));
        }
        self.unreliable_features()
    }

    /// A note for data without labels: the accuracy of the classifier on them is unknown. The
    /// reference values show what real images reach.
    pub fn features_note(&self) -> Option<&'static str> {
        let unknown = !self.reference.test.is_labeled() && !self.reference.custom_classifier;
        unknown.then_some(
            "features come from the classifier of MNIST, because the data have no labels",
        )
    }

    /// The share of the test images that the classifier classifies as labeled, from 0 to 1;
    /// `None` without labels.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn accuracy(&self) -> Result<Option<f64>> {
        if !self.reference.test.is_labeled() {
            return Ok(None);
        }
        let predicted = predictions(&self.reference.classified_test()?.logits)?;
        Ok(Some(agreement(&predicted, self.reference.test.labels())))
    }

    /// The reason why the features of the classifier are unreliable on this data set, or
    /// `None`. Those of images without labels are used; see [`Evaluator::features_note`].
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn unreliable_features(&self) -> Result<Option<UnreliableFeatures>> {
        let accuracy = self.accuracy()?.filter(|_| !self.reference.custom_classifier);
        let low = accuracy.filter(|accuracy| *accuracy < MIN_ACCURACY);
        Ok(low.map(|accuracy| UnreliableFeatures::Misclassified { accuracy }))
    }

    /// Computes and caches what the metrics of the quality curve and near-duplicates use of the
    /// test images.
    ///
    /// # Errors
    /// An error of libtorch.
    pub fn prepare(&self) -> Result<()> {
        self.reference.test_distances()?;
        self.reference.classified_test()?;
        Ok(())
    }

    /// Whether the slowest part of [`Evaluator::prepare`], the distances of the test images
    /// to the training images, has a cache file. The file is not opened.
    pub fn is_prepared(&self) -> bool {
        self.reference.has_test_distances()
    }

    /// Measures a point of the quality curve, usually of [`QUICK_SAMPLES`](crate::QUICK_SAMPLES)
    /// samples u8 `[n, 28, 28]`: FID, precision, recall and, with labels, the shares of the
    /// classes.
    ///
    /// # Errors
    /// Those of [`Evaluator::measure`]; the first other reason why a metric is skipped.
    pub fn measure_curve_point(&self, samples: &Images) -> Result<QualityRow> {
        let metrics: Vec<&Metric> =
            METRICS.iter().filter(|metric| metric.in_quality_curve).collect();
        let measured = self.measure(samples, None, &metrics, &mut |_| ())?;
        let unlabeled = |reason: &Error| {
            matches!(reason, Error::UnreliableFeatures(UnreliableFeatures::NoLabels))
        };
        match measured.skipped.into_iter().find(|(_, reason)| !unlabeled(reason)) {
            Some((_, reason)) => Err(reason),
            None => Ok(measured.row),
        }
    }

    /// Measures `metrics` of `samples` u8 `[n, 28, 28]`, and skips those that need more images or a
    /// classifier that recognizes the test images. `requested` holds the class that
    /// each sample should show, for conditional networks. `progress` is called before each
    /// metric.
    ///
    /// A reference value is missing if there are fewer training images than samples. The
    /// row's step, images seen and seconds are left at 0.
    ///
    /// # Errors
    /// [`Error::NotMnistSize`] and [`Error::NoImages`]; [`Error::NoInception`];
    /// [`Error::RequestedClasses`].
    pub fn measure(
        &self,
        samples: &Images,
        requested: Option<&[u8]>,
        metrics: &[&'static Metric],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Measured> {
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
            test_images: self.reference.test.len() as u64,
            ..QualityRow::default()
        };
        let mut skipped = Vec::new();
        for metric in metrics {
            (evaluation.progress.borrow_mut())(Progress::Metric(metric.name()));
            let unreliable = match metric.needs {
                Needs::Logits if !self.reference.test.is_labeled() => {
                    Some(UnreliableFeatures::NoLabels)
                }
                Needs::Features | Needs::Logits => self.unreliable_features()?,
                Needs::Pixels | Needs::Inception => None,
            };
            let values = match unreliable {
                Some(reason) => Err(Error::UnreliableFeatures(reason)),
                None => (metric.measure)(&evaluation),
            };
            match values {
                Ok(values) => {
                    row.metrics.extend(values.into_iter().map(|(name, m)| (name.to_owned(), m)));
                }
                Err(reason) if reason.is_missing_data() => skipped.push((metric.name(), reason)),
                Err(error) => return Err(error),
            }
        }
        Ok(Measured { row, skipped })
    }
}

/// The result of [`Evaluator::measure`].
#[derive(Debug)]
pub struct Measured {
    /// The values.
    pub row: QualityRow,
    /// The metrics that were skipped, by name, and why.
    pub skipped: Vec<(&'static str, Error)>,
}
