//! The numbers one by one, each with its floor.

use gan_metrics::density::{self, density_coverage};
use gan_metrics::fid::fid;
use gan_metrics::kid::{KidOptions, kid};
use gan_metrics::modes::{modes, verdicts};
use gan_metrics::novelty::{NoveltyOptions, novelty};
use gan_metrics::parzen::{parzen_of_pixels, usual_widths};
use gan_metrics::precision::{self, precision_recall};
use gan_metrics::{Features, Forgeries, Originals, Training, Validation};
use mnist_io::Images;

use super::{Evaluator, Metric, Quality};
use crate::Error;
use crate::classifier::share_read;

/// Training images that the width of Parzen windows is chosen with: the first
/// of them, and their number. So does the program of the 2014 paper. Of smaller
/// sets they are the last.
const VALIDATION: (usize, usize) = (50_000, 1_000);

impl Evaluator {
    /// Adds what compares features `[n, 128]`.
    pub(super) fn add_distances(
        &self,
        quality: &mut Quality,
        metric: Metric,
        forged: &Features,
    ) -> Result<(), Error> {
        let test = &self.known.classified_test()?.features;
        let sides = || (Originals(test), Forgeries(forged));
        let count = forged.len();
        match metric {
            Metric::Fid => {
                quality.fid = Some(fid(sides().0, sides().1)?);
                quality.fid_floor = self.fid_floor(count)?;
            }
            Metric::Kid => {
                let options = KidOptions::default();
                let found = kid(sides().0, sides().1, &options)?;
                let floor = self.known.feature_floor("kid", count, |stand_ins| {
                    Ok([kid(Originals(test), Forgeries(stand_ins), &options)?.mean])
                })?;
                quality.kid = Some(found.mean);
                quality.kid_std = Some(found.std);
                quality.kid_floor = floor.map(|[kid]| kid);
            }
            Metric::PrecisionRecall => {
                let found = precision_recall(sides().0, sides().1, precision::NEIGHBORS)?;
                let floor = self.precision_floor(count)?;
                quality.precision = Some(found.precision);
                quality.recall = Some(found.recall);
                quality.precision_floor = floor.map(|[precision, _]| precision);
                quality.recall_floor = floor.map(|[_, recall]| recall);
            }
            Metric::DensityCoverage => {
                let k = density::NEIGHBORS;
                let found = density_coverage(sides().0, sides().1, k)?;
                let floor = self.known.feature_floor("density", count, |stand_ins| {
                    let floor = density_coverage(Originals(test), Forgeries(stand_ins), k)?;
                    Ok([floor.density, floor.coverage])
                })?;
                quality.density = Some(found.density);
                quality.coverage = Some(found.coverage);
                quality.density_floor = floor.map(|[density, _]| density);
                quality.coverage_floor = floor.map(|[_, coverage]| coverage);
            }
            Metric::Novelty => {
                let training = Training(self.known.training_features()?);
                let options = NoveltyOptions::default();
                let found = novelty(sides().0, sides().1, training, &options)?;
                quality.c_t = Some(found.c_t);
                // Not finite where no draw left a cell with enough forgeries.
                let finite = |value: f64| value.is_finite().then_some(value);
                quality.c_t_null_mean = finite(found.null.mean);
                quality.c_t_null_std = finite(found.null.std);
            }
            Metric::Modes | Metric::Duplicates | Metric::Parzen => {}
        }
        Ok(())
    }

    /// Adds what follows from the classifier's verdicts, from logits `[n, 10]`.
    pub(super) fn add_modes(
        &self,
        quality: &mut Quality,
        logits: &Features,
        asked: Option<&[u8]>,
    ) -> Result<(), Error> {
        let found = modes(Forgeries(logits))?;
        let test = &self.known.classified_test()?.modes;
        quality.digit_shares = Some(found.shares);
        quality.digits_kl = Some(found.kl_to_uniform);
        quality.digits_kl_floor = Some(test.kl_to_uniform);
        quality.confidence = Some(found.mean_confidence);
        quality.confidence_floor = Some(test.mean_confidence);
        if let Some(asked) = asked {
            if asked.len() != logits.len() {
                return Err(Error::Asked {
                    digits: asked.len(),
                    forgeries: logits.len(),
                });
            }
            quality.asked_digit = Some(share_read(&verdicts(logits)?, asked));
        }
        Ok(())
    }

    pub(super) fn add_parzen(
        &self,
        quality: &mut Quality,
        forgeries: &Images,
    ) -> Result<(), Error> {
        let training = self.known.training();
        let (first, count) = VALIDATION;
        let last = training.len().min(first + count);
        let rows = last.saturating_sub(count)..last;
        let chosen: Vec<usize> = rows.clone().collect();
        let validation = training.select(&chosen).ok_or(Error::NoImages)?;
        let test = self.known.test.images();
        let likelihood = |windows: &Images| {
            let sides = (Originals(test), Validation(&validation));
            parzen_of_pixels(sides.0, sides.1, Forgeries(windows), &usual_widths())
        };
        let found = likelihood(forgeries)?;
        // A window that lies on a validation image would speak for small widths.
        let name = "parzen-apart";
        let floor = self.known.floor(name, forgeries.len(), rows, |images| {
            Ok([likelihood(images)?.log_likelihood.mean])
        })?;
        quality.parzen = Some(found.log_likelihood.mean);
        quality.parzen_error = Some(found.log_likelihood.standard_error);
        quality.parzen_width = Some(found.sigma);
        quality.parzen_floor = floor.map(|[floor]| floor);
        Ok(())
    }

    pub(super) fn fid_floor(&self, count: usize) -> Result<Option<f64>, Error> {
        let test = &self.known.classified_test()?.features;
        let floor = self.known.feature_floor("fid", count, |stand_ins| {
            Ok([fid(Originals(test), Forgeries(stand_ins))?])
        })?;
        Ok(floor.map(|[fid]| fid))
    }

    pub(super) fn precision_floor(&self, count: usize) -> Result<Option<[f64; 2]>, Error> {
        let test = &self.known.classified_test()?.features;
        self.known.feature_floor("precision", count, |stand_ins| {
            let k = precision::NEIGHBORS;
            let floor = precision_recall(Originals(test), Forgeries(stand_ins), k)?;
            Ok([floor.precision, floor.recall])
        })
    }
}
