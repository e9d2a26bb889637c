//! Kernel distance: squared maximum mean discrepancy under a cubic kernel
//! (Bińkowski et al. 2018).

use crate::metric::{Metric, Needs, Value};

#[cfg(feature = "libtorch")]
pub use computation::*;

pub(crate) const METRIC: Metric = Metric {
    names: &["kid"],
    needs: Needs::Features,
    min_samples: 1000,
    in_quality_curve: false,
    values: &[Value {
        name: "kid",
        title: "KID (classifier)",
        decimals: 3,
        explanation: "kernel distance between the features of real and fake images; about 0 is best",
    }],
    remark: None,
    #[cfg(feature = "libtorch")]
    measure,
};

#[cfg(feature = "libtorch")]
mod computation {
    use std::cell::Cell;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use tch::{Kind, Tensor};

    use crate::support::error::at_least;
    use crate::support::evaluation::{Evaluation, Measurements};
    use crate::{Error, Fake, Features, Real, Result};

    /// Number and size of the subsets.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KidOptions {
        /// Number of subsets drawn from each set.
        pub subsets: usize,
        /// Images in a subset.
        pub size: usize,
        /// Seed of the choice of subsets.
        pub seed: u64,
    }

    /// 100 subsets of 1,000, as in the paper.
    impl Default for KidOptions {
        fn default() -> KidOptions {
            KidOptions { subsets: 100, size: 1000, seed: 0 }
        }
    }

    /// Mean and spread over the subsets.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Kid {
        /// The mean over the subsets: an unbiased estimate. It is about 0, and negative as often
        /// as positive, if fake and real images have the same distribution.
        pub mean: f64,
        /// The standard deviation over the subsets (divided by their number).
        pub std: f64,
    }

    /// The kernel distance of features `[n, d]` and `[m, d]`. Unlike the Fréchet distance, its
    /// mean does not depend on the number of images.
    ///
    /// Each pair of subsets is drawn independently, without repeats inside a subset.
    ///
    /// # Errors
    /// [`Error::Subsets`] for 0 subsets or subsets of fewer than 2 images;
    /// [`Error::TooFew`] with fewer images in a set than in a subset;
    /// [`Error::Width`].
    pub fn kid(real: Real<'_>, fake: Fake<'_>, options: &KidOptions) -> Result<Kid> {
        let (Real(real), Fake(fake)) = (real, fake);
        let &KidOptions { subsets, size, seed } = options;
        if subsets == 0 || size < 2 {
            return Err(Error::Subsets { subsets, size });
        }
        real.same_width(fake)?;
        at_least(size, real.len(), "the kernel distance", "real images")?;
        at_least(size, fake.len(), "the kernel distance", "fake images")?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |features: &Features, all: &Tensor| {
            let rows = rand::seq::index::sample(&mut random, features.len(), size);
            let rows: Vec<i64> = rows.iter().map(|row| row as i64).collect();
            all.index_select(0, &Tensor::from_slice(&rows))
        };
        let (all_real, all_fake) = (real.tensor(), fake.tensor());
        let values: Vec<f64> = (0..subsets)
            .map(|_| {
                let x = draw(real, &all_real);
                let y = draw(fake, &all_fake);
                squared_mmd(&x, &y)
            })
            .collect();
        let mean = values.iter().sum::<f64>() / subsets as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / subsets as f64;
        Ok(Kid { mean, std: variance.sqrt() })
    }

    /// The unbiased estimate of the squared maximum mean discrepancy of two sets of equally many
    /// features, f64 `[n, d]` with n of at least 2, under k(x, y) = (x·y / d + 1)³
    /// (Bińkowski et al. 2018, equation 4).
    fn squared_mmd(x: &Tensor, y: &Tensor) -> f64 {
        let n = x.size()[0] as f64;
        let one = Tensor::ones([], (Kind::Double, tch::Device::Cpu));
        let kernel = |a: &Tensor, b: &Tensor| {
            let scaled = a / a.size()[1] as f64;
            one.addmm(&scaled, &b.tr()).pow_(3)
        };
        let total = |t: Tensor| t.sum(Kind::Double).double_value(&[]);
        let pairs = |a: &Tensor| {
            let all = kernel(a, a);
            let same = total(all.diagonal(0, 0, 1));
            (total(all) - same) / (n * (n - 1.0))
        };
        pairs(x) + pairs(y) - 2.0 * total(kernel(x, y)) / (n * n)
    }

    pub(crate) fn measure(evaluation: &Evaluation<'_>) -> Result<Measurements> {
        let real = Real(&evaluation.reference.classified_test()?.features);
        let options = KidOptions::default();
        let std = Cell::new(None);
        let mut measured = evaluation.measure_features(["kid"], |fake| {
            let found = kid(real, fake, &options)?;
            // The samples come before the training images.
            std.set(std.get().or(Some(found.std)));
            Ok([found.mean])
        })?;
        measured[0].1.error = std.get();
        Ok(measured)
    }
}
