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

use crate::cache::{Cache, Part};
use crate::duplicates::{CLOSEST, Duplicates, near_duplicates};
use crate::fid::Gaussian;
use crate::inception::Inception;
use crate::modes::{Modes, agreement, modes, predictions};
use crate::neighbors::nearest;
use crate::{Error, Fake, Features, Real, Result};

/// Selects the training images for reference values: stream 13 of seed 0, as training
/// numbers its random streams.
const REFERENCE_SEED: u64 = 0x07f2_bd52_70b9_3e5c;

/// Statistics of a data set. Each is computed at its first use, or read from the cache.
#[derive(Debug)]
pub(crate) struct ReferenceStats {
    training: Arc<Dataset>,
    test: Dataset,
    classifier: Classifier,
    cache: Cache,
    classified_test: OnceCell<ClassifiedTest>,
    training_features: OnceCell<Features>,
    test_distances: OnceCell<Vec<f64>>,
    /// Features of the training images for reference values, for the last number of
    /// samples.
    reference_features: RefCell<Option<Features>>,
}

/// The classifier's results on the test images.
#[derive(Debug)]
struct ClassifiedTest {
    features: Features,
    modes: Modes,
    accuracy: f64,
}

impl ReferenceStats {
    pub fn new(training: Arc<Dataset>, test: Dataset, cache: Cache) -> Result<ReferenceStats> {
        check_images(training.images())?;
        check_images(test.images())?;
        Ok(ReferenceStats {
            training,
            test,
            classifier: Classifier::trained()?,
            cache,
            classified_test: OnceCell::new(),
            training_features: OnceCell::new(),
            test_distances: OnceCell::new(),
            reference_features: RefCell::new(None),
        })
    }

    pub fn training(&self) -> &Images {
        self.training.images()
    }

    pub fn test_set(&self) -> &Dataset {
        &self.test
    }

    pub fn test(&self) -> &Images {
        self.test.images()
    }

    /// Whether the test images have labels.
    pub fn is_labeled(&self) -> bool {
        self.test.is_labeled()
    }

    /// Features `[n, 128]` and logits `[n, 10]`.
    pub fn classify(&self, images: &Images) -> Result<(Features, Features)> {
        let (features, logits) = self.classifier.features_and_logits(&tensor(images))?;
        let features = Features::from_tensor(&features)?;
        Ok((features, Features::from_tensor(&logits)?))
    }

    /// Features of the test images, `[n, 128]`.
    pub fn test_features(&self) -> Result<&Features> {
        Ok(&self.classified_test()?.features)
    }

    /// The digits that the classifier predicts for the test images.
    pub fn test_modes(&self) -> Result<&Modes> {
        Ok(&self.classified_test()?.modes)
    }

    /// The share of test images that the classifier classifies as labeled.
    pub fn accuracy(&self) -> Result<f64> {
        Ok(self.classified_test()?.accuracy)
    }

    fn classified_test(&self) -> Result<&ClassifiedTest> {
        if let Some(classified) = self.classified_test.get() {
            return Ok(classified);
        }
        let n = self.test.len() as i64;
        let part = |name, width| Part::new(name, Kind::Float, [n, width]);
        let parts = [part("features", FEATURES), part("logits", 10)];
        let [features, logits] = self.cache.tensors("classifier-test", &parts, || {
            let classified = self.classifier.features_and_logits(&tensor(self.test()))?;
            Ok(classified.into())
        })?;
        let logits = Features::from_tensor(&logits)?;
        let classified = ClassifiedTest {
            features: Features::from_tensor(&features)?,
            modes: modes(Fake(&logits))?,
            accuracy: agreement(&predictions(&logits)?, self.test.labels()),
        };
        Ok(self.classified_test.get_or_init(|| classified))
    }

    /// Features of all training images, `[n, 128]`.
    pub fn training_features(&self) -> Result<&Features> {
        if let Some(features) = self.training_features.get() {
            return Ok(features);
        }
        let shape = [self.training.len() as i64, FEATURES];
        let part = Part::new("features", Kind::Float, shape);
        let [features] = self.cache.tensors("classifier-training", &[part], || {
            let images = tensor(self.training());
            Ok([self.classifier.features_and_logits(&images)?.0])
        })?;
        let features = Features::from_tensor(&features)?;
        Ok(self.training_features.get_or_init(|| features))
    }

    /// The distance of each test image to the nearest training image, in gray levels.
    pub fn test_distances(&self) -> Result<&[f64]> {
        if let Some(distances) = self.test_distances.get() {
            return Ok(distances);
        }
        let shape = [self.test.len() as i64];
        let part = Part::new("distances", Kind::Double, shape);
        let [distances] = self.cache.tensors("nearest-test", &[part], || {
            Ok([Tensor::from_slice(&self.distances(self.test())?)])
        })?;
        let distances = Vec::<f64>::try_from(distances)?;
        Ok(self.test_distances.get_or_init(|| distances))
    }

    /// Whether [`ReferenceStats::test_distances`] has a cache file. The file may be
    /// invalid.
    pub fn has_test_distances(&self) -> bool {
        self.cache.holds("nearest-test")
    }

    fn distances(&self, images: &Images) -> Result<Vec<f64>> {
        let found = nearest(images, self.training())?;
        Ok(found.iter().map(|neighbor| neighbor.distance).collect())
    }

    /// Near-duplicates of training images among `images`.
    pub fn duplicates(&self, images: &Images) -> Result<Duplicates> {
        let test = self.test_distances()?;
        let fake = self.distances(images)?;
        near_duplicates(Real(test), Fake(fake.as_slice()), CLOSEST)
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
            let fit = Gaussian::fit(&network.features(self.test(), progress)?)?;
            let covariance = Tensor::from_slice(fit.covariance()).view([d, d]);
            Ok([Tensor::from_slice(fit.mean()), covariance])
        })?;
        let flat = |t: &Tensor| Vec::<f64>::try_from(t.view([-1]));
        Gaussian::from_parts(flat(&mean)?, flat(&covariance)?)
    }

    /// What `measure` gives for `count` training images outside the rows `excluded`; `None`
    /// if there are fewer. `name` identifies the measure and its excluded rows in the
    /// cache.
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
            let images = self.training().select(&chosen).ok_or(Error::NoImages)?;
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
                None => self.classify(images)?.0,
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

/// u8 `[n, 28, 28]`.
fn tensor(images: &Images) -> Tensor {
    Tensor::from_slice(images.pixels()).view([-1, SIDE, SIDE])
}
