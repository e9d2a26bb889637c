//! What was measured of some forgeries.

use run_dir::QualityRow;
use serde::Serialize;

/// What was measured of some forgeries; what was not stays `None`.
///
/// A floor is what as many training images give in the forgeries' place, unless
/// the field says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Forgeries measured.
    pub forgeries: u64,
    /// Test images that they were measured against.
    pub originals: u64,
    /// Fréchet distance of the classifier's features.
    pub fid: Option<f64>,
    /// Its floor.
    pub fid_floor: Option<f64>,
    /// Kernel distance of the classifier's features, the mean over the subsets.
    pub kid: Option<f64>,
    /// The standard deviation over the subsets.
    pub kid_std: Option<f64>,
    /// The mean's floor.
    pub kid_floor: Option<f64>,
    /// Share of forgeries that lie where originals lie.
    pub precision: Option<f64>,
    /// Its floor.
    pub precision_floor: Option<f64>,
    /// Share of originals that lie where forgeries lie.
    pub recall: Option<f64>,
    /// Its floor.
    pub recall_floor: Option<f64>,
    /// In how many originals' balls a forgery lies, divided by k.
    pub density: Option<f64>,
    /// Its floor.
    pub density_floor: Option<f64>,
    /// Share of originals with a forgery near them.
    pub coverage: Option<f64>,
    /// Its floor.
    pub coverage_floor: Option<f64>,
    /// Share of forgeries of each digit, by the classifier's verdict.
    pub digit_shares: Option<[f64; 10]>,
    /// Divergence of these shares to equal shares, in nats.
    pub digits_kl: Option<f64>,
    /// That of the test images.
    pub digits_kl_floor: Option<f64>,
    /// How sure the classifier is of its verdicts, in the mean.
    pub confidence: Option<f64>,
    /// How sure it is with the test images.
    pub confidence_floor: Option<f64>,
    /// Share of forgeries that show the digit asked for, by the classifier's verdict.
    pub asked_digit: Option<f64>,
    /// C_T: far below 0 copies, far above 0 strangers.
    pub c_t: Option<f64>,
    /// The mean of C_T by chance alone.
    pub c_t_null_mean: Option<f64>,
    /// Its standard deviation by chance alone.
    pub c_t_null_std: Option<f64>,
    /// Forgeries closer to a training image than the closest 0.1% of test
    /// images.
    pub near_duplicates: Option<u64>,
    /// How many of as many new images would count, on average.
    pub near_duplicates_floor: Option<f64>,
    /// Log-likelihood of the test images in nats.
    pub parzen: Option<f64>,
    /// Its standard error.
    pub parzen_error: Option<f64>,
    /// The width of windows.
    pub parzen_width: Option<f64>,
    /// The log-likelihood's floor.
    pub parzen_floor: Option<f64>,
    /// Fréchet distance of InceptionV3's features.
    pub inception_fid: Option<f64>,
    /// Its floor.
    pub inception_fid_floor: Option<f64>,
}

impl Quality {
    /// These numbers as a row of `quality.jsonl`, in which step, images and
    /// seconds are left to fill in; none without an FID, which every row must
    /// have.
    pub fn row(&self) -> Option<QualityRow> {
        Some(QualityRow {
            forgeries: self.forgeries,
            originals: self.originals,
            features: "classifier".to_owned(),
            fid: self.fid?,
            fid_floor: self.fid_floor,
            kid: self.kid,
            kid_std: self.kid_std,
            kid_floor: self.kid_floor,
            precision: self.precision,
            precision_floor: self.precision_floor,
            recall: self.recall,
            recall_floor: self.recall_floor,
            density: self.density,
            density_floor: self.density_floor,
            coverage: self.coverage,
            coverage_floor: self.coverage_floor,
            digit_shares: self.digit_shares,
            digits_kl: self.digits_kl,
            digits_kl_floor: self.digits_kl_floor,
            confidence: self.confidence,
            confidence_floor: self.confidence_floor,
            asked_digit: self.asked_digit,
            c_t: self.c_t,
            c_t_null_mean: self.c_t_null_mean,
            c_t_null_std: self.c_t_null_std,
            near_duplicates: self.near_duplicates,
            near_duplicates_floor: self.near_duplicates_floor,
            parzen: self.parzen,
            parzen_error: self.parzen_error,
            parzen_width: self.parzen_width,
            parzen_floor: self.parzen_floor,
            inception_fid: self.inception_fid,
            inception_fid_floor: self.inception_fid_floor,
            ..QualityRow::default()
        })
    }
}
