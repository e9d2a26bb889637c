//! Statistics of a data set for evaluations, computed once.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use gan_models::Classifier;
use gan_models::classifier::{FEATURES, SIDE};
use mnist_io::{Dataset, Images};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

use super::cache::{Cache, Part};
use super::gaussian::Gaussian;
use super::inception_network::Inception;
use super::neighbors::nearest;
use crate::{Error, Fake, Features, Result};

/// Seed for choosing the reference images: the seed of stream 13 of seed 0 in gan-trainer.
const REFERENCE_SEED: u64 = 0x07f2_bd52_70b9_3e5c;

/// Statistics of a data set. Each is computed at its first use, or read from the cache.
#[derive(Debug)]
pub(crate) struct ReferenceStats {
    pub training: Arc<Dataset>,
    pub test: Dataset,
    /// The rows of the test images that are not training images, in ascending order.
    pub unseen_test_rows: Vec<usize>,
    classifier: Classifier,
    /// Whether the caller has replaced the built-in classifier.
    pub custom_classifier: bool,
    cache: Cache,
    classified_test: OnceCell<Classified>,
    training_features: OnceCell<Features>,
    test_distances: OnceCell<Vec<f64>>,
    /// Features of the training images for reference values, for the last number of
    /// samples.
    reference_features: RefCell<Option<Features>>,
}

/// Features and logits that the classifier computes from images.
#[derive(Debug)]
pub(crate) struct Classified {
    /// `[n, 128]`.
    pub features: Features,
    /// `[n, classes]`.
    pub logits: Features,
}

impl Classified {
    fn new([features, logits]: &[Tensor; 2]) -> Result<Classified> {
        let (features, logits) = (Features::from_tensor(features)?, Features::from_tensor(logits)?);
        Ok(Classified { features, logits })
    }
}

impl ReferenceStats {
    pub fn new(training: Arc<Dataset>, test: Dataset, cache: Cache) -> Result<ReferenceStats> {
        check_images(training.images())?;
        check_images(test.images())?;
        let shared = test.images().indices_in(training.images());
        Ok(ReferenceStats {
            unseen_test_rows: (0..test.len())
                .filter(|row| shared.binary_search(row).is_err())
                .collect(),
            training,
            test,
            classifier: Classifier::trained()?,
            custom_classifier: false,
            cache,
            classified_test: OnceCell::new(),
            training_features: OnceCell::new(),
            test_distances: OnceCell::new(),
            reference_features: RefCell::new(None),
        })
    }

    /// The same with the features of `classifier`, whose weights have this SHA-256.
    pub fn with_classifier(self, classifier: Classifier, sha256: &str) -> ReferenceStats {
        ReferenceStats {
            cache: self.cache.with_classifier(sha256),
            classifier,
            custom_classifier: true,
            classified_test: OnceCell::new(),
            training_features: OnceCell::new(),
            reference_features: RefCell::new(None),
            ..self
        }
    }

    pub fn classify(&self, images: &Images) -> Result<Classified> {
        Classified::new(&self.classifier.features_and_logits(&tensor(images))?.into())
    }

    /// The classifier's results on the test images.
    pub fn classified_test(&self) -> Result<&Classified> {
        get_or_try_init(&self.classified_test, || {
            let n = self.test.len() as i64;
            let part = |name, width| Part::new(name, Kind::Float, [n, width]);
            let parts = [part("features", FEATURES), part("logits", self.classifier.classes())];
            Classified::new(&self.cache.tensors("classifier-test", &parts, || {
                Ok(self.classifier.features_and_logits(&tensor(self.test.images()))?.into())
            })?)
        })
    }

    /// Features of all training images, `[n, 128]`.
    pub fn training_features(&self) -> Result<&Features> {
        get_or_try_init(&self.training_features, || {
            let shape = [self.training.len() as i64, FEATURES];
            let part = Part::new("features", Kind::Float, shape);
            let [features] = self.cache.tensors("classifier-training", &[part], || {
                let images = tensor(self.training.images());
                Ok([self.classifier.features_and_logits(&images)?.0])
            })?;
            Features::from_tensor(&features)
        })
    }

