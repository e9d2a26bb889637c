//! `quality.jsonl`: how good forgeries were at a step, one evaluation a row.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rows::Row;

/// One evaluation of the generator as it was at a step.
///
/// What was not measured is `None` and has no place in the file, so that a row
/// names only what is known: `QualityRow { step, fid, ..QualityRow::default() }`.
/// All numbers must be finite. A step may be evaluated more than once; the last
/// row counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QualityRow {
    /// Steps that the generator was trained for.
    pub step: u64,
    /// Originals shown to D so far.
    pub images_seen: u64,
    /// Seconds of training until then, this and earlier evaluations excluded.
    pub seconds: f64,
    /// Seconds that this evaluation took.
    pub evaluation_seconds: f64,
    /// Forgeries that were compared.
    pub forgeries: u64,
    /// Originals that they were compared with.
    pub originals: u64,
    /// The network whose features were compared: `classifier`.
    pub features: String,
    /// Fréchet distance of Gaussian fits to the features (Heusel et al. 2017),
    /// about 0 at best; it depends on how many images are compared.
    pub fid: f64,
    /// The same of training images in the forgeries' place: what a perfect
    /// generator would get. So are all floors unless they say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fid_floor: Option<f64>,
    /// Kernel distance (Bińkowski et al. 2018): the mean over subsets, about 0,
    /// and as often below, at best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<f64>,
    /// Its standard deviation over the subsets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid_std: Option<f64>,
    /// Its floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid_floor: Option<f64>,
    /// Share of forgeries that lie where originals do, 0 to 1 (Kynkäänniemi et al.
    /// 2019).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Share of originals that lie where forgeries do, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// How densely originals lie around the forgeries, 0 or more, about 1 at best
    /// (Naeem et al. 2020).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<f64>,
    /// Share of originals with a forgery nearby, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
    /// Precision's floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_floor: Option<f64>,
    /// Recall's floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall_floor: Option<f64>,
    /// Density's floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density_floor: Option<f64>,
    /// Coverage's floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage_floor: Option<f64>,
    /// Share of each digit among the forgeries by the classifier's verdict; they sum to
    /// 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digit_shares: Option<[f64; 10]>,
    /// Kullback–Leibler divergence of those shares to equal ones in nats, 0 to ln
    /// 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits_kl: Option<f64>,
    /// That of the test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digits_kl_floor: Option<f64>,
    /// How sure the classifier is of its verdicts in the mean, 0.1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// How sure it is with the test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_floor: Option<f64>,
    /// Share of forgeries that carry the digit asked for, by the classifier's verdict,
    /// where G takes a digit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_digit: Option<f64>,
    /// Novelty (Meehan et al. 2020): far below 0 where forgeries are copies, far
    /// above where they are farther from the training images than new images are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_t: Option<f64>,
    /// What chance alone makes of it, in the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_t_null_mean: Option<f64>,
    /// The standard deviation of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_t_null_std: Option<f64>,
    /// Forgeries closer to a training image than the last of the closest 0.1% of
    /// test images is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_duplicates: Option<u64>,
    /// How many of as many new images would count, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_duplicates_floor: Option<f64>,
    /// Log-likelihood of test images under Parzen windows round the forgeries, in
    /// nats; larger is better (Goodfellow et al. 2014).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parzen: Option<f64>,
    /// The standard error of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parzen_error: Option<f64>,
    /// The windows' standard deviation, for pixels in \[0, 1\].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parzen_width: Option<f64>,
    /// The log-likelihood's floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parzen_floor: Option<f64>,
    /// The Fréchet distance in the features of InceptionV3, as it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inception_fid: Option<f64>,
    /// Its floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inception_fid_floor: Option<f64>,
}

impl Row for QualityRow {
    fn step(&self) -> u64 {
        self.step
    }

    fn check(&self) -> Result<(), String> {
        // JSON has no number that is not finite: it turns into null, which
        // nothing else in this row does.
        let row = serde_json::to_value(self).map_err(|e| e.to_string())?;
        let fields = row.as_object().into_iter().flatten();
        let wrong: Vec<&str> = fields
            .filter(|(_, value)| match value {
                Value::Array(values) => values.iter().any(Value::is_null),
                value => value.is_null(),
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("not a finite number: {}", wrong.join(", ")))
        }
    }
}
