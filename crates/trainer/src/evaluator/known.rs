//! What measurements need to know of a data set, found out once.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use gan_metrics::fid::Gaussian;
use gan_metrics::modes::{Modes, modes, verdicts};
use gan_metrics::neighbors::nearest;
use gan_metrics::{Features, Forgeries};
use gan_models::Classifier;
use gan_models::classifier::FEATURES;
use mnist_io::{Dataset, Images};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

use super::cache::{Cache, Part};
use crate::Error;
use crate::classifier::{check_images, share_read, tensor};
use crate::inception::Inception;
use crate::seeds::{Stream, stream_seed};

/// A data set and the classifier that looks at it. Everything is found out when it
/// is first asked for, or read from the cache.
#[derive(Debug)]
pub struct Known {
    training: Arc<Dataset>,
    pub test: Dataset,
    classifier: Classifier,
    cache: Cache,
    classified_test: OnceCell<ClassifiedTest>,
    training_features: OnceCell<Features>,
    test_distances: OnceCell<Vec<f64>>,
    /// Those of the number asked for last.
    stand_ins: RefCell<Option<Features>>,
}

/// The test images as the classifier sees them.
#[derive(Debug)]
pub struct ClassifiedTest {
    pub features: Features,
    pub modes: Modes,
    /// The share that it reads as labeled.
    pub legible: f64,
}

impl Known {
    pub fn new(training: Arc<Dataset>, test: Dataset, cache: Cache) -> Result<Known, Error> {
        check_images(training.images())?;
        check_images(test.images())?;
        Ok(Known {
            training,
            test,
            classifier: Classifier::trained()?,
            cache,
            classified_test: OnceCell::new(),
            training_features: OnceCell::new(),
            test_distances: OnceCell::new(),
            stand_ins: RefCell::new(None),
        })
    }

    pub fn training(&self) -> &Images {
        self.training.images()
    }

    /// Features `[n, 128]` and logits `[n, 10]`.
    pub fn look(&self, images: &Images) -> Result<(Features, Features), Error> {
        let (features, logits) = self.classifier.features_and_logits(&tensor(images))?;
        let features = Features::from_tensor(&features)?;
        Ok((features, Features::from_tensor(&logits)?))
    }

    pub fn classified_test(&self) -> Result<&ClassifiedTest, Error> {
        if let Some(judged) = self.classified_test.get() {
            return Ok(judged);
        }
        let n = self.test.len() as i64;
        let part = |name, width| Part::new(name, Kind::Float, [n, width]);
        let parts = [part("features", FEATURES), part("logits", 10)];
        let [features, logits] = self.cache.tensors("classifier-test", &parts, || {
            let images = tensor(self.test.images());
            Ok(self.classifier.features_and_logits(&images)?.into())
        })?;
        let logits = Features::from_tensor(&logits)?;
        let judged = ClassifiedTest {
            features: Features::from_tensor(&features)?,
            modes: modes(Forgeries(&logits))?,
            legible: share_read(&verdicts(&logits)?, self.test.labels()),
        };
        Ok(self.classified_test.get_or_init(|| judged))
    }

    /// Features of all training images.
    pub fn training_features(&self) -> Result<&Features, Error> {
        if let Some(features) = self.training_features.get() {
            return Ok(features);
        }
        let shape = [self.training.len() as i64, FEATURES];
        let part = Part::new("features", Kind::Float, shape);
        let [features] = self.cache.tensors("classifier-training", &[part], || {
            Ok([self
                .classifier
                .features_and_logits(&tensor(self.training()))?
                .0])
        })?;
        let features = Features::from_tensor(&features)?;
        Ok(self.training_features.get_or_init(|| features))
    }

    /// How far each test image is from the nearest training image, in grey
    /// levels.
    pub fn test_distances(&self) -> Result<&[f64], Error> {
        if let Some(distances) = self.test_distances.get() {
            return Ok(distances);
        }
        let shape = [self.test.len() as i64];
        let part = Part::new("distances", Kind::Double, shape);
        let [distances] = self.cache.tensors("nearest-test", &[part], || {
            let distances = self.distances(self.test.images())?;
            Ok([Tensor::from_slice(&distances)])
        })?;
        let distances = Vec::<f64>::try_from(distances)?;
        Ok(self.test_distances.get_or_init(|| distances))
    }

    /// Whether the slowest of all is kept on the disk; the file may not fit.
    pub fn has_test_distances(&self) -> bool {
        self.cache.holds("nearest-test")
    }

    /// How far each image is from the nearest training image, in grey levels.
    pub fn distances(&self, images: &Images) -> Result<Vec<f64>, Error> {
        let found = nearest(images, self.training())?;
        Ok(found.iter().map(|neighbor| neighbor.distance).collect())
    }

    /// The Gaussian fit of the test images' features by `network`.
    pub fn inception_test(
        &self,
        network: &Inception,
        watch: &mut dyn FnMut(usize, usize),
    ) -> Result<Gaussian, Error> {
        let d = Inception::FEATURES;
        let parts = [
            Part::new("mean", Kind::Double, [d]),
            Part::new("covariance", Kind::Double, [d, d]),
        ];
        let [mean, covariance] = self.cache.tensors("inception-test", &parts, || {
            let fit = Gaussian::fit(&network.features(self.test.images(), watch)?)?;
            let covariance = Tensor::from_slice(fit.covariance()).view([d, d]);
            Ok([Tensor::from_slice(fit.mean()), covariance])
        })?;
        let flat = |t: &Tensor| Vec::<f64>::try_from(t.view([-1]));
        Ok(Gaussian::from_parts(flat(&mean)?, flat(&covariance)?)?)
    }

    /// What `measure` gives where `count` training images, none of the rows
    /// `left_out`, stand in for the forgeries; none where there are fewer. A
    /// `name` stands for one measure and the rows that it leaves out.
    pub fn floor<const N: usize>(
        &self,
        name: &str,
        count: usize,
        left_out: Range<usize>,
        measure: impl FnOnce(&Images) -> Result<[f64; N], Error>,
    ) -> Result<Option<[f64; N]>, Error> {
        let rest = self.training.len() - left_out.len();
        if count > rest {
            return Ok(None);
        }
        let part = Part::new("numbers", Kind::Double, [N as i64]);
        let [numbers] = self
            .cache
            .tensors(&format!("floor-{name}-{count}"), &[part], || {
                let mut rng = ChaCha8Rng::seed_from_u64(stream_seed(0, Stream::Floor, 0));
                let mut chosen = index::sample(&mut rng, rest, count).into_vec();
                for row in &mut chosen {
                    if *row >= left_out.start {
                        *row += left_out.len();
                    }
                }
                let images = self.training().select(&chosen).ok_or(Error::NoImages)?;
                Ok([Tensor::from_slice(&measure(&images)?)])
            })?;
        Ok(Vec::<f64>::try_from(numbers)?.try_into().ok())
    }

    /// As [`Known::floor`], with the images' features.
    pub fn feature_floor<const N: usize>(
        &self,
        name: &str,
        count: usize,
        measure: impl FnOnce(&Features) -> Result<[f64; N], gan_metrics::Error>,
    ) -> Result<Option<[f64; N]>, Error> {
        self.floor(name, count, 0..0, |images| {
            let kept = self.stand_ins.take().filter(|kept| kept.len() == count);
            let features = match kept {
                Some(kept) => kept,
                None => self.look(images)?.0,
            };
            let floor = measure(&features)?;
            self.stand_ins.replace(Some(features));
            Ok(floor)
        })
    }
}
