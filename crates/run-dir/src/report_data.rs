//! `report.json`: what the report shows and no other file of a run holds.

use serde::{Deserialize, Serialize};

use crate::dir::RunDir;
use crate::error::{Error, Result, none_if_missing};
use crate::quality::QualityRow;

/// The largest `report.json` that is read, in bytes.
const MAX_REPORT_DATA_BYTES: u64 = 4 << 20;

/// The content of `report.json`. All numbers are finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportData {
    /// The number of finished steps.
    pub step: u64,
    /// The processor or device that trained, in words.
    pub machine: String,
    /// D's logits of test images, and of as many generated images.
    pub logits: Logits,
    /// D's logits of the images in `game.idx4`, in the same order.
    pub game: Logits,
    /// The evaluation after the last step: near-duplicates and the digits' shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<QualityRow>,
}

/// D's logits of two sets of images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logits {
    /// Of real images, which D was not trained on.
    pub real: Vec<f64>,
    /// Of generated images.
    pub fake: Vec<f64>,
}

impl RunDir {
    /// Writes `report.json`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a number is not finite, and those of [`RunDir::write`].
    pub fn write_report_data(&self, data: &ReportData) -> Result<()> {
        let path = self.report_data_path();
        let invalid =
            |e: serde_json::Error| Error::Invalid { path: path.clone(), reason: e.to_string() };
        let text = serde_json::to_string(data).map_err(invalid)?;
        // A number that is not finite becomes null, which cannot be read again.
        serde_json::from_str::<ReportData>(&text).map_err(invalid)?;
        self.save(&path, text.as_bytes())
    }

    /// Reads `report.json`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid file, and those of [`RunDir::read`] with a limit of
    /// 4 MiB.
    pub fn report_data(&self) -> Result<Option<ReportData>> {
        let path = self.report_data_path();
        let Some(text) = none_if_missing(self.read(&path, MAX_REPORT_DATA_BYTES))? else {
            return Ok(None);
        };
        let data = serde_json::from_slice(&text);
        data.map(Some).map_err(|e| Error::Invalid { path, reason: e.to_string() })
    }
}
