//! Remarks on the values of an evaluation, and the names of the details that they read.

use run_dir::QualityRow;

/// Name of a detail of `digits_kl`: the share of the samples of each class.
pub const CLASS_SHARES: &str = "shares";

/// Name of a detail of `digits_kl`: the share of the test images of each class.
pub const TEST_CLASS_SHARES: &str = "test_shares";

/// Name of a detail of `duplicates`: the number of samples that are equal to a training image.
pub(crate) const IDENTICAL: &str = "identical";

/// Name of a detail of `duplicates`: the number of test images that are equal to a training image.
pub(crate) const TEST_IN_TRAINING: &str = "shared_test_images";

/// Name of a detail of `parzen`: the bandwidth, for pixels in \[0, 1\].
pub(crate) const BANDWIDTH: &str = "width";

/// If FID lies farther above its reference value, precision and density are unreliable. The runs of
/// docs/results.md that lie farther draw few digits that look like handwriting, but their precision
/// is up to 0.82.
const MAX_FID_EXCESS: f64 = 100.0;

/// Why precision and density are unreliable if FID is far above its reference value.
pub(crate) fn precision_remark(row: &QualityRow) -> Option<String> {
    let fid = row.metrics.get("fid")?;
    let (far, reference) = match fid.reference {
        Some(reference) => {
            (fid.value - reference > MAX_FID_EXCESS, format!(", reference {reference:.0}"))
        }
        // There are too few training images. The reference value of few test images is high.
        None => (fid.value > 2.0 * MAX_FID_EXCESS, String::new()),
    };
    far.then(|| {
        format!(
            "precision and density are unreliable: FID is {:.0}{reference}, so samples fall only \
             into the large balls around outliers",
            fid.value
        )
    })
}

pub(crate) fn shares_remark(row: &QualityRow) -> Option<String> {
    let shares = row.metrics.get("digits_kl")?.details.get(CLASS_SHARES)?;
    let percent: Vec<String> = shares.iter().map(|s| format!("{:.1}", s * 100.0)).collect();
    let last = percent.len().checked_sub(1)?;
    Some(format!("shares of the classes 0 to {last} in percent: {}", percent.join(" ")))
}

pub(crate) fn novelty_remark(row: &QualityRow) -> Option<String> {
    let novelty = row.metrics.get("novelty")?;
    let (Some(mean), Some(std)) = (novelty.reference, novelty.error) else {
        return Some("too few samples for the null distribution".to_owned());
    };
    // Ten times what is expected of new digits.
    let copies = row.metrics.get("duplicates").is_some_and(|duplicates| {
        duplicates.value > 10.0 * duplicates.reference.unwrap_or_default().max(1.0)
    });
    let text = match (novelty.value - mean) / std {
        z if z < -5.0 => "closer to training images than new digits: copies, or common shapes only",
        _ if copies => {
            "not closer to training images than new digits on average, but many samples are \
             near-duplicates"
        }
        z if z > 5.0 => "farther from training images than new digits: no copies, but unusual ones",
        _ => "as far from training images as new digits",
    };
    Some(text.to_owned())
}

pub(crate) fn duplicates_remark(row: &QualityRow) -> Option<String> {
    let (duplicates, samples) = (row.metrics.get("duplicates")?, row.samples);
    let detail = |name| duplicates.details.get(name)?.first().copied();
    let (count, reference) = (duplicates.value, duplicates.reference?);
    let identical = detail(IDENTICAL).unwrap_or_default();
    let mut text = format!(
        "{count:.0} of {samples} samples are closer, {identical:.0} of them identical; of {samples} \
         new real images about {reference:.0} would be closer"
    );
    if let Some(shared) = detail(TEST_IN_TRAINING).filter(|&shared| shared > 0.0) {
        text += &format!("; {shared:.0} test images are training images and do not count");
    }
    Some(text)
}

pub(crate) fn parzen_remark(row: &QualityRow) -> Option<String> {
    let bandwidth = row.metrics.get("parzen")?.details.get(BANDWIDTH)?.first()?;
    Some(format!("bandwidth of the windows: {bandwidth:.2}"))
}

#[cfg(test)]
mod tests {
    use run_dir::Measurement;

    use super::*;

    #[test]
    fn precision_of_far_samples_has_a_remark_with_and_without_a_reference() {
        let remark = |value, reference| {
            let fid = Measurement { value, reference, ..Measurement::default() };
            let metrics = [("fid".to_owned(), fid)].into();
            precision_remark(&QualityRow { metrics, ..QualityRow::default() })
        };
        assert!(remark(440.0, None).unwrap().contains("FID is 440, so"));
        assert!(remark(440.0, Some(18.0)).unwrap().contains("FID is 440, reference 18, so"));
        assert_eq!(remark(150.0, None), None);
        assert_eq!(remark(110.0, Some(18.0)), None);
        assert_eq!(precision_remark(&QualityRow::default()), None);
    }
}