    /// The distance of each test image to the nearest training image, in gray levels.
    pub fn test_distances(&self) -> Result<&[f64]> {
        let distances = get_or_try_init(&self.test_distances, || {
            let part = Part::new("distances", Kind::Double, [self.test.len() as i64]);
            let [distances] = self.cache.tensors("nearest-test", &[part], || {
                Ok([Tensor::from_slice(&self.distances(self.test.images())?)])
            })?;
            Ok(Vec::<f64>::try_from(distances)?)
        })?;
        Ok(distances)
    }

    /// Whether [`ReferenceStats::test_distances`] has a cache file. The file may be
    /// invalid.
    pub fn has_test_distances(&self) -> bool {
        self.cache.holds("nearest-test")
    }

    /// The distance of each image to the nearest training image, in gray levels.
    pub fn distances(&self, images: &Images) -> Result<Vec<f64>> {
        let found = nearest(images, self.training.images())?;
        Ok(found.iter().map(|neighbor| neighbor.distance).collect())
    }

    /// The Gaussian fit of the test images' features by InceptionV3. `progress` is called
    /// with the number of images done and the number of all.
    pub fn inception_test(
        &self,
        network: &Inception,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Gaussian> {
        let d = Inception::FEATURES;
        let parts =
            [Part::new("mean", Kind::Double, [d]), Part::new("covariance", Kind::Double, [d, d])];
        let [mean, covariance] = self.cache.tensors("inception-test", &parts, || {
            let fit = Gaussian::fit(&network.features(self.test.images(), progress)?)?;
            let covariance = Tensor::from_slice(fit.covariance()).view([d, d]);
            Ok([Tensor::from_slice(fit.mean()), covariance])
        })?;
        let flat = |t: &Tensor| Vec::<f64>::try_from(t.view([-1]));
        Gaussian::from_parts(flat(&mean)?, flat(&covariance)?)
    }

    /// Measures `count` training images outside the rows `excluded`. Returns `None` if there are
    /// fewer. `name` identifies the measure and its excluded rows in the cache.
    pub fn reference_values<const N: usize>(
        &self,
        name: &str,
        count: usize,
        excluded: Range<usize>,
        measure: impl FnOnce(&Images) -> Result<[f64; N]>,
    ) -> Result<Option<[f64; N]>> {
        let rest = self.training.len() - excluded.len();
        if count > rest {
            return Ok(None);
        }
        let part = Part::new("numbers", Kind::Double, [N as i64]);
        let name = format!("reference-{name}-{count}");
        let [numbers] = self.cache.tensors(&name, &[part], || {
            let mut rng = ChaCha8Rng::seed_from_u64(REFERENCE_SEED);
            let mut chosen = index::sample(&mut rng, rest, count).into_vec();
            for row in &mut chosen {
                if *row >= excluded.start {
                    *row += excluded.len();
                }
            }
            let images = self.training.images().select(&chosen).ok_or(Error::NoImages)?;
            Ok([Tensor::from_slice(&measure(&images)?)])
        })?;
        Ok(Vec::<f64>::try_from(numbers)?.try_into().ok())
    }

    /// [`ReferenceStats::reference_values`] of the images' features.
    pub fn feature_reference_values<const N: usize>(
        &self,
        name: &str,
        count: usize,
        measure: impl FnOnce(Fake<'_>) -> Result<[f64; N]>,
    ) -> Result<Option<[f64; N]>> {
        self.reference_values(name, count, 0..0, |images| {
            let kept = self.reference_features.take();
            let features = match kept.filter(|kept| kept.len() == count) {
                Some(kept) => kept,
                None => self.classify(images)?.features,
            };
            let values = measure(Fake(&features))?;
            self.reference_features.replace(Some(features));
            Ok(values)
        })
    }
}

/// Rejects images that the classifier does not take.
pub(crate) fn check_images(images: &Images) -> Result<()> {
    let (rows, cols) = (images.rows(), images.cols());
    if images.is_empty() {
        return Err(Error::NoImages);
    }
    if [rows, cols] != [SIDE as usize; 2] {
        return Err(Error::NotMnistSize { rows, cols });
    }
    Ok(())
}

/// The value in `cell`, computed by `compute` if there is none.
pub(crate) fn get_or_try_init<T>(
    cell: &OnceCell<T>,
    compute: impl FnOnce() -> Result<T>,
) -> Result<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => compute().map(|value| cell.get_or_init(|| value)),
    }
}

/// u8 `[n, 28, 28]`.
fn tensor(images: &Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, SIDE, SIDE])
}
